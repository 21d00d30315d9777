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

from collections.abc import Callable
from typing import Any

from ringrift.bench.report import Measure, Row, report
from ringrift.stats.simulation import (
    CORRELATED,
    MODELS,
    ONE_SIDED,
    Model,
    Rates,
    best_found,
    documented_rule_rate,
    gate_rates,
    interval_coverage,
    rotated_coverage,
)
from ringrift.stats.sprt import SequentialTest

SEED = 20_260_101
GATES = 2000  # simulated matches of each kind; 0.05 is then known to +-0.01
TABLES = (2, 3, 4)
COVERAGE_FITS = 1000
BEST_TOURNAMENTS = 500

ELOS = {"aa": 0.0, "minus35": -35.0, "plus35": 35.0, "plus70": 70.0}


# --- the report -------------------------------------------------------------------------------------------
def _nothing(text: str) -> None:
    """Progress that nobody watches."""


STEPS = len(MODELS) + 3  # calls of `step` below


def calibrate(
    gates: int = GATES,
    fits: int = COVERAGE_FITS,
    tournaments: int = BEST_TOURNAMENTS,
    gate: SequentialTest | None = None,
    step: Callable[[str], None] = _nothing,
) -> dict[str, Any]:
    """The calibration report, in the format of the benchmarks: rows and measures with bars.

    `gates` matches of each kind, `fits` tournaments a coverage, `tournaments` to find the best of eight;
    `step` is told what begins, STEPS times. About 30 s on one core with the defaults.
    """
    gate = gate or SequentialTest()
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
