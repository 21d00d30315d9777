"""Kernels that encode the legal moves of a position for the policy head."""

import numpy as np

from ringrift.kernels import kernel
from ringrift.network.encoding import (
    _CLAIM,
    _CONTINUE,
    _ELIMINATE_LINE,
    _FORCE,
    _LINE_PART,
    _LINE_WHOLE,
    _MOVE,
    _OVERTAKE,
    _PLACE_1,
    _PROCESS_LINE,
    _REGION_CELLS,
    _REGION_OWN,
    _REGION_RINGS,
    _REGION_TIE,
    _SKIP_CAPTURE,
    _SKIP_PLACEMENT,
    _SKIP_RECOVERY,
    _SKIP_TERRITORY,
    _SLIDE_FALLBACK,
    _SLIDE_LINE1,
    _SLIDE_STRIKE,
    _SWAP,
)
from ringrift.network.layout import CLAIMABLE, EXTRAS, FROM, KIND, OVER, TO
from ringrift.rules.lines import run_length
from ringrift.rules.moves import (
    A_SHIFT,
    B_SHIFT,
    CLAIM,
    CONTINUE,
    ELIMINATE,
    FIELD,
    FORCE,
    LINE_OPTION,
    MOVE,
    OVERTAKE,
    PLACE,
    PROCESS_LINE,
    SKIP_CAPTURE,
    SKIP_PLACEMENT,
    SKIP_RECOVERY,
    SLIDE,
    SWAP,
    TYPE_SHIFT,
)
from ringrift.rules.state import CUR, LINE, VICTORY, height, ring_at
from ringrift.rules.territory import FIRST_REGION


# --- moves ----------------------------------------------------------------------------------------------------
@kernel
def _plain_kind(kind):
    """Network kind of a move type that names no cell."""
    if kind == SKIP_PLACEMENT:
        return _SKIP_PLACEMENT
    if kind == SWAP:
        return _SWAP
    if kind == SKIP_CAPTURE:
        return _SKIP_CAPTURE
    if kind == SKIP_RECOVERY:
        return _SKIP_RECOVERY
    return _SKIP_TERRITORY


@kernel
def _line_ends(b, s, grid, first, axis, choice, moves, m):
    """Write the ends of what a line choice collapses, the smaller grid index first."""
    count = run_length(b, s, first, axis, s[CUR])
    if choice > 0:
        for _ in range(choice - 1):
            first = b.axis_next[first, axis]
        count = s[LINE]
    last = first
    for _ in range(count - 1):
        last = b.axis_next[last, axis]
    moves[m, FROM] = min(grid[first], grid[last])
    moves[m, TO] = max(grid[first], grid[last])


@kernel
def _region(b, s, w, grid, rank, planes, i, moves, extras, m, first_move):
    """Write a claim's features from the region masks that legal_moves left in `w`, and mark its cells."""
    at = (FIRST_REGION + rank) * b.rows
    low, high = b.rows * b.rows, -1
    cells = own = rings = 0
    for c in range(b.cells):
        if w[at + b.row[c]] & b.bit[c]:
            g = grid[c]
            low, high = min(low, g), max(high, g)
            cells += 1
            planes[i, CLAIMABLE, g] = 1.0
            word = s[b.first_cell + c]
            if word > 0:
                rings += height(word)
                for k in range(height(word)):
                    if ring_at(word, k) == s[CUR]:
                        own += 1
    moves[m, FROM], moves[m, TO] = low, high
    extras[m, _REGION_CELLS] = cells / b.cells
    extras[m, _REGION_OWN] = own / max(1, s[VICTORY])
    extras[m, _REGION_RINGS] = rings / max(1, s[VICTORY])
    for k in range(first_move, m):
        if moves[k, KIND] == _CLAIM and moves[k, FROM] == low and moves[k, TO] == high:
            same = extras[k, _REGION_CELLS] == extras[m, _REGION_CELLS]
            if same and extras[k, _REGION_OWN] == extras[m, _REGION_OWN]:
                if extras[k, _REGION_RINGS] == extras[m, _REGION_RINGS]:
                    extras[m, _REGION_TIE] += 1.0


@kernel
def encode_moves(b, s, w, grid, buf, n, planes, i, moves, extras, codes, at):
    """Write the features of the `n` legal decisions in `buf` to moves, extras and codes from row `at` on.

    `w` is the scratch memory in which legal_moves or settle has just listed them; planes[i, CLAIMABLE] is filled.
    """
    none = b.rows * b.rows
    for j in range(n):
        m = at + j
        code = np.int64(buf[j])
        kind = code >> TYPE_SHIFT
        a = (code >> A_SHIFT) & FIELD
        over = (code >> B_SHIFT) & FIELD
        z = code & FIELD
        codes[m] = code
        moves[m, FROM] = moves[m, TO] = moves[m, OVER] = none
        for k in range(len(EXTRAS)):
            extras[m, k] = 0.0
        if kind == PLACE:
            moves[m, KIND] = _PLACE_1 + z - 1
            moves[m, TO] = grid[a]
        elif kind == MOVE:
            moves[m, KIND] = _MOVE
            moves[m, FROM], moves[m, TO] = grid[a], grid[z]
        elif kind == OVERTAKE or kind == CONTINUE:
            moves[m, KIND] = _OVERTAKE if kind == OVERTAKE else _CONTINUE
            moves[m, FROM], moves[m, OVER], moves[m, TO] = grid[a], grid[over], grid[z]
        elif kind == SLIDE:
            mode = z >> 2
            if mode == 0:
                moves[m, KIND] = _SLIDE_LINE1 + (z & 3) - 1
            else:
                moves[m, KIND] = _SLIDE_FALLBACK if mode == 1 else _SLIDE_STRIKE
            moves[m, FROM], moves[m, TO] = grid[a], grid[over]
        elif kind == PROCESS_LINE or kind == LINE_OPTION:
            moves[m, KIND] = _PROCESS_LINE
            if kind == LINE_OPTION:
                moves[m, KIND] = _LINE_WHOLE if z == 0 else _LINE_PART
            _line_ends(b, s, grid, a, over, z, moves, m)
        elif kind == ELIMINATE:
            moves[m, KIND] = _ELIMINATE_LINE + z
            moves[m, FROM] = grid[a]
        elif kind == FORCE:
            moves[m, KIND] = _FORCE
            moves[m, FROM] = grid[a]
        elif kind == CLAIM:
            moves[m, KIND] = _CLAIM
            _region(b, s, w, grid, code & ((1 << (2 * B_SHIFT)) - 1), planes, i, moves, extras, m, at)
        else:
            moves[m, KIND] = _plain_kind(kind)
