"""The documented rating: sequential Elo, one game after another in a fixed order.

Score of a seat in a game = share of its opponents out-ranked, ties half, so that equal players score 0.5 at
tables of any size. A capped game has no ranking: all its seats are tied.

A participant is named by its content key, never by an alias, and a pool is a config key: ratings of different
boards or table sizes never meet. Everything is a pure function of the results handed in.
The batch fit with intervals is in `rating_fit`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from ringrift.errors import InvalidInput
from ringrift.stats.results import ELO_SCALE, ELO_START, GameResult, in_order

ELO_K = 32.0


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
