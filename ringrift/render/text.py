"""Terminal picture of a state."""

from collections.abc import Callable

import numpy as np

from ringrift.boards import BOARDS
from ringrift.render.position import Position, bound_cell, read_position, status_text
from ringrift.rules.geometry import board, cell_name
from ringrift.rules.state import CUR, ELIM, HAND, OVER, PHASE, TERR, TERRITORY_MIN, TURN, VICTORY

_ANSI = ("\033[1;94m", "\033[1;93m", "\033[1;92m", "\033[1;95m")
_DIM, _RESET = "\033[2m", "\033[0m"


def render_text(state: np.ndarray, *, color: bool = False) -> str:
    """Terminal picture of a state, without a newline at the end; with ANSI colours if `color`.

    `1x3` is a stack of three rings controlled by player 1, `*1` a marker of player 1, `#1` a cell collapsed
    for player 1. square8, hex8 and square19 fit 80 columns (square19 takes 98 once a stack has ten rings),
    hexagonal takes 116 (141). Raises as read_position.
    """
    at = read_position(state)
    tokens: dict[int, tuple[str, int]] = {c: (f"{r[-1] + 1}x{len(r)}", r[-1]) for c, r in at.stacks.items()}
    tokens |= {c: (f"*{p + 1}", p) for c, p in at.marks.items()}
    tokens |= {c: (f"#{p + 1}", p) for c, p in at.land.items()}
    longest = max([len(text) for text, _ in tokens.values()], default=1)
    width = max(4, longest + 1)

    def paint(text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if color else text

    def cell_text(cell: int) -> str:
        text, seat = tokens.get(cell, (".", -1))
        return paint(text.rjust(width), _ANSI[seat] if seat >= 0 else _DIM)

    lines = [f"{at.name}, {at.players} players, turn {int(state[TURN])}: {status_text(state)}"]
    if (bound := bound_cell(state)) >= 0:
        lines[0] += f" with {cell_name(at.name, bound)}"
    lines.append("player    hand  eliminated  territory")
    for seat in range(at.players):
        sign = ">" if seat == int(state[CUR]) and int(state[PHASE]) != OVER else " "
        eliminated = f"{int(state[ELIM + seat])}/{int(state[VICTORY])}"
        territory = f"{int(state[TERR + seat])}/{int(state[TERRITORY_MIN])}"
        row = f"{sign} {seat + 1}{int(state[HAND + seat]):>11}{eliminated:>12}{territory:>11}"
        lines.append(paint(row, _ANSI[seat]))
    lines.append("")
    lines += (_hex_rows if BOARDS[at.name].hexagonal else _square_rows)(at.name, width, cell_text)
    lines += _mixed_stacks(at)
    return "\n".join(lines)


def _square_rows(name: str, width: int, cell_text: Callable[[int], str]) -> list[str]:
    side = BOARDS[name].size
    rows = [f"{y + 1:>2} " + "".join(cell_text(x * side + y) for x in range(side)) for y in reversed(range(side))]
    return [*rows, "   " + "".join(chr(ord("a") + x).rjust(width) for x in range(side))]


def _hex_rows(name: str, width: int, cell_text: Callable[[int], str]) -> list[str]:
    radius, b = BOARDS[name].size, board(name)
    rows = []
    for y in range(radius, -radius - 1, -1):
        low, high = max(-radius, -radius - y), min(radius, radius - y)
        cells = "".join(cell_text(int(b.cell_at[x + radius, y + radius])) for x in range(low, high + 1))
        rows.append(f"y{y:>3} {' ' * (abs(y) * width // 2)}{cells}  x {low}..{high}")
    return rows


def _mixed_stacks(at: Position) -> list[str]:
    """The rings of every stack of several colours, wrapped at 80 columns."""
    entries = [
        f"{cell_name(at.name, cell)} {''.join(str(seat + 1) for seat in rings)}"
        for cell, rings in at.stacks.items()
        if len(set(rings)) > 1
    ]
    lines = ["", "mixed stacks, bottom to top:"] if entries else []
    for entry in entries:
        if len(lines) == 2 or len(lines[-1]) + len(entry) + 2 > 80:
            lines.append(f"  {entry}")
        else:
            lines[-1] += f"  {entry}"
    return lines
