"""`ringrift bench tuner`: what the search gains on hidden landscapes, and whether a proof tells good from bad.

A landscape gives every point of the search space a strength in Elo, smooth and unknown to the search, which sees
only won and lost games. Both recipes get the same number of games:

* plain, the documented recipe: every individual plays its games against the incumbent, and the best measured
  individual of all generations is the result;
* ours: mirrored pairs that meet each other, and the averaged mean (ringrift.tuning.cma). One generation's worth of its
  games goes into measuring the candidates, which the plain recipe spends on one generation more.

The gain is the true Elo of the result over the start. The planted candidates play real games.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ringrift.bench.report import Measure, Row, report
from ringrift.config import Config
from ringrift.kinds.tournament import game_plan
from ringrift.matches.blocks import verdict_of
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms
from ringrift.planning.tuning import proof_job
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, profile_hash
from ringrift.specs.match import MatchParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse
from ringrift.tuning.cma import Search, new_strategy, tuned_weights
from ringrift.tuning.schedule import generation_fitness, schedule

SEED = 20
GENERATIONS, POPULATION, GAMES, SIGMA = 15, 14, 8, 0.5  # the documented numbers of square8_2p
GAIN_BAR = 1.4
SEAT_ELO = 40.0  # what an opening gives one of the seats, standard deviation
CONFIG = Config("square8", 2)


class Family(NamedTuple):
    """Landscapes alike: `steep` of the directions matter, with curvatures spread over a factor of `spread`."""

    name: str
    steep: int
    spread: float
    top: float  # Elo of the best point over the start
    saturating: bool = False  # gains shrink logarithmically with distance instead of a plain bowl


FAMILIES = (
    Family("ridge of 4", 4, 1.0, 150.0),
    Family("ridge of 8", 8, 10.0, 200.0),
    Family("graded 16", 16, 30.0, 250.0),
    Family("graded, all", 0, 100.0, 300.0),
    Family("saturating 8", 8, 10.0, 200.0, True),
)

Strength = Callable[[np.ndarray], np.ndarray]
"""Points float64[n, d] → Elo over the start, float64[n]."""


def landscape(family: Family, dimensions: int, generator: np.random.Generator) -> Strength:
    """A landscape of the family: its best point lies about one unit a coordinate from the start."""
    rotation, _ = np.linalg.qr(generator.normal(size=(dimensions, dimensions)))
    steep = family.steep or dimensions
    curvature = np.zeros(dimensions)
    curvature[:steep] = np.exp(generator.uniform(-math.log(family.spread), 0.0, steep))
    best = generator.normal(size=dimensions)

    def bowl(points: np.ndarray) -> np.ndarray:
        result: np.ndarray = (((points - best) @ rotation) ** 2) @ curvature
        return result

    start = float(bowl(np.zeros((1, dimensions)))[0])

    def strength(points: np.ndarray) -> np.ndarray:
        left = bowl(np.atleast_2d(points)) / start
        return family.top * (1 - np.log2(1 + left) if family.saturating else 1 - left)

    return strength


def play_block(elo: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Mean scores of players `elo` points stronger over the two games of a block, float64 like `elo`."""
    seat = generator.normal(0.0, SEAT_ELO, elo.shape)
    wins = sum(generator.random(elo.shape) < 1 / (1 + 10 ** (-(elo + side * seat) / 400)) for side in (1, -1))
    return np.asarray(wins, dtype=float) / 2


