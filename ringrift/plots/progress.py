"""Elo over a frozen anchor by iteration, with 95 % intervals and the champion in force, as SVG without any library."""

from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

from ringrift.plots.axes import DOT, INK, axis_range, data_uri, ticks

LEFT, WIDTH, RIGHT, TOP, HEIGHT, BOTTOM = 72, 520, 240, 34, 280, 46  # pixels: margins around the plot
MARGIN = 0.06  # of the measured range, above and below it
LABEL = 44  # pixels that an iteration needs for its number; with less only the newest has one
LEAST, LIMIT = 200.0, 950  # Elo on the axis, at least; characters of a data URI that the Dagster UI shows inline
SMALL, SMALL_POINTS = (120, 40), 24
STEP, BAR = "#27a", "#988"

Candidate = Literal["promoted", "not promoted", "none"]
MARKS: dict[Candidate, tuple[float, str, str]] = {  # radius, fill, outline
    "promoted": (5, DOT, DOT),
    "not promoted": (5, "#fff", DOT),
    "none": (2, INK, INK),
}
MEANING: dict[Candidate, str] = {
    "promoted": "candidate, promoted",
    "not promoted": "candidate, not promoted",
    "none": "no candidate",
}


class Point(NamedTuple):
    """The match of an iteration against the anchor.

    `elo` is its newest player's with the ends of the interval, None where it has no bound. `champion` is the Elo of
    the champion in force after the iteration, None without one that was measured.
    """

    iteration: int
    elo: float
    low: float | None
    high: float | None
    candidate: Candidate
    champion: float | None = None


def render_progress(points: Sequence[Point], title: str) -> str:
    """SVG of the points, ascending by iteration: promoted candidates filled, others hollow, no candidate a small mark.

    Bars are the intervals, with an arrow at an end without a bound; the line is the champion in force.
    """
    total, height, floor = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM, TOP + HEIGHT
    first, last = _ends(points)
    bottom, top = _range(points)

    def x(iteration: float) -> float:
        return LEFT + WIDTH * (iteration - first + 0.5) / (last - first + 1)

    def y(elo: float) -> float:
        return TOP + HEIGHT * (top - elo) / (top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" width="{total}" height="{height}" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{total}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-weight="bold">{escape(title)}</text>',
        f'<text x="{LEFT + WIDTH / 2}" y="{height - 8}" text-anchor="middle">iteration</text>',
        f'<text transform="translate(16 {TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        "Elo over the anchor</text>",
    ]
    for tick in ticks(bottom, top):
        color = INK if tick == 0 else "#ddd"
        parts.append(f'<path d="M{LEFT} {y(tick):.1f}h{WIDTH}" stroke="{color}"/>')
        text = f"{tick:+d}" if tick else "0"
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{text}</text>')
    for iteration in range(first, last + 1, max(1, round((last - first) / 10))):
        parts.append(f'<text x="{x(iteration):.1f}" y="{floor + 16}" text-anchor="middle">{iteration}</text>')
    champions = [(x(p.iteration), None if p.champion is None else y(p.champion)) for p in points]
    if line := _steps(champions, LEFT + WIDTH):
        parts.append(f'<path d="{line}" fill="none" stroke="{STEP}" stroke-width="2"/>')
    for point in points:
        high, low = (None if end is None else y(end) for end in (point.high, point.low))
        parts.append(_bar(x(point.iteration), high, low))
        parts.append(_mark(x(point.iteration), y(point.elo), point.candidate))
    for point in points if LABEL * (last - first + 1) <= WIDTH else points[-1:]:
        parts.append(
            f'<text x="{x(point.iteration) + 8:.1f}" y="{y(point.elo) - 6:.1f}" font-size="11" stroke="#fff" '
            f'stroke-width="3" paint-order="stroke">{round(point.elo):+d}</text>'
        )
    return "".join([*parts, *_legend(), "</svg>\n"])


def render_small_progress(points: Sequence[Point]) -> str:
    """The newest points and the champion's line as a tiny SVG in a data URI of fewer than LIMIT characters."""
    for count in range(min(len(points), SMALL_POINTS), 0, -1):
        uri = data_uri(_small(points[-count:]))
        if len(uri) < LIMIT:
            return uri
    return data_uri(_small([]))


