"""Results of games as ratings and gates take them, and the score of each seat."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from ringrift.config import parse_config
from ringrift.errors import InvalidInput

ELO_START = 1500.0
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
