"""The ratings of some participants over the iterations, with their 95 % intervals, as SVG without any library."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from ringrift.plots.axes import INK, axis_range, ticks

LINES = 8  # most of them in one picture
LEFT, WIDTH, RIGHT, TOP, HEIGHT, BOTTOM = 50, 520, 230, 28, 300, 28  # pixels: margins around the plot
LABEL = 16  # least distance of two names
COLORS = ("#c33", "#27a", "#2a7", "#b70", "#75b", "#555", "#c6a", "#099")

Rows = Sequence[Mapping[str, Any]]


class Line(NamedTuple):
    """One participant; `points` are (iteration, rating, low, high), ascending. `bold` draws it thicker."""

    name: str
    points: list[tuple[int, float, float, float]]
    bold: bool = False


def history_lines(
    iterations: Mapping[int, Rows], featured: Sequence[str], bold: str | None = None, most: int = LINES
) -> list[Line]:
    """The lines of the featured participants (keys), then of the best, `most` in all.

    `iterations` holds the rows of each (`key`, `name`, `rating`, `low`, `high`). Only who is rated in the newest has a
    line, under the name it has there. `bold` is the key of the one to point out. Best first.
    """
    newest = list(iterations[max(iterations)])
    wanted = [row for key in featured for row in newest if row["key"] == key]
    wanted += [row for row in newest if row not in wanted]
    lines = []
    for row in sorted(wanted[:most], key=lambda row: (-row["rating"], row["key"])):
        points = [
            (iteration, old["rating"], old["low"], old["high"])
            for iteration, rows in sorted(iterations.items())
            for old in rows
            if old["key"] == row["key"]
        ]
        lines.append(Line(row["name"], points, row["key"] == bold))
    return lines


def render_history(lines: Sequence[Line], title: str) -> str:
    """SVG of the lines, each with its interval as a band (a bar where there is one point) and its name at the end."""
    low, high = axis_range([{"low": p[2], "high": p[3]} for line in lines for p in line.points])
    numbers = sorted({point[0] for line in lines for point in line.points}) or [0]
    first, last = numbers[0], numbers[-1]
    total, height = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM

    def x(iteration: float, number: int = 0) -> float:
        """Where an iteration is; a single one has its lines side by side."""
        if last > first:
            return LEFT + WIDTH * (iteration - first) / (last - first)
        return LEFT + WIDTH * (number + 1) / (len(lines) + 1)

    def y(rating: float) -> float:
        return TOP + HEIGHT * (high - rating) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" width="{total}" height="{height}" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{total}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-weight="bold">{escape(title)}: rating over iterations, 95 % intervals</text>',
    ]
    for step in ticks(low, high):
        parts.append(f'<path d="M{LEFT} {y(step):.1f}h{WIDTH}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(step) + 4:.1f}" text-anchor="end">{step}</text>')
    for iteration in range(first, last + 1, max(1, round((last - first) / 10))):
        middle = x(iteration) if last > first else LEFT + WIDTH / 2
        parts.append(f'<text x="{middle:.1f}" y="{height - 8}" text-anchor="middle">{iteration}</text>')
    places = _label_places([y(line.points[-1][1]) for line in lines])
    for number, (line, place) in enumerate(zip(lines, places, strict=True)):
        color = COLORS[number % len(COLORS)]
        spots = [(x(i, number), y(rating), y(low), y(high)) for i, rating, low, high in line.points]
        parts.append(_band(spots, color))
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top, _, _ in spots)
        width = 3 if line.bold else 1.5
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>')
        parts += [f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3" fill="{color}"/>' for left, top, _, _ in spots]
        text = f"{line.name} {line.points[-1][1]:.0f}"
        weight = ' font-weight="bold"' if line.bold else ""
        parts.append(f'<text x="{LEFT + WIDTH + 10}" y="{place + 4:.1f}" fill="{color}"{weight}>{escape(text)}</text>')
    return "".join([*parts, "</svg>\n"])


def _band(spots: Sequence[tuple[float, float, float, float]], color: str) -> str:
    """The interval around the spots, (x, y, y of the lower end, y of the upper end) each."""
    if len(spots) == 1:
        [(left, _, low, high)] = spots
        return f'<path d="M{left:.1f} {low:.1f}V{high:.1f}" stroke="{color}" stroke-opacity="0.4" stroke-width="2"/>'
    upper = [f"{left:.1f},{high:.1f}" for left, _, _, high in spots]
    lower = [f"{left:.1f},{low:.1f}" for left, _, low, _ in reversed(spots)]
    return f'<polygon points="{" ".join(upper + lower)}" fill="{color}" fill-opacity="0.1"/>'


def _label_places(wanted: Sequence[float]) -> list[float]:
    """Heights of the names from the top, as near to the wanted ones (ascending) as LABEL allows."""
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + LABEL) if places else place)
    surplus = max(0.0, places[-1] - (TOP + HEIGHT)) if places else 0.0
    return [place - surplus for place in places]
