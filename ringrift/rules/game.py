"""`Game`: one game for people and tests. Players inside the fleet use the kernels of rules.turn directly."""

from typing import Any

import numpy as np

from ringrift.config import Config, parse_config
from ringrift.errors import IllegalMove, InvalidInput
from ringrift.rules import state as st
from ringrift.rules.advance import DECISIONS_ONLY, EVERY_MOVE, RANDOM, advance
from ringrift.rules.geometry import Board, board
from ringrift.rules.move_json import move_to_json
from ringrift.rules.moves import CLAIM, TYPE_SHIFT, from_notation, to_notation
from ringrift.rules.position_json import (
    board_of,
    config_of,
    options_of,
    position_from_json,
    position_to_json,
    read_options,
)

_NO_CODES = np.empty(0, dtype=np.uint32)


class Workspace:
    """Buffers one thread needs to work on states of one board: scratch, legal moves, a random stream."""

    def __init__(self, b: Board, rng: np.ndarray | None = None):
        self.board = b
        self.work = np.zeros(st.work_words(b), dtype=np.int64)
        self.moves = np.empty(b.max_moves, dtype=np.uint32)
        self.rng = np.zeros(1, dtype=np.uint64) if rng is None else rng

    def advance(self, s: np.ndarray, codes: np.ndarray, mode: int) -> tuple[int, np.ndarray]:
        """rules.advance.advance on `s` in place: (codes done, view of the legal moves left)."""
        done, n = advance(self.board, s, self.work, self.moves, codes, mode, self.rng)
        return int(done), self.moves[:n]

    def legal(self, s: np.ndarray) -> list[int]:
        """Every legal move of `s` as codes, the forced bookkeeping move included. `s` is unchanged."""
        return [int(code) for code in self.advance(s, _NO_CODES, EVERY_MOVE)[1]]

    def regions(self, s: np.ndarray) -> list[list[int]]:
        """Cells of the claimable regions by rank, where the legal moves of `s` are territory choices."""
        moves = self.advance(s, _NO_CODES, EVERY_MOVE)[1]
        count = sum(int(code) >> TYPE_SHIFT == CLAIM for code in moves)
        masks = self.work[8 * self.board.rows : (8 + count) * self.board.rows].reshape(count, self.board.rows)
        return [
            [c for c in range(self.board.cells) if masks[i, self.board.row[c]] & self.board.bit[c]]
            for i in range(count)
        ]

    def legal_json(self, s: np.ndarray) -> list[list[Any]]:
        """Every legal move of `s` as a MOVE array, in the order of `legal`."""
        codes, regions = self.legal(s), self.regions(s)
        return [move_to_json(s, code, regions) for code in codes]


