"""The SVG board."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from ringrift.boards import BOARDS
from ringrift.errors import InvalidInput
from ringrift.render.position import COLORS, Position, bound_cell, read_position, status_text
from ringrift.rules.geometry import board
from ringrift.rules.state import CUR, ELIM, HAND, OVER, PHASE, TERR, TERRITORY_MIN, VICTORY, WINNER

# Drawn 480 wide; cells lie in a scaled group where neighbouring cells are 100 apart.

WIDTH, PAD, LABEL_ROOM, RIM = 480, 8, 18, 10
ROW = 86.6  # distance of hex rows
RING_TILT, RING_THICK, PILE = 20, 10, 94  # half height of a ring's face, its thickness, room for a pile

SVG_STYLE = "".join(
    (
        *(f".p{i + 1}{{fill:{color}}}" for i, color in enumerate(COLORS)),
        ".sl{fill:#d3d7de;stroke:#d3d7de}",
        ".ce{fill:#f6f7f9;stroke:#f6f7f9}",
        ".la{fill:#555d6b;font-size:11px;text-anchor:middle}",
        ".te{opacity:.55}",
        ".ma{stroke:#15181d;stroke-width:2.2}",
        ".st{stroke:#15181d;stroke-width:2.2;stroke-linejoin:round}",
        ".to{fill:#fff;stroke:none;opacity:.22}",
        ".ho{fill:#15181d;stroke:none;opacity:.5}",
        ".nu{fill:#fff;stroke:#15181d;stroke-width:6;stroke-linejoin:round;paint-order:stroke;",
        "font-weight:700;font-size:38px;text-anchor:middle}",
        ".hi{fill:none;stroke:#d01c5b;stroke-width:7}",
        ".mu{fill:none;stroke:#15181d;stroke-width:5;stroke-dasharray:11 9}",
        ".bi{font-size:13px;text-anchor:middle}",
        ".bo{font-size:11px;font-weight:700;text-anchor:middle}",
        ".qu{font-size:9.5px;fill:#555d6b}",
    )
)
"""CSS of the board drawing; p1 to p4 are the players' fills."""

_RING = f"M-37 0a37 {RING_TILT} 0 0 1 74 0v{RING_THICK}a37 {RING_TILT} 0 0 1-74 0z"


class BoardArt(NamedTuple):
    """The part of a drawing that no move changes.

    `defs` holds the shapes c (cell), m (marker), r (ring), o and t (a single ring's face, a pile's face);
    `backdrop` the empty board with its labels; cells are drawn inside `<g transform=...>` at `centers`.
    """

    height: int
    defs: str
    backdrop: str
    transform: str
    centers: tuple[tuple[int, int], ...]


@cache
def board_art(name: str) -> BoardArt:
    """Shapes and cell positions of a board's drawing. Raises InvalidInput for an unknown board."""
    b = board(name)
    xy = [(int(x), int(y)) for x, y in b.xy]
    if b.hex:
        radius = BOARDS[name].size
        scale = (WIDTH - 2 * PAD - 2 * LABEL_ROOM) / (200 * radius + 124)
        reach = 62 * scale + LABEL_ROOM
        height = round(2 * (ROW * radius * scale + reach + PAD))
        origin = (WIDTH / 2, height / 2)
        centers = tuple((100 * x + 50 * y, round(-ROW * y)) for x, y in xy)
        cell = "M0-53 46-26.5v53L0 53-46 26.5v-53z"
        tiles = _tiles(centers, (0, -50), "l43 25v50l-43 25-43-25v-50z")
        corners = [(radius, 0), (0, radius), (-radius, radius), (-radius, 0), (0, -radius), (radius, -radius)]
        outline = "L".join(
            f"{origin[0] + (100 * x + 50 * y) * scale:.0f} {origin[1] - ROW * y * scale:.0f}" for x, y in corners
        )
        slab = f'<path class="sl" d="M{outline}z" stroke-width="{2 * reach:.0f}" stroke-linejoin="round"/>'
        labels = _hex_labels(radius, scale, origin, height)
    else:
        side = BOARDS[name].size
        scale = (WIDTH - 2 * PAD - LABEL_ROOM - RIM) / (100 * side)
        height = WIDTH
        origin = (PAD + LABEL_ROOM, PAD + RIM)
        centers = tuple((100 * x + 50, 100 * (side - 1 - y) + 50) for x, y in xy)
        cell = "M-43-43h86v86h-86z"
        tiles = _tiles(centers, (-43, -43), "h86v86h-86z")
        inner = WIDTH - 2 * PAD
        slab = f'<rect class="sl" x="{PAD}" y="{PAD}" width="{inner}" height="{inner}" rx="12"/>'
        labels = _square_labels(side, scale)
    transform = f"translate({origin[0]:g} {origin[1]:g})scale({scale:.4g})"
    defs = (
        f'<path id="c" d="{cell}"/><path id="m" class="ma" d="M0-23 23 0 0 23-23 0z"/>'
        f'<path id="r" d="{_RING}"/>'
        f'<ellipse id="t" class="to" rx="36" ry="{RING_TILT - 1}"/>'
        f'<g id="o"><use href="#t"/><ellipse class="ho" rx="17" ry="8.5"/></g>'
    )
    backdrop = (
        f'{slab}<g class="la">{labels}</g><g transform="{transform}">'
        f'<path class="ce" stroke-width="8" stroke-linejoin="round" d="{tiles}"/></g>'
    )
    return BoardArt(height, defs, backdrop, transform, centers)


