"""What the gate and the ratings really do, measured on players whose strength is known.

Model of a match. An opening favours each seat by a Gaussian number of Elo points (`opening_sd`) and suits each
player by another (`interaction_sd`); all rotations of a block share both, which correlates its games: the
first spreads wins and losses evenly within a block, the second does not. Given these, a table is ranked by
Plackett-Luce (log strength plus Gumbel noise), and a share `draw_rate` of the games is tied throughout.

True Elo is that of the expected score in the match as played, which the gate's hypotheses speak of: the
candidate gets the strength that leaves it just that score. Openings that decide games, and draws, shrink what
a given strength scores; the rows `strength +70` show that other reading, in which such openings cost promotions.

The bars hold for the worst of all models at tables of 2, 3 and 4. One fixed seed: the figures repeat to the
last bit on one machine.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ringrift.bench.report import Measure, Row, report
from ringrift.gating import Gate, decisions, score_of_elo, statistics
from ringrift.rating_fit import fit_tables
from ringrift.ratings import ELO_SCALE, Z95, GameResult, sequential_elo

SEED = 20_260_101
GATES = 2000  # simulated matches of each kind; 0.05 is then known to +-0.01
CHUNK = 250  # matches at once, to bound the memory
TABLES = (2, 3, 4)
COVERAGE_FITS = 1000
BEST_TOURNAMENTS = 500


ELOS = {"aa": 0.0, "minus35": -35.0, "plus35": 35.0, "plus70": 70.0}


@dataclass(frozen=True, slots=True)
class Model:
    """How openings shape a match: standard deviations in Elo, share of drawn games in [0, 1)."""

    name: str
    opening_sd: float = 0.0
    interaction_sd: float = 0.0
    draw_rate: float = 0.0


INDEPENDENT = Model("independent")
CORRELATED = Model("correlated", opening_sd=150, interaction_sd=60)
DRAWS = Model("30 % draws", opening_sd=150, interaction_sd=60, draw_rate=0.3)
ONE_SIDED = Model("one-sided openings", opening_sd=400, interaction_sd=60)
UNEVEN = Model("uneven players", opening_sd=150, interaction_sd=150)
MODELS = (INDEPENDENT, CORRELATED, DRAWS, ONE_SIDED, UNEVEN)


def strength_for(elo: float, model: Model) -> float:
    """Elo points of strength that give the candidate the expected score of `elo` under the model.

    Its chance to out-rank one opponent given the opening is logistic in strength plus a Gaussian of variance
    2 opening_sd^2 + interaction_sd^2, at every table size (Plackett-Luce ignores the others). Solved by
    bisection. Raises ValueError if draws put that score out of reach.
    """
    wanted = 0.5 + (score_of_elo(elo) - 0.5) / (1 - model.draw_rate)
    if not 0 < wanted < 1:
        raise ValueError(f"{elo} Elo cannot be scored with {model.draw_rate:.0%} draws")
    points, weights = np.polynomial.hermite_e.hermegauss(101)
    spread = math.sqrt(2 * model.opening_sd**2 + model.interaction_sd**2)
    low, high = -4000.0, 4000.0
    for _ in range(60):
        middle = (low + high) / 2
        score = weights @ (1 / (1 + 10 ** (-(middle + spread * points) / 400))) / weights.sum()
        low, high = (middle, high) if score < wanted else (low, middle)
    return middle


def simulate_blocks(
    rng: np.random.Generator, matches: int, blocks: int, players: int, strength: float, model: Model
) -> np.ndarray:
    """Block scores float[matches, blocks] of a candidate `strength` Elo points above its opponents."""
    shape = (matches, blocks, players)
    opening = rng.normal(0, model.opening_sd / ELO_SCALE, shape)
    candidate = strength / ELO_SCALE + rng.normal(0, model.interaction_sd / ELO_SCALE, shape[:2])
    score = np.zeros(shape[:2])
    for seat in range(players):
        eta = opening + rng.gumbel(size=shape)
        eta[..., seat] += candidate
        beaten = (eta[..., seat, None] > eta).sum(-1) / (players - 1)
        if model.draw_rate:
            beaten[rng.random(shape[:2]) < model.draw_rate] = 0.5
        score += beaten
    return score / players


@dataclass(frozen=True, slots=True)
class Rates:
    """Share of simulated gates with each outcome, mean blocks each, and how often the Elo interval held."""

    promoted: float
    rejected: float
    inconclusive: float
    blocks: float
    interval: float  # share of final 95 % intervals that hold the true Elo


def gate_rates(
    gate: Gate, players: int, elo: float, model: Model, matches: int, seed: list[int], strength: float | None = None
) -> Rates:
    """Play `matches` simulated gates of a candidate of true `elo` (or of a given `strength` under the model)."""
    rng = np.random.default_rng(seed)
    points = strength_for(elo, model) if strength is None else strength
    verdicts, used, held = np.zeros(matches), np.zeros(matches), np.zeros(matches, dtype=bool)
    for start in range(0, matches, CHUNK):
        part = slice(start, min(start + CHUNK, matches))
        count = part.stop - start
        scores = simulate_blocks(rng, count, gate.max_blocks, players, points, model)
        llr, mean, variance = statistics(scores, gate)
        says = decisions(llr, mean, gate, players)
        last = np.where(says.any(1), (says != 0).argmax(1), gate.max_blocks - 1)
        at = np.arange(count), last
        verdicts[part], used[part] = says[at], last + 1
        held[part] = np.abs(mean[at] - score_of_elo(elo)) <= Z95 * np.sqrt(variance[at] / (last + 1))
    shares = [float((verdicts == sign).mean()) for sign in (1, -1, 0)]
    return Rates(shares[0], shares[1], shares[2], float(used.mean()), float(held.mean()))


def documented_rule_rate(games: int = 10, win_rate: float = 0.55) -> float:
    """Chance that an equal player wins at least `win_rate` of `games` without draws: the documented rule alone."""
    need = math.ceil(win_rate * games - 1e-9)
    return sum(math.comb(games, wins) for wins in range(need, games + 1)) / 2**games


# --- ratings ----------------------------------------------------------------------------------------------


def simulate_tables(
    rng: np.random.Generator, games: int, players: int, strengths: np.ndarray, seats: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(participants, ranks), each int[games, players], of random tables; strengths float[P], seats float[n] in Elo."""
    seated = rng.permuted(np.tile(np.arange(len(strengths)), (games, 1)), axis=1)[:, :players]
    utility = (strengths[seated] + seats) / ELO_SCALE + rng.gumbel(size=seated.shape)
    return seated, 1 + (utility[:, None, :] > utility[:, :, None]).sum(2)