def plain_recipe(strength: Strength, dimensions: int, seed: int, generations: int) -> np.ndarray:
    """The best measured individual; every one plays GAMES games against the start. Individuals are not mirrored."""
    games = np.random.default_rng([seed, 2])
    strategy = new_strategy(dimensions, POPULATION, SIGMA, seed)
    best, chosen = -1.0, np.zeros(dimensions)
    for _ in range(generations):
        population = np.array(strategy.ask())
        elo = strength(population)
        scores = np.mean([play_block(elo, games) for _ in range(GAMES // 2)], axis=0)
        strategy.tell(list(population), list(-scores))
        if scores.max() > best:
            best, chosen = float(scores.max()), population[int(scores.argmax())]
    return chosen


def our_recipe(strength: Strength, dimensions: int, seed: int, generations: int) -> np.ndarray:
    """The proposal of ringrift.tuning.cma, with the start as its panel."""
    games = np.random.default_rng([seed, 3])
    search = Search(dimensions, POPULATION, SIGMA, seed)
    for number in range(generations):
        population = search.ask()
        elo = np.append(strength(population), 0.0)  # the panel's member is entrant -1
        tables = schedule(2, POPULATION, GAMES, 1, number)
        first, second = np.array([table.entrants for table in tables]).T
        scores = play_block(elo[first] - elo[second], games)
        fitness = generation_fitness(tables, np.stack([scores, 1 - scores], axis=1).tolist(), POPULATION)
        search.tell(population, [found.score for found in fitness])
    return search.proposal


def bench_tuner(landscapes: int = 16, progress: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """The benchmark's report; `landscapes` of each family."""
    dimensions = len(tuned_weights(CONFIG.players, light=False))
    rows: list[Row] = []
    gains = {"plain": 0.0, "ours": 0.0}
    for number, family in enumerate(FAMILIES):
        progress(family.name)
        found: dict[str, list[float]] = {"plain": [], "ours": []}
        for k in range(landscapes):
            strength = landscape(family, dimensions, np.random.default_rng([SEED, number, k]))
            seed = SEED + 1000 * number + k
            found["plain"].append(float(strength(plain_recipe(strength, dimensions, seed, GENERATIONS + 1))[0]))
            found["ours"].append(float(strength(our_recipe(strength, dimensions, seed, GENERATIONS))[0]))
        plain, ours = (float(np.mean(found[name])) for name in ("plain", "ours"))
        gains = {"plain": gains["plain"] + plain, "ours": gains["ours"] + ours}
        error = float(np.std(np.subtract(found["ours"], found["plain"])) / math.sqrt(landscapes))
        rows.append(
            {
                "landscapes": family.name,
                "best_elo": family.top,
                "plain_elo": plain,
                "ours_elo": ours,
                "difference": ours - plain,
                "stderr": error,
            }
        )
    progress("planted candidates")
    good, bad = planted()
    measures = [
        Measure("gain_over_plain_cmaes", gains["ours"] / max(gains["plain"], 1e-9), "ratio", GAIN_BAR),
        Measure("plain_gain", gains["plain"] / len(FAMILIES), "elo"),
        Measure("our_gain", gains["ours"] / len(FAMILIES), "elo"),
        Measure("planted_good_accepted", float(good), "0/1", 1.0),
        Measure("planted_bad_refused", float(bad), "0/1", 1.0),
    ]
    return report("tuner", rows, measures)


# --- planted candidates -------------------------------------------------------------------------------------

BAD = {**PROFILES[BALANCED], "WEIGHT_ELIMINATED_RINGS": -12.0, "WEIGHT_TERRITORY": -8.0, "WEIGHT_STACK_CONTROL": -10.0}
"""A profile that avoids what wins: whatever fitness it claims, a proof must refuse it."""


def planted(gate: SequentialTest | None = None) -> tuple[bool, bool]:
    """(the good candidate was accepted, the bad one refused): the balanced profile against BAD, and BAD against it."""
    balanced = PROFILES[BALANCED]
    return prove(balanced, BAD, gate or SequentialTest()), not prove(BAD, balanced, gate or SequentialTest())


def prove(candidate: dict[str, float], incumbent: dict[str, float], gate: SequentialTest) -> bool:
    """Whether the real gate on real games promotes `candidate` over `incumbent`."""
    spec = proof_job(
        MatchTerms(config=CONFIG, iteration=0, root_seed=SEED),
        f"planted_{profile_hash(candidate)[:8]}",
        candidate=candidate,
        profile="planted_incumbent",
        weights=incumbent,
        gate=gate,
    )
    plan = game_plan(parse(MatchParams, spec.params, "planted"))
    rankings: dict[int, Any] = {}
    assert plan.order is not None  # a gate orders its games itself
    for row in play_rows(plan, plan.order(rankings)):
        rankings[row["game_index"]] = row["ranking"]
    return verdict_of(rankings, gate, CONFIG.players).promoted