def _tiles(centers: Iterable[tuple[int, int]], start: tuple[int, int], shape: str) -> str:
    """Path data of one shape at every centre; steps are relative because they are mostly short."""
    data, before = [], None
    for x, y in centers:
        step = (x + start[0], y + start[1]) if before is None else (x - before[0], y - before[1])
        data.append(f"m{step[0]} {step[1]}{shape}".replace(" -", "-"))
        before = (x, y)
    return "".join(data)


def _label(x: float, y: float, text: object) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}">{text}</text>'


def _square_labels(side: int, scale: float) -> str:
    text = []
    for i in range(side):
        along = (i + 0.5) * 100 * scale
        text.append(_label(PAD + LABEL_ROOM + along, WIDTH - PAD - 5, chr(ord("a") + i)))
        text.append(_label(PAD + LABEL_ROOM / 2, WIDTH - PAD - LABEL_ROOM - along + 4, i + 1))
    return "".join(text)


def _hex_labels(radius: int, scale: float, origin: tuple[float, float], height: int) -> str:
    """y at the right end of each row, x below the lower end of each slanted column."""
    out = 50 * scale + 10
    text = [_label(WIDTH - PAD - 20, PAD + 14, "y \u2192"), _label(PAD + 20, height - PAD - 6, "x \u2197")]
    for v in range(-radius, radius + 1):
        x, y = min(radius, radius - v), max(-radius, -radius - v)
        right, row = origin[0] + (100 * x + 50 * v) * scale + out, origin[1] - ROW * v * scale
        left, low = (
            origin[0] + (100 * v + 50 * y) * scale - out / 2,
            origin[1] - ROW * y * scale + out * 0.866,
        )
        text += [_label(right, row + 4, v), _label(left, low + 4, v)]
    return "".join(text)


def render_svg(state: np.ndarray, *, size: int = 480, highlight: Iterable[int] = ()) -> str:
    """Self-contained SVG of a state, `size` pixels wide, with the outlines of the `highlight` cells drawn.

    A stack is a pile of its rings, bottom to top, with its height on the top ring; a diamond is a marker, a
    filled cell is collapsed, a dashed outline marks the stack that must act. A square8 picture takes about
    10 KB, a crowded hexagonal one about 60 KB. Raises InvalidInput for a bad size, highlight or state.
    """
    at = read_position(state)
    cells = [int(cell) for cell in highlight]
    if size < 16:
        raise InvalidInput("size", size, "use a width of at least 16 pixels")
    if any(not 0 <= cell < board(at.name).cells for cell in cells):
        raise InvalidInput("highlight", cells, f"use cell numbers of {at.name}")
    art = board_art(at.name)
    height = art.height + 74
    bound = bound_cell(state)
    dashed = _use("c", art.centers[bound], 'class="mu" ') if bound >= 0 else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{size}" '
        f'height="{round(size * height / WIDTH)}" role="img" font-family="system-ui,sans-serif">'
        f"<title>{at.name}, {at.players} players: {status_text(state)}</title><style>{SVG_STYLE}</style>"
        f'<defs>{art.defs}</defs><rect width="{WIDTH}" height="{height}" rx="14" fill="#fff"/>{art.backdrop}'
        f'<g transform="{art.transform}">'
        f'<g class="te">{"".join(_use("c", art.centers[c], _seat(p)) for c, p in at.land.items())}</g>'
        f'<g class="mk">{"".join(_use("m", art.centers[c], _seat(p)) for c, p in at.marks.items())}</g>'
        f'<g class="hi">{"".join(_use("c", art.centers[c]) for c in cells)}</g>{dashed}'
        f"{_piles(at, art)}</g>{_panel(state, at, art.height)}</svg>"
    )