class Game:
    """A game from the start or from a position; forced bookkeeping is applied by itself.

    `config` is a Config or its key; `options` override the config's own (record.read_options).
    Raises InvalidInput for an unknown board, player count or option.
    """

    def __init__(self, config: Config | str, options: dict[str, Any] | None = None):
        self.config = config if isinstance(config, Config) else parse_config(config)
        b = board(self.config.board)
        self._start(st.new_state(b, self.config.players, read_options(options, self.config)))

    def _start(self, s: np.ndarray) -> None:
        self.state = s
        self.moves: list[int] = []
        self._table = Workspace(board_of(s))
        self._legal = [int(code) for code in self._table.advance(s, _NO_CODES, DECISIONS_ONLY)[1]]

    @classmethod
    def from_json(cls, data: object) -> "Game":
        """Game continued from a position object (`to_json`). Raises InvalidInput naming the bad field."""
        state = position_from_json(data)
        game = cls.__new__(cls)
        game.config = config_of(state)
        game._start(state)
        return game

    def to_json(self) -> dict[str, Any]:
        """The position as a JSON object; `moves` played so far are not part of it."""
        return position_to_json(self.state)

    @property
    def options(self) -> dict[str, int | bool]:
        """The options in force."""
        return options_of(self.state)

    @property
    def phase(self) -> str:
        """Name of the current phase, `game_over` at the end."""
        return st.PHASES[int(self.state[st.PHASE])]

    @property
    def to_move(self) -> int:
        """Player to move, from 1; the winner once the game is over."""
        return int(self.state[st.CUR]) + 1

    @property
    def over(self) -> bool:
        """True once the game has a winner."""
        return bool(self.state[st.WINNER] >= 0)

    @property
    def winner(self) -> int | None:
        """Winning player, from 1, or None while the game goes on."""
        return int(self.state[st.WINNER]) + 1 if self.over else None

    @property
    def reason(self) -> str | None:
        """How the game ended, one of state.REASONS, or None while it goes on."""
        return st.REASONS[int(self.state[st.REASON])]

    @property
    def ranking(self) -> list[int] | None:
        """Final rank of each player in seat order (1 best; ties share), or None while the game goes on."""
        return ranking_of(self.state)

    def legal_moves(self) -> list[int]:
        """Codes of the legal decisions, in a fixed order; empty once the game is over."""
        return list(self._legal)

    def notation(self, code: int) -> str:
        """Text of a move code on this board."""
        return to_notation(self.config.board, code)

    def play(self, move: int | str) -> None:
        """Play a decision, given as code or notation. Raises IllegalMove, the game unchanged, if it is not legal."""
        code = from_notation(self.config.board, move) if isinstance(move, str) else move
        if isinstance(code, bool) or code not in self._legal:
            raise IllegalMove("move", self._shown(move), self._allowed())
        _, legal = self._table.advance(self.state, np.array([code], dtype=np.uint32), DECISIONS_ONLY)
        self._legal = [int(code) for code in legal]
        self.moves.append(int(code))

    def play_random(self, rng: np.ndarray, most: int = 1) -> None:
        """Play up to `most` uniformly random decisions drawn from the stream `rng` (uint64[1])."""
        codes = np.empty(most, dtype=np.uint32)
        self._table.rng = rng
        done, legal = self._table.advance(self.state, codes, RANDOM)
        self._legal = [int(code) for code in legal]
        self.moves += [int(code) for code in codes[:done]]

    def _shown(self, move: int | str) -> str:
        if isinstance(move, str):
            return move
        try:
            return self.notation(move)
        except (InvalidInput, TypeError, ValueError):
            return repr(move)

    def _allowed(self) -> str:
        if not self._legal:
            return f"the game is over, player {self.winner} has won"
        some = ", ".join(self.notation(code) for code in self._legal[:6])
        more = f" and {len(self._legal) - 6} more" if len(self._legal) > 6 else ""
        return f"player {self.to_move} in {self.phase} may play {some}{more}"

    def render(self) -> str:
        """The position as text for a terminal."""
        from ringrift.render import render_text

        return render_text(self.state)

    def svg(self) -> str:
        """The position as an SVG picture."""
        from ringrift.render import render_svg

        return render_svg(self.state)


def ranking_of(s: np.ndarray) -> list[int] | None:
    """Final rank of each seat (1 best, ties share: 1, 2, 2, 4) of a state, or None while the game goes on.

    The winner comes first, the others by territory, eliminated rings (with the hand where the game ended on a bare
    board with rings in hand), markers, and a later turn of permanent elimination (never is best).
    """
    if s[st.WINNER] < 0:
        return None
    n, winner = int(s[st.PLAYERS]), int(s[st.WINNER])
    hand = s[st.HAND : st.HAND + n] if s[st.REASON] == st.STALEMATE_HAND else np.zeros(n, dtype=np.int64)

    def worth(p: int) -> tuple[int, int, int, float]:
        out = int(s[st.OUT_TURN + p])
        elim = int(s[st.ELIM + p] + hand[p])
        return int(s[st.COLLAPSED + p]), elim, int(s[st.MARKERS + p]), out or float("inf")

    losers = [p for p in range(n) if p != winner]
    return [1 if p == winner else 2 + sum(worth(q) > worth(p) for q in losers) for p in range(n)]
