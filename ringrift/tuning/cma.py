"""The search for better heuristic weights: CMA-ES that spends its games where they tell most. Pure; plays nothing.

Sampling, step size and covariance are those of the library `cma` (N. Hansen, "The CMA Evolution Strategy: A
Tutorial", arXiv:1604.00772). What is told to it is arranged against noise, because a score of a few games says little:

* Weights are searched as x = (w - start) / scale with a scale for each weight, so that sigma means the same for all.
* Individuals come in mirrored pairs mean + d, mean - d (D. Brockhoff et al., "Mirrored Sampling and Sequential
  Selection for Evolution Strategies", 2010) which play each other: the same games show twice the difference, and
  each game counts for both.
* All individuals of a generation meet on common openings with every rotation of the seats; a panel of fixed players
  keeps a generation from learning only to beat itself.
* The proposal is the mean of the distribution, averaged over its last generations, never the best measured
  individual alone: the maximum of noisy scores is mostly luck. `ringrift bench tuner` measures what this is worth.
* More games are spent on a larger population, which gains more than longer searches or more games an individual.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import DEFAULTS, NAMES, complete_weights

AVERAGED = 3  # generations whose means make the proposal
LEAST_SCALE = 0.5  # of a weight whose default is nearly 0
REPLAY_TOLERANCE = 1e-9  # another machine may sample populations that differ by rounding

MULTI_PLAYER_WEIGHTS = ("WEIGHT_MULTI_LEADER_THREAT", "WEIGHT_LPS_ACTION_ADVANTAGE")
COSTLY_WEIGHTS = NAMES[NAMES.index("WEIGHT_LINE_POTENTIAL") :]  # what light mode does not read


def tuned_weights(players: int, light: bool) -> tuple[str, ...]:
    """Names of the weights that an evaluation reads, in the order of NAMES: only these are worth searching."""
    unread = {*(COSTLY_WEIGHTS if light else ()), *(MULTI_PLAYER_WEIGHTS if players == 2 else ())}
    return tuple(name for name in NAMES if name not in unread)


def scales(names: Sequence[str]) -> np.ndarray:
    """float64[len(names)]: what one unit of the search is of each weight, its default's size."""
    return np.array([max(abs(DEFAULTS[name]), LEAST_SCALE) for name in names])


class Scaled(NamedTuple):
    """The weights that are searched, and how the search's numbers become weights."""

    names: tuple[str, ...]
    start: dict[str, float]  # complete weights at x = 0

    def weights(self, x: np.ndarray) -> dict[str, float]:
        """Complete weights of a point, float64[len(names)]; weights that are not searched are the start's."""
        moved = zip(self.names, scales(self.names) * x, strict=True)
        return {**self.start, **{name: self.start[name] + float(step) for name, step in moved}}


def scaled(start: Mapping[str, float], players: int, light: bool) -> Scaled:
    """The search space around `start`. Raises InvalidInput for weights that are none."""
    return Scaled(tuned_weights(players, light), complete_weights(start))


# --- the search ---------------------------------------------------------------------------------------------
def new_strategy(dimensions: int, population: int, sigma: float, seed: int) -> Any:
    """The library's CMA-ES from 0, silent, with random numbers of its own that hang on `seed` alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library asks for matplotlib, which we do not use
        import cma
    generator = np.random.default_rng(seed)
    options = {
        "popsize": population,
        "seed": np.nan,  # leaves numpy's global generator alone
        "randn": lambda *shape: generator.standard_normal(shape),
        "verbose": -9,
    }
    return cma.CMAEvolutionStrategy(np.zeros(dimensions), sigma, options)


class Search:
    """Ask and tell of one search in `dimensions`, from x = 0. Equal arguments and fitness give equal populations.

    `population` is even: rows 2k and 2k + 1 of a population are a mirrored pair. `sigma` is the first step in units
    of `scales`. Raises InvalidInput for a population that is odd or below 4.
    """

    def __init__(self, dimensions: int, population: int, sigma: float, seed: int):
        if population < 4 or population % 2:
            raise InvalidInput("population", population, "individuals come in pairs: use an even number from 4")
        self._strategy = new_strategy(dimensions, population, sigma, seed)
        self._population = population
        self.means: list[np.ndarray] = []  # after each generation, float64[dimensions]

    @property
    def mean(self) -> np.ndarray:
        """Mean of the distribution now, float64[dimensions]."""
        return np.array(self._strategy.mean)

    @property
    def sigma(self) -> float:
        """Step size now, in units of `scales`."""
        return float(self._strategy.sigma)

    @property
    def proposal(self) -> np.ndarray:
        """The mean of the distribution over the last AVERAGED generations, float64[dimensions]."""
        return np.mean(self.means[-AVERAGED:] or [self.mean], axis=0)

    def ask(self) -> np.ndarray:
        """The next population, float64[population, dimensions]."""
        half = np.array(self._strategy.ask(self._population // 2))
        return np.stack([half, 2 * self.mean - half], axis=1).reshape(self._population, -1)

    def tell(self, population: np.ndarray, fitness: Sequence[float]) -> None:
        """Enter the fitness (larger is better) of the population that was asked for."""
        self._strategy.tell(list(population), [-float(value) for value in fitness])
        self.means.append(self.mean)

    def replay(self, generations: Sequence[tuple[np.ndarray, Sequence[float]]]) -> None:
        """Bring a fresh search to where it was after these (population, fitness), in order.

        Raises InvalidInput if it would not have asked for these populations.
        """
        for number, (population, fitness) in enumerate(generations):
            asked = self.ask()
            same = asked.shape == population.shape
            if not same or not np.allclose(asked, population, REPLAY_TOLERANCE, REPLAY_TOLERANCE):
                remedy = "it is not of this search; remove it and those after it"
                raise InvalidInput("generation", number, remedy)
            self.tell(population, fitness)


def changed_most(before: Mapping[str, float], after: Mapping[str, float], count: int = 8) -> list[dict[str, Any]]:
    """The weights that changed most in units of the search: name, before, after, change."""
    names = [name for name in NAMES if before[name] != after[name]]
    moved = dict(zip(names, (np.array([after[n] - before[n] for n in names]) / scales(names)).tolist(), strict=True))
    first = sorted(names, key=lambda name: -abs(moved[name]))[:count]
    return [{"weight": n, "before": before[n], "after": after[n], "change": round(moved[n], 3)} for n in first]


def consensus(points: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of some weights, name by name: it keeps what searches found alike and averages out their noise."""
    return {name: sum(point[name] for point in points) / len(points) for name in NAMES}
