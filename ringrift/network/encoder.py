"""Encoding rows of games into arrays: the Python side of the encoding kernels."""

import numpy as np

from ringrift.boards import board_name
from ringrift.errors import InvalidInput
from ringrift.kernels import entry
from ringrift.network.encode_moves import encode_moves
from ringrift.network.encoding import Encoded, encode_position
from ringrift.network.layout import EXTRAS, GLOBALS, PLANES, grids
from ringrift.rules.geometry import Board, board
from ringrift.rules.state import BOARD, CUR, SWAP_USED, controller, work_words
from ringrift.rules.turn import apply_move, settle


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
    return Encoder(board_name(int(states[0, BOARD]))).states(states, symmetry)
