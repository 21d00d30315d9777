"""Who meets whom in a CMA-ES generation, and the fitness their games give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ringrift.errors import InvalidInput


# --- who meets whom -----------------------------------------------------------------------------------------
class Table(NamedTuple):
    """Entrants that meet on one opening, in all rotations of the seats: as many games as there are seats.

    Entrant i >= 0 is individual i of the population, -1 - k is member k of the panel.
    """

    opening: int
    entrants: tuple[int, ...]


def schedule(players: int, population: int, games_per_evaluation: int, panel: int, generation: int) -> list[Table]:
    """The tables of a generation; together they play at most population * games_per_evaluation games.

    Round 0 is against the panel (2 players: each individual alone; else each mirrored pair with panel members in the
    other seats), all later rounds are among the individuals: the two of a pair meet, at tables of four two pairs. A
    round has one opening. Panel members take turns over rounds and generations. Raises InvalidInput without a panel
    or for fewer games than the first round takes.
    """
    if panel < 1:
        raise InvalidInput("panel", panel, "give at least one player")
    budget, number = population * games_per_evaluation // players, 0
    tables: list[Table] = []
    while True:
        found = [Table(number, entrants) for entrants in _round(players, population, panel, number, generation)]
        if len(tables) + len(found) > budget:
            break
        tables += found
        number += 1
    if not tables:
        need = -(-len(found) * players // population)
        raise InvalidInput("games_per_evaluation", games_per_evaluation, f"{players} players need at least {need}")
    return tables


def _round(players: int, population: int, panel: int, number: int, generation: int) -> list[tuple[int, ...]]:
    member = -1 - (number + generation) % panel
    if players == 2 and number == 0:
        return [(individual, member) for individual in range(population)]
    pairs = [(i, i + 1) for i in range(0, population, 2)]
    if players == 4 and number:
        turned = pairs[number % len(pairs) :] + pairs[: number % len(pairs)]  # other neighbours each round
        order = turned[::2] + turned[1::2] if number % 2 else turned
        whole: list[tuple[int, ...]] = [a + b for a, b in zip(order[::2], order[1::2], strict=False)]
        return whole + ([(*order[-1], member, member)] if len(order) % 2 else [])
    return [pair + (member,) * (players - 2) for pair in pairs]


@dataclass(frozen=True, slots=True)
class Fitness:
    """Mean score of an individual in [0, 1], its 95 % interval over tables, and its games."""

    score: float
    low: float
    high: float
    games: int


def fitness_of(scores: Sequence[float], games: int) -> Fitness:
    """Fitness from the mean scores of an individual at its tables (each in [0, 1]).

    The standard error is the tables' own, with one virtual table, half of it lost 0 and half won 1, so that a few
    equal scores do not pretend to be certain. Raises InvalidInput without scores.
    """
    if not len(scores):
        raise InvalidInput("scores", list(scores), "an individual needs at least one table")
    values, n = np.asarray(scores, dtype=float), len(scores)
    middle = (values.sum() + 0.5) / (n + 1)
    variance = ((values**2).sum() + 0.5) / (n + 1) - middle**2
    mean, half = float(values.mean()), 1.96 * float(np.sqrt(variance / n))
    return Fitness(mean, max(0.0, mean - half), min(1.0, mean + half), games)


def generation_fitness(tables: Sequence[Table], scores: Sequence[Sequence[float]], population: int) -> list[Fitness]:
    """Fitness of each individual; `scores` are the mean scores of a table's entrants over its rotations."""
    own: list[list[float]] = [[] for _ in range(population)]
    games = [0] * population
    for table, given in zip(tables, scores, strict=True):
        for entrant, score in zip(table.entrants, given, strict=True):
            if entrant >= 0:
                own[entrant].append(score)
                games[entrant] += len(table.entrants)
    return [fitness_of(values, count) for values, count in zip(own, games, strict=True)]
