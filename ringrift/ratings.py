"""Results of games and the documented rating: sequential Elo, one game after another in a fixed order.

Score of a seat in a game = share of its opponents out-ranked, ties half, so that equal players score 0.5 at
tables of any size. A capped game has no ranking: all its seats are tied.

A participant is named by its content key, never by an alias, and a pool is a config key: ratings of different
boards or table sizes never meet. Everything is a pure function of the results handed in.
The batch fit with intervals is in `rating_fit`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ringrift.config import parse_config
from ringrift.errors import InvalidInput

ELO_START = 1500.0
ELO_K = 32.0
ELO_SCALE = 400 / math.log(10)  # Elo points in one unit of log strength
Z95 = 1.959963984540054  # a 95 % interval is +- so many standard errors


@dataclass(frozen=True, slots=True)
class GameResult:
    """One finished game, as every rating reads it.

    `pool` is a config key; (`iteration`, `match`, `game`) is the game's place in the fixed order and its
    identity within the pool. `participants` holds the content key of each seat (the same one may sit twice),
    `ranking` the rank of each seat from 1, equal for a tie, or None for a capped game. `timestamp` is only
    copied into the history. Raises InvalidInput for a number of seats that is not the pool's, or bad ranks.
    """

    pool: str
    iteration: int
    match: str
    game: int
    participants: tuple[str, ...]
    ranking: tuple[int, ...] | None
    timestamp: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        players = _players(self.pool)
        if isinstance(self.participants, str) or len(self.participants) != players:
            raise InvalidInput("participants", self.participants, f"{self.pool} has {players} seats")
        object.__setattr__(self, "participants", tuple(self.participants))
        if self.ranking is not None:
            object.__setattr__(self, "ranking", tuple(self.ranking))
        game_scores(self.ranking, players)

    @property
    def place(self) -> tuple[int, str, int]:
        """(iteration, match, game): where the game stands in the fixed order."""
        return self.iteration, self.match, self.game


@lru_cache
def _players(pool: str) -> int:
    config = parse_config(pool)
    if config.key != pool:
        raise InvalidInput("pool", pool, f"write {config.key}")
    return config.players


def game_scores(ranking: Sequence[int] | None, players: int) -> tuple[float, ...]:
    """Score of each seat in [0, 1]: (opponents ranked behind + half of those tied) / (players - 1).

    `ranking` holds a rank from 1 to `players` a seat, or None for a capped game: everyone 0.5.
    The scores of a game sum to players / 2. Raises InvalidInput for other ranks.
    """
    if ranking is None:
        return (0.5,) * players
    whole = all(type(rank) is int and 1 <= rank <= players for rank in ranking)
    if len(ranking) != players or not whole:
        raise InvalidInput("ranking", ranking, f"use {players} ranks from 1 to {players}, or None if capped")
    return _scores(tuple(ranking))


@lru_cache(maxsize=4096)
def _scores(ranking: tuple[int, ...]) -> tuple[float, ...]:
    # A seat ties with itself: that half is taken off again.
    shares = [sum((other > rank) + 0.5 * (other == rank) for other in ranking) - 0.5 for rank in ranking]
    return tuple(share / (len(ranking) - 1) for share in shares)


def in_order(games: Iterable[GameResult], pool: str) -> list[GameResult]:
    """The games sorted by (iteration, match, game).

    Raises InvalidInput for a game of another pool, or if two stand in the same place: one was read twice.
    """
    _players(pool)
    ordered = list(games)
    for game in ordered:
        if game.pool != pool:
            raise InvalidInput("pool", game.pool, f"this is the rating pool of {pool}; rate each pool by itself")
    ordered.sort(key=lambda game: game.place)
    for one, two in pairwise(ordered):
        if one.place == two.place:
            raise InvalidInput("game", one.place, "two results have this place; hand in each game once")
    return ordered


# --- Elo --------------------------------------------------------------------------------------------------


def expected_score(rating_a: float, rating_b: float) -> float:
    """Expected score of A against B, 1 / (1 + 10^((Rb - Ra)/400)), in [0, 1].

    Source: A. Elo, The Rating of Chessplayers, 1978. Written with tanh it cannot overflow.
    """
    return 0.5 + 0.5 * math.tanh((rating_a - rating_b) / (2 * ELO_SCALE))


@dataclass(frozen=True, slots=True)
class EloChange:
    """A row of the rating history: one pair of seats in one game. Ratings are Elo, `score_a` is in [0, 1].

    At tables of three or four, a game gives one row a pair of seats; `before` and `after` are then the
    ratings around the whole game, in which all its pairs count.
    """

    timestamp: str | None
    player_a: str
    player_b: str
    score_a: float
    rating_a_before: float
    rating_b_before: float
    rating_a_after: float
    rating_b_after: float

    def to_dict(self) -> dict[str, Any]:
        """The row as the state file stores it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class EloTable:
    """Ratings by participant key after the last game, and the history row by row."""

    ratings: dict[str, float]
    history: list[EloChange]


