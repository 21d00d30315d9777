"""Training rows: recorded games replayed into tensors when a batch asks for them.

A row is a decision among at least two legal moves. Replaying all games once leaves a state before every STRIDE-th
ply; a row is then at most STRIDE - 1 moves away from one, so a batch costs little and no tensor is ever stored.
Targets are told, like the inputs, from the side of the player to move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.kernels import entry
from ringrift.network.encoder import Encoder, index_games
from ringrift.network.encoding import Encoded
from ringrift.network.layout import SEATS, grids, nowhere
from ringrift.rules.geometry import board
from ringrift.rules.state import new_state, state_words, work_words
from ringrift.seeds import seed_number

STRIDE = 16
NO_POLICY = "Random_"  # participants of this label choose without thought: nothing to imitate
RECORDED_ONLY = "Gumbel_"  # participants of this label play most decisions by a fast search, which records no target


class Batch(NamedTuple):
    """Rows with their targets; B positions, M legal moves in all."""

    encoded: Encoded
    policy: np.ndarray  # float32 [M], target probability of each legal move, sums to 1 in a position
    policy_weight: np.ndarray  # float32 [B], 1 where the policy target counts
    ranks: np.ndarray  # int8 [B, SEATS], final rank of each relative player, 0 where absent
    owners: np.ndarray  # int8 [B, rows * rows], 0 nobody or 1 + relative player owns the cell at the end, -1 no cell
    plies: np.ndarray  # float32 [B], decisions from here to the end, this one included


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of some games, and what is needed to make a batch of any of them."""

    config: Config
    codes: np.ndarray  # uint32 [plies], the decisions of all games
    first: np.ndarray  # int64 [games + 1], where a game's decisions begin
    snapshots: np.ndarray  # int64 [shots, words]
    first_shot: np.ndarray  # int64 [games]
    owner: np.ndarray  # int8 [games, cells], seat or -1
    ranking: np.ndarray  # int8 [games, SEATS] by seat, 0 where absent
    seats: np.ndarray  # int8 [plies], who moves
    choices: np.ndarray  # uint16 [plies], legal decisions
    ply: np.ndarray  # int64 [rows], place of each row in `codes`
    game: np.ndarray  # int64 [rows]
    policy_weight: np.ndarray  # float32 [rows]
    target_first: np.ndarray  # int64 [rows], the searched moves of a row are target_first ... target_last - 1
    target_last: np.ndarray  # int64 [rows], equal to target_first where nothing was searched: the move played counts
    target_codes: np.ndarray  # uint32 [targets]
    target_visits: np.ndarray  # float32 [targets]

    def __len__(self) -> int:
        return len(self.ply)

    @property
    def soft_share(self) -> float:
        """Share of the rows with a policy target whose target is spread by a search over several moves."""
        counts = self.policy_weight > 0
        return float(((self.target_last - self.target_first)[counts] > 1).mean()) if counts.any() else 0.0


