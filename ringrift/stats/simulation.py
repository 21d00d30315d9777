"""Matches between simulated players of known strength: error rates of gates, coverage of intervals."""

import math
from dataclasses import dataclass

import numpy as np

from ringrift.stats.elo import sequential_elo
from ringrift.stats.plackett_luce import fit_tables
from ringrift.stats.results import ELO_SCALE, Z95, GameResult
from ringrift.stats.sprt import SequentialTest, decisions, score_of_elo, statistics

CHUNK = 250  # matches at once, to bound the memory


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
    gate: SequentialTest,
    players: int,
    elo: float,
    model: Model,
    matches: int,
    seed: list[int],
    strength: float | None = None,
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