def _small(points: Sequence[Point]) -> str:
    first, last = _ends(points)
    bottom, top = _range(points)
    width, height = SMALL

    def x(point: Point) -> int:
        return round(width * (point.iteration - first + 0.5) / (last - first + 1))

    def y(elo: float) -> int:
        return round(height * (top - elo) / (top - bottom))

    dots = {
        filled: "".join(f"M{x(p) - 2} {y(p.elo)}h4" for p in points if (p.candidate == "promoted") == filled)
        for filled in (False, True)
    }
    line = _steps([(x(p), None if p.champion is None else y(p.champion)) for p in points], width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * width}" viewBox="0 0 {width} {height}">'
        f'<path d="M0 {y(0)}h{width}" stroke="#bbb"/><path d="{line}" fill="none" stroke="{STEP}"/>'
        f'<path d="{dots[False]}" stroke="{BAR}" stroke-width="4"/>'
        f'<path d="{dots[True]}" stroke="{DOT}" stroke-width="4"/></svg>'
    )


def _ends(points: Sequence[Point]) -> tuple[int, int]:
    """The first iteration and the last."""
    return (points[0].iteration, points[-1].iteration) if points else (0, 0)


def _range(points: Sequence[Point]) -> tuple[float, float]:
    """Elo at the lower and the upper end of the axis; 0, the anchor's own, lies between them."""
    numbers = [0.0, *(v for p in points for v in (p.elo, p.low, p.high, p.champion) if v is not None)]
    low, high = axis_range([{"low": number, "high": number} for number in numbers])
    spare = max(MARGIN * (high - low), (LEAST - (high - low)) / 2)
    return low - spare, high + spare


def _steps(places: Sequence[tuple[float, float | None]], end: float) -> str:
    """Path of a line that keeps each height (None: there is none) up to the next place, the last one up to `end`."""
    path, before = [], None
    following = [*(left for left, _ in places[1:]), end]
    for (left, height), right in zip(places, following, strict=False):
        if height is not None:
            start = f"M{left:g} {height:g}" if before is None else f"V{height:g}"
            path.append(f"{start}H{right:g}")
        before = height
    return "".join(path)


def _bar(x: float, high: float | None, low: float | None) -> str:
    """The interval between two heights; an arrow at the edge of the plot where there is no bound."""
    top, bottom = TOP if high is None else high, TOP + HEIGHT if low is None else low
    ends = f"M{x - 4:.1f} {top + 7:.1f}L{x:.1f} {top:.1f}l4 7" if high is None else f"M{x - 4:.1f} {top:.1f}h8"
    ends += (
        f"M{x - 4:.1f} {bottom - 7:.1f}L{x:.1f} {bottom:.1f}l4 -7" if low is None else f"M{x - 4:.1f} {bottom:.1f}h8"
    )
    return f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}{ends}" fill="none" stroke="{BAR}" stroke-width="1.5"/>'


def _mark(x: float, y: float, candidate: Candidate) -> str:
    """The mark of a point; see MARKS."""
    radius, fill, stroke = MARKS[candidate]
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{stroke}" stroke-width="2"/>'


def _legend() -> list[str]:
    """What the marks, the line and the bars mean, on the right."""
    left = LEFT + WIDTH + 50
    rows = [(_mark(left, 0, kind), text) for kind, text in MEANING.items()]
    rows.append((f'<path d="M{left - 9} 0h18" stroke="{STEP}" stroke-width="2"/>', "champion in force"))
    rows.append((f'<path d="M{left} -8v16m-4 0h8m-8 -16h8" stroke="{BAR}" stroke-width="1.5"/>', "95 % interval"))
    arrow = f'<path d="M{left} 8v-16m-4 7l4 -7l4 7" fill="none" stroke="{BAR}" stroke-width="1.5"/>'
    rows.append((arrow, "no bound on this side"))
    return [
        f'<g transform="translate(0 {TOP + 12 + 24 * place})">{mark}<text x="{left + 18}" y="4">{text}</text></g>'
        for place, (mark, text) in enumerate(rows)
    ]