def _seat(seat: int) -> str:
    return f'class="p{seat + 1}" '


def _use(shape: str, center: tuple[int, float], attributes: str = "") -> str:
    return f'<use href="#{shape}" {attributes}x="{center[0]}" y="{center[1]:g}"/>'


def _piles(at: Position, art: BoardArt) -> str:
    """All stacks, the rows at the back first; `<g class="st">` holds one stack's rings, `nu` the heights."""
    piles, numbers = [], []
    for cell, rings in sorted(at.stacks.items(), key=lambda item: art.centers[item[0]][1]):
        x, y = art.centers[cell]
        n = len(rings)
        step = min(RING_THICK, (PILE - 2 * RING_TILT - RING_THICK) / max(1, n - 1))
        # The pile as a whole is centred in its cell.
        base = y + ((n - 1) * step - RING_THICK) / 2
        top = round(base - (n - 1) * step, 1)
        uses = "".join(_use("r", (x, round(base - i * step, 1)), _seat(seat)) for i, seat in enumerate(rings))
        # Thin outlines keep the colours of a high pile visible.
        thin = "" if step > 6 else f' style="stroke-width:{step / 5:.1g}"'
        piles.append(f'<g class="st"{thin}>{uses}{_use("t" if n > 1 else "o", (x, top))}</g>')
        if n > 1:
            numbers.append(f'<text x="{x}" y="{top + 13:g}">{n}</text>')
    return f'{"".join(piles)}<g class="nu">{"".join(numbers)}</g>'


def _panel(state: np.ndarray, at: Position, top: int) -> str:
    """The status line, the two goals, and a card a player: rings in hand, rings eliminated, territory."""
    over, gap = int(state[PHASE]) == OVER, 8
    width = (WIDTH - 2 * PAD - gap * (at.players - 1)) / at.players
    status = status_text(state)
    text = f'<text x="{PAD + 4}" y="{top + 10}" font-size="13">{status[0].upper() + status[1:]}</text>'
    if not over:
        goals = f"goal: eliminate {int(state[VICTORY])} or hold {int(state[TERRITORY_MIN])}"
        text += f'<text x="{WIDTH - PAD - 4}" y="{top + 10}" class="qu" text-anchor="end">{goals}</text>'
    for seat in range(at.players):
        x = PAD + seat * (width + gap)
        lit = seat == int(state[WINNER] if over else state[CUR])
        edge = f'stroke="{COLORS[seat]}" stroke-width="2.5"' if lit else 'stroke="#d3d7de"'
        icon = f'<g class="st" transform="translate({x + 19:g} {top + 34})scale(.34)">'
        icon += f"{_use('r', (0, 0), _seat(seat))}{_use('o', (0, 0))}</g>"
        text += (
            f'<rect x="{x:g}" y="{top + 19}" width="{width:g}" height="46" rx="8" fill="#f6f7f9" {edge}/>'
            f'{icon}<text x="{x + 19:g}" y="{top + 58}" class="bo">P{seat + 1}</text>'
        )
        numbers = ((HAND, "hand"), (ELIM, "elim"), (TERR, "terr"))
        for i, (word, label) in enumerate(numbers):
            middle = round(x + 32 + (width - 34) * (i + 0.5) / 3)
            text += (
                f'<text x="{middle}" y="{top + 42}" class="bi">{int(state[word + seat])}</text>'
                f'<text x="{middle}" y="{top + 57}" class="qu" text-anchor="middle">{label}</text>'
            )
    return text