def make_rows(games: pa.Table, config: Config) -> Rows:
    """Replay games of `config` with standard options (columns of window.COLUMNS) and list their rows.

    Random opening plies and the decisions of random players get no policy weight.
    Raises InvalidInput naming the game if a decision is not legal.
    """
    b = board(config.board)
    moves = games["moves"].combine_chunks()
    codes = moves.flatten().to_numpy(zero_copy_only=False).astype(np.uint32)
    first = np.concatenate(([0], np.cumsum(moves.value_lengths().to_numpy(zero_copy_only=False)))).astype(np.int64)
    lengths = np.diff(first)
    shots = -(-lengths // STRIDE)
    words = state_words(b)
    snapshots = np.empty((int(shots.sum()), words), dtype=np.int64)
    choices = np.empty(len(codes), dtype=np.uint16)
    seats, players = np.empty(len(codes), dtype=np.int8), np.empty(len(codes), dtype=np.int8)
    owner = np.empty((len(lengths), b.cells), dtype=np.int8)
    work, buf = np.zeros(work_words(b), dtype=np.int64), np.empty(b.max_moves, dtype=np.uint32)
    start = new_state(b, config.players, config.options())
    fault: int = index_games(
        b, start, codes, first, STRIDE, np.zeros(words, dtype=np.int64), work, buf, choices, seats, players,
        snapshots, owner,
    )  # fmt: skip
    if fault >= 0:
        at = int(np.searchsorted(first, fault, side="right")) - 1
        name = games["game_hash"][at].as_py()
        raise InvalidInput(
            f"game {name}", name, "verify the game set", problem=f"illegal move at ply {fault - first[at]}"
        )

    ply = np.flatnonzero(choices >= 2)
    game = np.searchsorted(first, ply, side="right") - 1
    names = games["participants"].to_pylist()
    thoughtless, recorded_only = (
        np.array([[name.startswith(label) for name in seats_of] for seats_of in names])[game, players[ply]]
        for label in (NO_POLICY, RECORDED_ONLY)
    )
    target_first, target_last, target_codes, target_visits = _searched(games, first, len(codes))
    unrecorded = target_first[ply] == target_last[ply]
    opening = (ply - first[game]) < games["opening_plies"].to_numpy()[game]
    weight = ~opening & ~thoughtless & ~(recorded_only & unrecorded)
    ranking = np.zeros((len(lengths), SEATS), dtype=np.int8)
    ranking[:, : config.players] = games["ranking"].to_pylist()
    return Rows(
        config=config,
        codes=codes,
        first=first,
        snapshots=snapshots,
        first_shot=np.concatenate(([0], np.cumsum(shots)[:-1])).astype(np.int64),
        owner=owner,
        ranking=ranking,
        seats=seats,
        choices=choices,
        ply=ply,
        game=game,
        policy_weight=weight.astype(np.float32),
        target_first=target_first[ply],
        target_last=target_last[ply],
        target_codes=target_codes,
        target_visits=target_visits,
    )


def _searched(games: pa.Table, first: np.ndarray, plies: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Range of searched moves of each ply, and their codes and visits."""
    begin, end = np.zeros(plies, dtype=np.int64), np.zeros(plies, dtype=np.int64)
    at = [games[name].combine_chunks() for name in ("search_plies", "search_codes", "search_visits")]
    counts = at[0].value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    where = np.repeat(first[:-1], counts) + at[0].flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    lists = at[1].flatten()
    sizes = lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    begin[where], end[where] = np.cumsum(sizes) - sizes, np.cumsum(sizes)
    codes = lists.flatten().to_numpy(zero_copy_only=False).astype(np.uint32)
    visits = at[2].flatten().flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return begin, end, codes, visits


@entry
def policy_targets(first, codes, target_first, target_last, target_codes, target_visits, played, out):
    """Write each position's target over its legal moves: visit shares, or all on `played` where nothing was searched.

    Returns the number of positions of which some searched or played move is not legal.
    """
    faults = 0
    for i in range(len(first) - 1):
        for m in range(first[i], first[i + 1]):
            out[m] = 0.0
        total = 0.0
        if target_first[i] == target_last[i]:
            for m in range(first[i], first[i + 1]):
                if codes[m] == played[i]:
                    out[m] = total = 1.0
            faults += total == 0.0
            continue
        for t in range(target_first[i], target_last[i]):
            found = False
            for m in range(first[i], first[i + 1]):
                if codes[m] == target_codes[t]:
                    out[m] = target_visits[t]
                    found = True
            total += target_visits[t]
            faults += not found
        for m in range(first[i], first[i + 1]):
            out[m] /= total
    return faults


class Batches:
    """Makes batches of some Rows with working memory of its own."""

    def __init__(self, rows: Rows):
        self.rows = rows
        self._encoder = Encoder(rows.config.board)
        self._grids = grids(rows.config.board)
        self._cells = nowhere(self._encoder.board)

    @property
    def symmetries(self) -> int:
        """Number of symmetries of the board."""
        return len(self._grids)

    def make(self, chosen: np.ndarray, symmetry: np.ndarray | None = None) -> Batch:
        """The batch of rows `chosen` (int64 [B]), each turned by `symmetry` (int64 [B], default: not at all).

        Raises InvalidInput if a recorded search holds a move that is not legal.
        """
        rows, n = self.rows, len(chosen)
        symmetry = np.zeros(n, dtype=np.int64) if symmetry is None else symmetry
        ply, game = rows.ply[chosen], rows.game[chosen]
        at = ply - rows.first[game]
        shot = at // STRIDE
        encoded = self._encoder.rows(
            rows.snapshots,
            rows.first_shot[game] + shot,
            rows.codes,
            rows.first[game] + shot * STRIDE,
            ply,
            symmetry,
            int(rows.choices[ply].sum()),
        )
        policy = np.empty(len(encoded.codes), dtype=np.float32)
        faults = policy_targets(
            encoded.first, encoded.codes, rows.target_first[chosen], rows.target_last[chosen], rows.target_codes,
            rows.target_visits, rows.codes[ply], policy,
        )  # fmt: skip
        if faults:
            raise InvalidInput(
                "search_codes", int(faults), problem=f"{faults} searched moves are illegal in their position"
            )
        players = rows.config.players
        seat = rows.seats[ply].astype(np.int64)
        ranks = np.zeros((n, SEATS), dtype=np.int8)
        turn = (seat[:, None] + np.arange(players)) % players
        ranks[:, :players] = np.take_along_axis(rows.ranking[game], turn, axis=1)
        owner = rows.owner[game].astype(np.int64)
        owners = np.full((n, self._cells), -1, dtype=np.int8)
        relative = np.where(owner < 0, 0, 1 + (owner - seat[:, None]) % players)
        np.put_along_axis(owners, self._grids[symmetry].astype(np.int64), relative.astype(np.int8), axis=1)
        return Batch(
            encoded=encoded,
            policy=policy,
            policy_weight=rows.policy_weight[chosen],
            ranks=ranks,
            owners=owners,
            plies=(rows.first[game + 1] - ply).astype(np.float32),
        )


def epoch_rows(rows: Sequence[int] | np.ndarray, seed: int, begin: int, count: int) -> np.ndarray:
    """Rows number `begin` ... begin + count - 1 of an endless sequence of shuffled passes over `rows`, int64 [count].

    Pass p is a permutation that depends on the seed and p alone, so a training goes on anywhere without a stored
    random state, and has used no row twice more than another.
    """
    rows = np.asarray(rows, dtype=np.int64)
    parts = []
    while count:
        number, at = divmod(begin, len(rows))
        shuffled = rows[np.random.default_rng(seed_number(seed, "pass", number)).permutation(len(rows))]
        part = shuffled[at : at + count]
        parts.append(part)
        begin, count = begin + len(part), count - len(part)
    return np.concatenate(parts) if parts else rows[:0]
