"""Moves as the JSON of recorded games."""

from typing import Any

import numpy as np

from ringrift.boards import board_name
from ringrift.rules import moves as mv
from ringrift.rules import state as st
from ringrift.rules.geometry import Board, board, cell_key


# --- moves ------------------------------------------------------------------------------------------------
def move_to_json(s: np.ndarray, code: int, regions: list[list[int]]) -> list[Any]:
    """MOVE array of a legal move. `regions` are the cells of the claimable regions by rank (rules.inspect)."""
    name = board_name(int(s[st.BOARD]))
    b = board(name)
    kind, a, m, z = mv.decode(code)
    text = mv.MOVE_TYPES[kind]

    def key(cell: int) -> str:
        return cell_key(name, cell)

    if kind == mv.PLACE:
        return [text, key(a), z]
    if kind == mv.MOVE:
        return [text, key(a), key(z)]
    if kind in (mv.OVERTAKE, mv.CONTINUE):
        return [text, key(a), key(m), key(z)]
    if kind == mv.SLIDE:
        return _slide_to_json(b, name, s, a, m, z)
    if kind in (mv.PROCESS_LINE, mv.LINE_OPTION):
        line = _run(b, s, a, m)
        if kind == mv.PROCESS_LINE:
            return [text, [key(c) for c in sorted(line)]]
        chosen = line if z == 0 else line[z - 1 : z - 1 + int(s[st.LINE])]
        return [text, [key(c) for c in sorted(line)], [key(c) for c in sorted(chosen)]]
    if kind == mv.ELIMINATE:
        return [text, key(a), mv.CONTEXTS[z]]
    if kind == mv.FORCE:
        return [text, key(a)]
    if kind == mv.CLAIM:
        return [text, [key(c) for c in regions[code & 0x3FFFF]]]
    return [text]


def _run(b: Board, s: np.ndarray, first: int, axis: int) -> list[int]:
    own, line, cell = -1 - int(s[st.CUR]), [], first
    while cell >= 0 and s[b.first_cell + cell] == own:
        line.append(cell)
        cell = int(b.axis_next[cell, axis])
    return line


def _slide_to_json(b: Board, name: str, s: np.ndarray, start: int, end: int, field: int) -> list[Any]:
    mode, option = divmod(field, 4)
    seat = int(s[st.CUR])
    collapsed: list[int] = []
    if mode == 0:
        moved = s.copy()
        moved[b.first_cell + start], moved[b.first_cell + end] = 0, -1 - seat
        for axis in range(b.axes):
            first = end
            while (back := int(b.axis_prev[first, axis])) >= 0 and moved[b.first_cell + back] == -1 - seat:
                first = back
            collapsed = _run(b, moved, first, axis)
            if len(collapsed) >= s[st.LINE]:
                break
        if option == 2:
            collapsed = collapsed[: int(s[st.LINE])]
    source = None
    if option != 2:
        stacks = ((c, int(s[b.first_cell + c])) for c in range(b.cells))
        source = next(c for c, v in stacks if v > 0 and seat in st.stack_rings(v)[:-1])
    return [
        "recovery_slide",
        cell_key(name, start),
        cell_key(name, end),
        mv.RECOVERY_MODES[mode],
        option or None,
        [cell_key(name, c) for c in sorted(collapsed)],
        cell_key(name, source) if source is not None else None,
    ]