def interval_coverage(players: int, fits: int, seed: list[int], participants: int = 8, games: int = 240) -> float:
    """Share of 95 % intervals of the batch fit that hold the true rating, anchor left out.

    Each fit has new strengths (Gaussian, 150 Elo), seat effects (30 Elo) and random tables.
    """
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(fits):
        strengths = rng.normal(0, 150, participants)
        strengths[0] = 0  # the anchor
        tables = simulate_tables(rng, games, players, strengths, rng.normal(0, 30, players))
        fit = fit_tables(*tables, participants, 0)
        errors = np.sqrt(np.diag(fit.covariance)[1:participants])
        held += int((np.abs(fit.theta[1:] - strengths[1:] / ELO_SCALE) <= Z95 * errors).sum())
    return held / (fits * (participants - 1))


def simulate_rotations(
    rng: np.random.Generator, blocks: int, players: int, strengths: np.ndarray, model: Model
) -> tuple[np.ndarray, np.ndarray]:
    """(participants, ranks), each int[blocks * players, players]: random tables, each rotated through its seats."""
    seats = np.arange(players)
    turn = (seats[:, None] + seats) % players  # game, seat -> whose turn it is to sit there
    drawn = rng.permuted(np.tile(np.arange(len(strengths)), (blocks, 1)), axis=1)[:, :players]
    suits = strengths[drawn] + rng.normal(0, model.interaction_sd, drawn.shape)
    opening = rng.normal(0, model.opening_sd, (blocks, 1, players))
    utility = (suits[:, turn] + opening) / ELO_SCALE
    utility += rng.gumbel(size=utility.shape)
    utility[rng.random(utility.shape[:2]) < model.draw_rate] = 0
    utility = utility.reshape(-1, players)
    return drawn[:, turn].reshape(-1, players), 1 + (utility[:, None, :] > utility[:, :, None]).sum(2)


