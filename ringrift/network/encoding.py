"""Kernels that turn states into what a network sees (ringrift.network.layout), and recorded games into such rows."""

from typing import NamedTuple

import numpy as np

from ringrift.kernels import kernel
from ringrift.network.layout import (
    BELOW_CAP,
    BOARD_KIND,
    BOARD_KINDS,
    CAP,
    CHAIN_CELL,
    COLLAPSED_CELL,
    EXTRAS,
    FIRST_FLAG,
    GLOBALS,
    HEIGHT,
    HEIGHT_SCALE,
    KINDS,
    MARKER,
    MARKER_SCALE,
    MUST_CELL,
    ON_BOARD_CELL,
    PHASE_GLOBALS,
    PLANES,
    PLAYER_COUNT,
    RINGS_IN,
    SEAT_GLOBALS,
    SEAT_PLANES,
    SEATS,
    STACK,
    STACK_SCALE,
)
from ringrift.rules.state import (
    ACTED,
    ATTACKER,
    BOARD,
    CHAIN,
    COLLAPSED,
    CUR,
    ELIM,
    HAND,
    LINE,
    LPS_PLAYER,
    LPS_ROUNDS,
    LPS_STREAK,
    MARKERS,
    MOVED,
    MUST,
    ON_BOARD,
    OWES_LINE,
    OWES_TERRITORY,
    PHASE,
    PLAYERS,
    RECOVERED,
    RINGS,
    STACKS,
    STRIKE,
    SWAP_ON,
    SWAP_USED,
    TERRITORY_MIN,
    VICTORY,
    cap_height,
    controller,
    height,
    ring_at,
)

_SEAT_PLANES, _SEAT_GLOBALS = len(SEAT_PLANES), len(SEAT_GLOBALS)
# First kind of each move type that has variants, and the kind of each that has none.
_PLACE_1, _MOVE, _OVERTAKE, _CONTINUE = (KINDS.index(k) for k in ("place_1", "move", "overtake", "continue"))
_SLIDE_LINE1, _SLIDE_FALLBACK, _SLIDE_STRIKE = (
    KINDS.index(k) for k in ("slide_line1", "slide_fallback", "slide_strike")
)
_PROCESS_LINE, _LINE_WHOLE, _LINE_PART = (KINDS.index(k) for k in ("process_line", "line_whole", "line_part"))
_ELIMINATE_LINE, _CLAIM, _FORCE = (KINDS.index(k) for k in ("eliminate_line", "claim", "force"))
_SKIP_PLACEMENT, _SWAP, _SKIP_CAPTURE, _SKIP_RECOVERY, _SKIP_TERRITORY = (
    KINDS.index(k) for k in ("skip_placement", "swap", "skip_capture", "skip_recovery", "skip_territory")
)
_REGION_CELLS, _REGION_OWN, _REGION_RINGS, _REGION_TIE = range(len(EXTRAS))


class Encoded(NamedTuple):
    """What a network sees of N positions with M legal moves in all."""

    planes: np.ndarray  # float32 [N, PLANES, rows * rows]
    globals: np.ndarray  # float32 [N, GLOBALS]
    first: np.ndarray  # int64 [N + 1], the moves of position i are first[i] ... first[i + 1] - 1
    moves: np.ndarray  # int32 [M, 4], columns FROM, TO, OVER (grid indices) and KIND
    extras: np.ndarray  # float32 [M, len(EXTRAS)]
    codes: np.ndarray  # uint32 [M], move codes in the order the rules list them

    @property
    def row(self) -> np.ndarray:
        """Position of each move, int64 [M]."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


# --- positions ------------------------------------------------------------------------------------------------
@kernel
def _relative(s, seat):
    """Place of `seat` in turn order after the player to move, who is 0."""
    r = seat - s[CUR]
    return r if r >= 0 else r + s[PLAYERS]


@kernel
def encode_position(b, s, grid, planes, out, i):
    """Write planes[i] (float32 [PLANES, rows * rows]) and out[i] (float32 [GLOBALS]) of a state that goes on.

    `grid` (int32 [cells]) is a row of layout.grids. The plane CLAIMABLE is left 0: encode_moves fills it.
    """
    for p in range(PLANES):
        for g in range(b.rows * b.rows):
            planes[i, p, g] = 0.0
    for j in range(GLOBALS):
        out[i, j] = 0.0
    for c in range(b.cells):
        g = grid[c]
        planes[i, ON_BOARD_CELL, g] = 1.0
        word = s[b.first_cell + c]
        if word > 0:
            tall = height(word)
            cap = cap_height(word)
            at = _relative(s, controller(word)) * _SEAT_PLANES
            planes[i, at + STACK, g] = 1.0
            planes[i, at + HEIGHT, g] = tall / HEIGHT_SCALE
            planes[i, at + CAP, g] = cap / HEIGHT_SCALE
            if cap < tall:
                below = _relative(s, ring_at(word, tall - 1 - cap)) * _SEAT_PLANES
                planes[i, below + BELOW_CAP, g] = 1.0
            for k in range(tall):
                planes[i, _relative(s, ring_at(word, k)) * _SEAT_PLANES + RINGS_IN, g] += 1.0 / HEIGHT_SCALE
        elif word < -4:
            planes[i, _relative(s, -5 - word) * _SEAT_PLANES + COLLAPSED_CELL, g] = 1.0
        elif word < 0:
            planes[i, _relative(s, -1 - word) * _SEAT_PLANES + MARKER, g] = 1.0
    if s[MUST] >= 0:
        planes[i, MUST_CELL, grid[s[MUST]]] = 1.0
    if s[CHAIN] >= 0:
        planes[i, CHAIN_CELL, grid[s[CHAIN]]] = 1.0
    if s[ATTACKER] >= 0:
        planes[i, CHAIN_CELL, grid[s[ATTACKER]]] = 1.0

    for p in range(s[PLAYERS]):
        at = _relative(s, p) * _SEAT_GLOBALS
        out[i, at] = 1.0
        out[i, at + 1] = s[HAND + p] / max(1, s[RINGS])
        out[i, at + 2] = s[ON_BOARD + p] / max(1, s[RINGS])
        out[i, at + 3] = s[ELIM + p] / max(1, s[VICTORY])
        out[i, at + 4] = s[COLLAPSED + p] / max(1, s[TERRITORY_MIN])
        out[i, at + 5] = s[STACKS + p] / STACK_SCALE
        out[i, at + 6] = s[MARKERS + p] / MARKER_SCALE
        if s[LPS_PLAYER] == p:
            out[i, at + 7] = s[LPS_STREAK] / max(1, s[LPS_ROUNDS])
    out[i, SEATS * _SEAT_GLOBALS + min(s[PHASE], PHASE_GLOBALS - 1)] = 1.0
    out[i, PLAYER_COUNT + s[PLAYERS] - 2] = 1.0
    if s[BOARD] < BOARD_KINDS:
        out[i, BOARD_KIND + s[BOARD]] = 1.0
    out[i, FIRST_FLAG] = s[OWES_LINE]
    out[i, FIRST_FLAG + 1] = s[OWES_TERRITORY]
    out[i, FIRST_FLAG + 2] = s[ACTED]
    out[i, FIRST_FLAG + 3] = s[RECOVERED]
    if s[SWAP_ON] and s[PLAYERS] == 2 and s[CUR] == 1 and s[MOVED] == 1 and not s[SWAP_USED]:
        out[i, FIRST_FLAG + 4] = 1.0
    out[i, FIRST_FLAG + 5] = (s[LINE] - 3) / 2.0
    out[i, FIRST_FLAG + 6] = s[STRIKE]
