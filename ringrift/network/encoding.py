"""Kernels that turn states into what a network sees (ringrift.network.layout), and recorded games into such rows."""

from typing import NamedTuple

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.kernels import entry, kernel
from ringrift.network.layout import (
    BELOW_CAP,
    BOARD_KIND,
    CAP,
    CHAIN_CELL,
    CLAIMABLE,
    COLLAPSED_CELL,
    EXTRAS,
    FIRST_FLAG,
    FROM,
    GLOBALS,
    HEIGHT,
    HEIGHT_SCALE,
    KIND,
    KINDS,
    MARKER,
    MARKER_SCALE,
    MUST_CELL,
    ON_BOARD_CELL,
    OVER,
    PHASE_GLOBALS,
    PLANES,
    PLAYER_COUNT,
    RINGS_IN,
    SEAT_GLOBALS,
    SEAT_PLANES,
    SEATS,
    STACK,
    STACK_SCALE,
    TO,
    grids,
)
from ringrift.rules.geometry import BOARDS, Board, board
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
    work_words,
)
from ringrift.rules.territory import FIRST_REGION
from ringrift.rules.turn import apply_move, settle

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
    out[i, BOARD_KIND + s[BOARD]] = 1.0
    out[i, FIRST_FLAG] = s[OWES_LINE]
    out[i, FIRST_FLAG + 1] = s[OWES_TERRITORY]
    out[i, FIRST_FLAG + 2] = s[ACTED]
    out[i, FIRST_FLAG + 3] = s[RECOVERED]
    if s[SWAP_ON] and s[PLAYERS] == 2 and s[CUR] == 1 and s[MOVED] == 1 and not s[SWAP_USED]:
        out[i, FIRST_FLAG + 4] = 1.0
    out[i, FIRST_FLAG + 5] = (s[LINE] - 3) / 2.0
    out[i, FIRST_FLAG + 6] = s[STRIKE]


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


# --- doors ----------------------------------------------------------------------------------------------------


@entry
def encode_rows(b, starts, start_of, codes, first, last, turned, symmetry, s, w, buf, out):
    """Encode position i, which is starts[start_of[i]] after the decisions codes[first[i] : last[i]], for every i.

    `turned` is layout.grids, `symmetry` (int64 [N]) the row of it to use. `s`, `w` and `buf` are working memory of
    one state. `out` is an Encoded with room for all moves. The decisions must be legal (index_games tests that).
    Returns the number of positions written: fewer than N if `out` is full or a game is over.
    """
    at = 0
    out.first[0] = 0
    for i in range(len(start_of)):
        for k in range(len(s)):
            s[k] = starts[start_of[i], k]
        n = settle(b, s, w, buf)
        for k in range(first[i], last[i]):
            apply_move(b, s, w, np.int64(codes[k]))
            n = settle(b, s, w, buf)
        if n == 0 or at + n > len(out.codes):
            return i
        grid = turned[symmetry[i]]
        encode_position(b, s, grid, out.planes, out.globals, i)
        encode_moves(b, s, w, grid, buf, n, out.planes, i, out.moves, out.extras, out.codes, at)
        at += n
        out.first[i + 1] = at
    return len(start_of)


@entry
def index_games(b, start, codes, first, stride, s, w, buf, choices, seats, players, snapshots, owner):
    """Replay the games codes[first[g] : first[g + 1]] from the state `start` and note what their rows need.

    For each ply: choices (uint16, number of legal decisions), seats (int8, who moves), players (int8, which
    participant, who differs from the seat after a swap). For each game: the states before every `stride`-th ply, in
    order, to `snapshots`, and owner (int8 [games, cells]), the seat that a cell belongs to at the end (collapsed,
    stack or marker), -1 for none. Returns -1, or the ply in `codes` of the first illegal decision.
    """
    shot = 0
    for g in range(len(first) - 1):
        for k in range(len(s)):
            s[k] = start[k]
        for ply in range(first[g], first[g + 1]):
            n = settle(b, s, w, buf)
            j = 0
            while j < n and buf[j] != codes[ply]:
                j += 1
            if j == n:
                return ply
            choices[ply] = n
            seats[ply] = s[CUR]
            players[ply] = 1 - s[CUR] if s[SWAP_USED] else s[CUR]
            if (ply - first[g]) % stride == 0:
                for k in range(len(s)):
                    snapshots[shot, k] = s[k]
                shot += 1
            apply_move(b, s, w, np.int64(codes[ply]))
        for c in range(b.cells):
            word = s[b.first_cell + c]
            owner[g, c] = -1
            if word > 0:
                owner[g, c] = controller(word)
            elif word < -4:
                owner[g, c] = -5 - word
            elif word < 0:
                owner[g, c] = -1 - word
    return -1


def new_encoded(b: Board, positions: int, moves: int) -> Encoded:
    """Room for so many positions and moves; the memory is touched only as far as it is written."""
    return Encoded(
        planes=np.empty((positions, PLANES, b.rows * b.rows), dtype=np.float32),
        globals=np.empty((positions, GLOBALS), dtype=np.float32),
        first=np.zeros(positions + 1, dtype=np.int64),
        moves=np.empty((moves, 4), dtype=np.int32),
        extras=np.empty((moves, len(EXTRAS)), dtype=np.float32),
        codes=np.empty(moves, dtype=np.uint32),
    )


class Encoder:
    """Encodes positions of one board with buffers of its own: one for each thread."""

    def __init__(self, board_name: str):
        self.board = board(board_name)
        self._turned = grids(board_name)
        self._work = np.zeros(work_words(self.board), dtype=np.int64)
        self._buf = np.empty(self.board.max_moves, dtype=np.uint32)
        self._state = np.zeros(self.board.first_cell + self.board.cells, dtype=np.int64)

    def rows(
        self,
        starts: np.ndarray,
        start_of: np.ndarray,
        codes: np.ndarray,
        first: np.ndarray,
        last: np.ndarray,
        symmetry: np.ndarray,
        moves: int,
    ) -> Encoded:
        """Encoded positions; see encode_rows. `moves` is their number of legal moves, or a bound of it.

        Raises InvalidInput if a game is over or there are more moves than that.
        """
        out = new_encoded(self.board, len(start_of), moves)
        done = encode_rows(
            self.board, starts, start_of, codes, first, last, self._turned, symmetry, self._state, self._work,
            self._buf, out,
        )  # fmt: skip
        if done < len(start_of):
            raise InvalidInput(
                "positions", int(done), f"give positions in which the game goes on, {moves} moves in all"
            )
        total = int(out.first[-1])
        return out._replace(moves=out.moves[:total], extras=out.extras[:total], codes=out.codes[:total])

    def states(self, states: np.ndarray, symmetry: int = 0) -> Encoded:
        """Encode states (int64 [N, words], unchanged) with one symmetry of layout.grids.

        A state in which only bookkeeping is possible is encoded as of the decision after it.
        Raises InvalidInput if a game is over.
        """
        n = len(states)
        zeros = np.zeros(n, dtype=np.int64)
        return self.rows(
            np.ascontiguousarray(states, dtype=np.int64),
            np.arange(n),
            np.empty(0, dtype=np.uint32),
            zeros,
            zeros,
            np.full(n, symmetry, dtype=np.int64),
            n * self.board.max_moves,
        )


def encode(states: np.ndarray, symmetry: int = 0) -> Encoded:
    """What a network sees of states (int64 [N, words]) of one board, see Encoder.states."""
    states = np.atleast_2d(states)
    return Encoder(BOARDS[int(states[0, BOARD])]).states(states, symmetry)