def rotated_coverage(players: int, fits: int, model: Model, seed: list[int], games: int = 240) -> float:
    """As `interval_coverage`, of games in blocks that share an opening, which the fit takes as independent.

    The true rating is what the fit tends to with more and more such games (openings shrink it), here 120,000.
    """
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0, 150, 8)
    truth = fit_tables(*simulate_rotations(rng, 120_000 // players, players, strengths, model), 8, 0).theta[1:]
    held = 0
    for _ in range(fits):
        fit = fit_tables(*simulate_rotations(rng, games // players, players, strengths, model), 8, 0)
        held += int((np.abs(fit.theta[1:] - truth) <= Z95 * np.sqrt(np.diag(fit.covariance)[1:8])).sum())
    return held / (fits * 7)


def best_found(
    tournaments: int, seed: list[int], agents: int = 8, gap: float = 50, games: int = 400
) -> tuple[float, float]:
    """Share of tournaments whose highest rating is the best agent's: (batch fit, sequential Elo).

    `agents` stand `gap` Elo apart and meet at random four-player tables.
    """
    rng = np.random.default_rng(seed)
    strengths = gap * np.arange(agents)
    fitted = sequential = 0
    for _ in range(tournaments):
        seated, ranks = simulate_tables(rng, games, 4, strengths, np.zeros(4))
        fitted += int(fit_tables(seated, ranks, agents, 0).theta.argmax() == agents - 1)
        table = zip(seated.tolist(), ranks.tolist(), strict=True)
        results = [
            GameResult("square8_4p", 0, "m", i, tuple(map(str, who)), tuple(rank))
            for i, (who, rank) in enumerate(table)
        ]
        ratings = sequential_elo(results, pool="square8_4p").ratings
        sequential += max(ratings, key=lambda key: ratings[key]) == str(agents - 1)
    return fitted / tournaments, sequential / tournaments


# --- the report -------------------------------------------------------------------------------------------


def _nothing(text: str) -> None:
    """Progress that nobody watches."""


STEPS = len(MODELS) + 3  # calls of `step` below


def calibrate(
    gates: int = GATES,
    fits: int = COVERAGE_FITS,
    tournaments: int = BEST_TOURNAMENTS,
    gate: Gate | None = None,
    step: Callable[[str], None] = _nothing,
) -> dict[str, Any]:
    """The calibration report, in the format of the benchmarks: rows and measures with bars.

    `gates` matches of each kind, `fits` tournaments a coverage, `tournaments` to find the best of eight;
    `step` is told what begins, STEPS times. About 30 s on one core with the defaults.
    """
    gate = gate or Gate()
    rows: list[Row] = []
    found: dict[str, list[Rates]] = {name: [] for name in ELOS}
    games: dict[str, list[float]] = {name: [] for name in ELOS}
    for number, model in enumerate(MODELS):
        step(f"gates, {model.name}")
        for players in TABLES:
            for name, elo in ELOS.items():
                rates = gate_rates(gate, players, elo, model, gates, [SEED, number, players, len(rows)])
                found[name].append(rates)
                games[name].append(rates.blocks * players)
                rows.append(_gate_row(f"gate {elo:+.0f} Elo", players, model, rates))
    step("gates, by strength")
    for model in (CORRELATED, ONE_SIDED):
        for players in TABLES:
            rates = gate_rates(gate, players, 70, model, gates, [SEED, players, len(rows)], strength=70)
            rows.append(_gate_row("strength +70", players, model, rates))
    step("intervals")
    coverage = {players: interval_coverage(players, fits, [SEED, players]) for players in TABLES}
    rows += [_rating_row("batch fit", players, "independent", share) for players, share in coverage.items()]
    for model in MODELS[1:]:
        for players in TABLES:
            share = rotated_coverage(players, max(1, fits // 4), model, [SEED, players, len(rows)])
            rows.append(_rating_row("batch fit, rotated seats", players, model.name, share))
    step("best of eight")
    fitted, sequential = best_found(tournaments, [SEED, 8])
    return report("gate_calibration", rows, _measures(found, games, coverage, fitted, sequential))


def _gate_row(test: str, players: int, model: Model, rates: Rates) -> Row:
    return {
        "test": test,
        "players": players,
        "model": model.name,
        "promoted": rates.promoted,
        "rejected": rates.rejected,
        "inconclusive": rates.inconclusive,
        "games": round(rates.blocks * players, 1),
        "interval_holds": None if test.startswith("strength") else rates.interval,
    }


def _rating_row(test: str, players: int, model: str, share: float) -> Row:
    return {"test": test, "players": players, "model": model, "interval_holds": share}


def _measures(
    found: dict[str, list[Rates]],
    games: dict[str, list[float]],
    coverage: dict[int, float],
    fitted: float,
    sequential: float,
) -> list[Measure]:
    promoted = {name: [rates.promoted for rates in models] for name, models in found.items()}
    measures = [
        Measure("aa_promotion_rate", max(promoted["aa"]), "share", 0.06, "lower"),
        Measure("plus70_promotion_rate", min(promoted["plus70"]), "share", 0.95),
        Measure("minus35_promotion_rate", max(promoted["minus35"]), "share", 0.005, "lower"),
        Measure("plus35_promotion_rate", min(promoted["plus35"]), "share"),
    ]
    measures += [Measure(f"{name}_mean_games", max(games[name]), "games", None, "lower") for name in ELOS]
    for players, share in coverage.items():
        measures.append(Measure(f"coverage_{players}p", share, "share", 0.93))
        measures.append(Measure(f"coverage_{players}p_at_most", share, "share", 0.97, "lower"))
    return [
        *measures,
        Measure("best_of_8_found", fitted, "share", 0.90),
        Measure("best_of_8_found_by_sequential_elo", sequential, "share"),
        Measure("documented_rule_aa_promotion_rate", documented_rule_rate(), "share", None, "lower"),
    ]
