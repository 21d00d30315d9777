"""What a value network learns from: positions of recorded games at the beginning of a turn, where searches judge too.

A row keeps the numbers of the features that are 1, so that turning it by a symmetry of the board only renumbers cells.
Targets are told, like the inputs, from the side of the player to move.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network.encoder import index_games
from ringrift.network.layout import grids
from ringrift.players.search.value_net import MOST_ACTIVE, PER_CELL, ValueNet, ValueNetwork, list_states, numbers_of
from ringrift.rules.geometry import Board, board
from ringrift.rules.state import new_state, state_words, work_words

CHUNK_WORDS = 1 << 23  # words of replayed states in memory at once
_NO_WEIGHTS = np.empty((0, 0), dtype=np.float32)  # of a network that lists inputs and judges nothing


@dataclass(frozen=True, slots=True)
class ValueRows:
    """N positions of some games."""

    config: Config
    active: np.ndarray  # int32 [features of all rows], see value_net.list_features
    first: np.ndarray  # int64 [N + 1], those of row i are active[first[i] : first[i + 1]]
    numbers: np.ndarray  # float32 [N, numbers], see value_net.list_numbers
    ranks: np.ndarray  # int8 [N, players], final rank of each relative player
    game: np.ndarray  # int64 [N]

    def __len__(self) -> int:
        return len(self.game)


def make_value_rows(games: pa.Table, config: Config) -> ValueRows:
    """Replay games of `config` with standard options (columns of window.COLUMNS) and keep the first position of each
    turn. Raises InvalidInput naming the game if a decision is not legal.
    """
    b = board(config.board)
    lengths = games["plies"].to_numpy().astype(np.int64)
    chunk = max(1, CHUNK_WORDS // (int(lengths.max()) * state_words(b)))
    replay = _Replay(b, config)
    parts = [replay.rows(games.slice(at, chunk), at) for at in range(0, games.num_rows, chunk)]
    active, counts, numbers, ranks, game = (np.concatenate(column) for column in zip(*parts, strict=True))
    first = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return ValueRows(config, active, first, numbers, ranks, game)


class _Replay:
    """Replays some games at a time."""

    def __init__(self, b: Board, config: Config):
        self.b, self.config = b, config
        self.start = new_state(b, config.players, config.options())
        self.state = np.zeros(state_words(b), dtype=np.int64)
        self.work, self.buf = np.zeros(work_words(b), dtype=np.int64), np.empty(b.max_moves, dtype=np.uint32)
        self.net: ValueNet = ValueNetwork("", config, dict.fromkeys(("first", "second", "last"), _NO_WEIGHTS)).net()

    def rows(self, games: pa.Table, number: int) -> tuple[np.ndarray, ...]:
        """active, features a row, numbers, ranks, game of the rows; the first game has this number."""
        b, players = self.b, self.config.players
        moves = games["moves"].combine_chunks()
        codes = moves.flatten().to_numpy(zero_copy_only=False).astype(np.uint32)
        lengths = moves.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
        first = np.concatenate(([0], np.cumsum(lengths)))
        states = np.empty((len(codes), len(self.state)), dtype=np.int64)
        choices = np.empty(len(codes), dtype=np.uint16)
        seats, movers = np.empty(len(codes), dtype=np.int8), np.empty(len(codes), dtype=np.int8)
        owner = np.empty((len(lengths), b.cells), dtype=np.int8)
        fault: int = index_games(
            b, self.start, codes, first, 1, self.state, self.work, self.buf, choices, seats, movers, states, owner
        )
        game = np.repeat(np.arange(len(lengths)), lengths)
        if fault >= 0:
            name, ply = games["game_hash"][int(game[fault])].as_py(), fault - first[game[fault]]
            raise InvalidInput(f"game {name}", name, "verify the game set", problem=f"illegal move at ply {ply}")
        begins = np.ones(len(codes), dtype=bool)
        begins[1:] = (seats[1:] != seats[:-1]) | (game[1:] != game[:-1])
        at = np.flatnonzero(begins)
        active = np.empty(len(at) * MOST_ACTIVE * b.cells, dtype=np.int32)
        ends, numbers = np.empty(len(at), dtype=np.int64), np.empty((len(at), numbers_of(players)), dtype=np.float32)
        used = list_states(b, states[at], self.net, active, ends, numbers)
        turn = (seats[at].astype(np.int64)[:, None] + np.arange(players)) % players
        ranking = np.array(games["ranking"].to_pylist(), dtype=np.int8)
        ranks = np.take_along_axis(ranking[game[at]], turn, axis=1)
        return active[:used].copy(), np.diff(ends, prepend=0), numbers, ranks, number + game[at]


def turn_features(active: np.ndarray, config: Config, symmetry: np.ndarray) -> np.ndarray:
    """The features `active` (int32 [K]) as seen after symmetry number `symmetry` (int64 [K]) of the board."""
    block = config.players * PER_CELL
    cell, rest = np.divmod(active, block)
    return _turned_cells(config.board)[symmetry, cell] * block + rest


def _turned_cells(board_name: str) -> np.ndarray:
    """Cell that each cell goes to under each symmetry, int32 [8 or 12, cells]."""
    turned = grids(board_name)
    cell_at = np.zeros(int(turned.max()) + 1, dtype=np.int32)
    cell_at[turned[0]] = np.arange(turned.shape[1])
    return cell_at[turned]