def sequential_elo(
    games: Iterable[GameResult],
    *,
    pool: str,
    ratings: Mapping[str, float] | None = None,
    k: float = ELO_K,
    start: float = ELO_START,
) -> EloTable:
    """Elo after `games` of one pool, played through in the order (iteration, match, game).

    Each pair of seats moves A by K/(n-1) * (score - expected) and B by the opposite, every expectation taken
    from the ratings before the game; score is 1, 0.5 or 0 by the two ranks. Two seats of one participant
    do not move it. `ratings` are those before the first game (default: none, each newcomer gets `start`).
    The order of `games` as handed in does not matter. Raises InvalidInput as `in_order` does.
    """
    table = dict(ratings or {})
    history: list[EloChange] = []
    for game in in_order(games, pool):
        before = {key: table.get(key, start) for key in game.participants}
        moved = dict.fromkeys(before, 0.0)
        pairs = []
        for a, b in _pairs(len(game.participants)):
            one, two = game.participants[a], game.participants[b]
            if one == two:
                continue
            score = 0.5 if game.ranking is None else _pair_score(game.ranking[a], game.ranking[b])
            shift = k / (len(game.participants) - 1) * (score - expected_score(before[one], before[two]))
            moved[one] += shift
            moved[two] -= shift
            pairs.append((one, two, score))
        after = {key: before[key] + moved[key] for key in before}
        table.update(after)
        for one, two, score in pairs:
            history.append(EloChange(game.timestamp, one, two, score, before[one], before[two], after[one], after[two]))
    return EloTable(table, history)


@lru_cache
def _pairs(players: int) -> tuple[tuple[int, int], ...]:
    return tuple((a, b) for a in range(players) for b in range(a + 1, players))


def _pair_score(rank_a: int, rank_b: int) -> float:
    return 0.5 if rank_a == rank_b else float(rank_a < rank_b)


def update_elo_rating(
    ratings: Mapping[str, float],
    player_a: str,
    player_b: str,
    win_rate: float,
    *,
    timestamp: str | None = None,
    k: float = ELO_K,
    start: float = ELO_START,
) -> tuple[dict[str, float], EloChange]:
    """(new ratings, history row) after A scored `win_rate` in [0, 1] against B, applied as one game.

    `ratings` is not changed; a player it lacks begins at `start`. Raises InvalidInput for a win rate outside
    [0, 1] or a player against itself.
    """
    if isinstance(win_rate, bool) or not isinstance(win_rate, int | float) or not 0 <= win_rate <= 1:
        raise InvalidInput("win_rate", win_rate, "use a number from 0 to 1")
    if player_a == player_b:
        raise InvalidInput("player_b", player_b, "a player is not rated against itself")
    a, b = ratings.get(player_a, start), ratings.get(player_b, start)
    shift = k * (win_rate - expected_score(a, b))
    change = EloChange(timestamp, player_a, player_b, float(win_rate), a, b, a + shift, b - shift)
    return {**ratings, player_a: a + shift, player_b: b - shift}, change
