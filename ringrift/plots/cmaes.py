"""How a search went, as SVG without any library: score against the panel a generation, and what candidates scored."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ringrift.plots.axes import DOT, INK
from ringrift.render import data_uri

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 460, 240, 60, 34, 340, 40  # pixels: plot, then margins
COLORS = ("#2a6", "#26a", "#a62", "#62a")
SMALL = (120, 60)

Histories = Sequence[Sequence[Mapping[str, Any]]]
"""Of each search the rows `history` of its result."""


def render_convergence(histories: Histories, candidates: Sequence[Mapping[str, Any]], title: str) -> str:
    """SVG: the mean score of each generation against the panel with its 95 % interval, one line a search.

    On the right `candidates` (kind, replica, fitness) with what they scored against the incumbent; 0.5 is equal.
    """
    low, high = _range(histories, candidates)
    total = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]} {total[1]}" width="{total[0]}" '
        f'height="{total[1]}" font-family="sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{total[0]}" height="{total[1]}" fill="#fff"/>',
        f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in range(int(low * 10), int(high * 10 + 1e-9) + 1):
        y = _y(tick / 10, low, high)
        width = 1.5 if tick == 5 else 0.5
        parts.append(f'<path d="M{LEFT} {y:.1f}h{WIDTH + 60}" stroke="#bbb" stroke-width="{width}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick / 10:.1f}</text>')
    for replica, history in enumerate(histories):
        color = COLORS[replica % len(COLORS)]
        places = [(_x(i, len(history)), row) for i, row in enumerate(history)]
        for x, row in places:
            top, bottom = (_y(row[f"against_panel_{side}"], low, high) for side in ("high", "low"))
            parts.append(f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{color}" stroke-opacity=".35"/>')
        line = "L".join(f"{x:.1f} {_y(row['against_panel'], low, high):.1f}" for x, row in places)
        parts.append(f'<path d="M{line}" stroke="{color}" stroke-width="2" fill="none"/>')
        end = history[-1]
        parts.append(
            f'<text x="{LEFT + WIDTH + 70}" y="{TOP + 16 * replica + 12}" fill="{color}">'
            f"search {replica}: {sum(row['games'] for row in history)} games, sigma {end['sigma']:.2f}</text>"
        )
    measured = [candidate for candidate in candidates if candidate["fitness"]]
    for place, candidate in enumerate(measured):
        x, found = LEFT + WIDTH + 12 + 10 * place, candidate["fitness"]
        top, middle, bottom = (_y(found[name], low, high) for name in ("high", "score", "low"))
        parts.append(f'<path d="M{x} {top:.1f}V{bottom:.1f}" stroke="#888" stroke-width="2"/>')
        parts.append(f'<circle cx="{x}" cy="{middle:.1f}" r="4" fill="{DOT}"/>')
        text = f"{candidate['kind']} of search {candidate['replica']}: {found['score']:.3f} ({found['games']} games)"
        y = TOP + 16 * (len(histories) + place + 1) + 12
        parts.append(f'<text x="{LEFT + WIDTH + 70}" y="{y}" font-size="11">{escape(text)}</text>')
    below = TOP + HEIGHT + 28
    parts.append(
        f'<text x="{LEFT}" y="{below}">generation 0 to {len(histories[0]) - 1}: score against the panel</text>'
    )
    parts.append(f'<text x="{LEFT + WIDTH}" y="{below}">candidates against the incumbent</text>')
    return "".join([*parts, "</svg>\n"])


def render_small_convergence(histories: Histories) -> str:
    """The lines alone as a tiny SVG in a data URI, for the UI's markdown."""
    low, high = _range(histories, [])
    width, height = SMALL
    lines = []
    for history in histories[:2]:
        step = width / max(1, len(history) - 1)
        rows = history if len(history) <= 20 else history[:: -(-len(history) // 20)]
        y = [round(height * (high - row["against_panel"]) / (high - low)) for row in rows]
        lines.append("M" + "L".join(f"{round(i * step * len(history) / len(rows))} {v}" for i, v in enumerate(y)))
    middle = round(height * (high - 0.5) / (high - low))
    return data_uri(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * width}" viewBox="0 0 {width} {height}" fill="none">'
        f'<path d="M0 {middle}h{width}" stroke="#bbb"/><path d="{"".join(lines)}" stroke="{COLORS[0]}"/></svg>'
    )


def _range(histories: Histories, candidates: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Lowest and highest score on the axis, tenths around 0.5."""
    values = [row[name] for h in histories for row in h for name in ("against_panel_low", "against_panel_high")]
    values += [c["fitness"][name] for c in candidates if c["fitness"] for name in ("low", "high")]
    low, high = min([0.4, *values]), max([0.6, *values])
    return int(low * 10) / 10, -int(-high * 10) / 10 if high * 10 == int(high * 10) else (int(high * 10) + 1) / 10


def _x(place: int, count: int) -> float:
    return LEFT + WIDTH * place / max(1, count - 1)


def _y(score: float, low: float, high: float) -> float:
    return TOP + HEIGHT * (high - score) / (high - low)
