"""Progress from the store: a point for each measured iteration, honest gains, and the CPU time of every phase."""

from typing import Any

import pytest

from resources.store.contents.matches import MatchStanding
from resources.store.contents.operations import Progress, ReportContent
from resources.store.record import NewVersion, digest_of
from resources.store.store import Store
from resources.views.text import elo_text
from ringrift import names
from ringrift_assets.steps.progress import COSTS, cost_rows, difference, point_rows, progress_of
from tests.resources.sample_contents import CONTENTS, UNCHANGED, sample

CONFIG = "square8_2p"
ANCHOR, OTHER_ANCHOR = "aaaa", "bbbb"


def put(store: Store, asset: str, iteration: int, data: dict[str, Any], cpu_s: float | None = None) -> None:
    """Store a partition whose jobs took so many CPU seconds, None for one without jobs."""
    with store.draft(asset, CONFIG, iteration) as folder:
        digest = digest_of(data)
        new = NewVersion(
            "1", digest, digest, rows=1, data=data, provenance={"cpu_s": cpu_s, "played": 2} if cpu_s else {}
        )
        store.commit(folder, asset, CONFIG, iteration, new)


def match_of(kind: str, first: str, second: str, **more: Any) -> dict[str, Any]:
    about = {"match": kind, "title": kind, "kind": kind, "job": "j", "games": 50, "capped": 0, "whole": True}
    entrants = [{"key": key, "seats": 50, "score": 0.5, "wins": 25} for key in (first, second)]
    return {**about, "entrants": entrants, "openings": 25, "gate": None, **more}


def put_iteration(
    store: Store,
    iteration: int,
    elo: float | None,
    *,
    promoted: bool = False,
    champion: tuple[int | None, int | None] = (None, None),
    candidate: bool = True,
    anchor: str = ANCHOR,
    **more: Any,
) -> None:
    """An iteration as its assets would store it, with this Elo over the anchor ± 40 (None: no such match).

    `champion` is the iteration of the champion's network before it and after it.
    """
    first = f"player{iteration}"
    entries = {key: {"name": f"name of {key}", "participant": {}} for key in (first, ANCHOR, OTHER_ANCHOR)}
    matches = [match_of("champion", first, "reference")] if candidate else []
    if elo is not None:
        standing = {"elo": elo, "low": elo - 40, "high": elo + 40}
        matches.append(match_of("anchor", first, anchor, **{"standing": standing, **more}))
    before, after = (None if made is None else f"weights {made}" for made in champion)
    incumbent = {"champion": before, "champion_weights": before}
    verdicts = {**CONTENTS[names.TIER_ASSIGNMENT]["verdicts"], "champion": {**UNCHANGED, "promoted": promoted}}
    put(store, names.INCUMBENT, iteration, sample(names.INCUMBENT, **incumbent))
    put(store, names.SELFPLAY_GAMES, iteration, sample(names.SELFPLAY_GAMES), 1800.0)
    put(store, names.TRAINING_DB, iteration, sample(names.TRAINING_DB), 100.0)
    put(store, names.CMAES_PROFILE, iteration, sample(names.CMAES_PROFILE), 800.0)
    put(store, names.HEURISTIC_PROFILES, iteration, sample(names.HEURISTIC_PROFILES))
    put(store, names.TRAINED_MODEL, iteration, sample(names.TRAINED_MODEL), 300.0)
    put(
        store,
        names.TOURNAMENT_GAMES,
        iteration,
        sample(names.TOURNAMENT_GAMES, matches=matches, participants=entries),
        590,
    )
    put(store, names.ELO_RATINGS, iteration, sample(names.ELO_RATINGS), 10.0)
    put(
        store,
        names.TIER_ASSIGNMENT,
        iteration,
        sample(names.TIER_ASSIGNMENT, champion_weights=after, verdicts=verdicts),
    )


@pytest.fixture
def store(tmp_path) -> Store:
    """Four iterations: a promotion, a refusal, a promotion, and one without a candidate."""
    store = Store(tmp_path / "store")
    put_iteration(store, 0, 100.0, promoted=True, champion=(None, 0))
    put_iteration(store, 1, 110.0, champion=(0, 0))
    put_iteration(store, 2, 175.4, promoted=True, champion=(0, 2))
    put_iteration(store, 3, 160.0, candidate=False, champion=(2, 2))
    return store


def told(store: Store, iteration: int) -> Progress:
    return progress_of(store, CONFIG, iteration)


def test_each_iteration_with_a_match_has_a_point_that_tells_candidate_and_champion(store):
    found = told(store, 3)
    assert found.anchor == "name of aaaa"
    assert [(p.iteration, p.elo, p.candidate, p.champion) for p in found.points] == [
        (0, 100.0, "promoted", 100.0),
        (1, 110.0, "not promoted", 100.0),
        (2, 175.4, "promoted", 175.4),
        (3, 160.0, "none", 175.4),
    ]
    assert [point.iteration for point in told(store, 1).points] == [0, 1], "no point of a later iteration"
    newest = point_rows(found)[0]
    assert newest["player"] == "name of player3" and newest["Elo over the anchor (95 %)"] == "+160 (+120 to +200)"


def test_without_a_whole_match_against_the_same_anchor_there_is_no_point(store):
    put_iteration(store, 1, None, champion=(0, 0))
    put_iteration(store, 2, 175.4, promoted=True, champion=(0, 2), whole=False)
    assert [point.iteration for point in told(store, 3).points] == [0, 3]
    put_iteration(store, 0, 100.0, promoted=True, champion=(None, 0), anchor=OTHER_ANCHOR)
    found = told(store, 3)
    assert [(point.iteration, point.champion) for point in found.points] == [(3, None)], "another anchor, another unit"


def test_nothing_is_told_where_no_iteration_has_met_an_anchor(store):
    for iteration in range(4):
        put_iteration(store, iteration, None, promoted=iteration == 0, champion=(None, 0))
    assert told(store, 3).points == [] and told(store, 3).anchor is None
    assert told(store, 0).gain is None, "promoted, but not measured"


def test_an_iteration_gains_what_its_champion_has_over_the_one_before(store):
    assert [elo_text(told(store, iteration).gain) for iteration in range(4)] == [
        "+100 (+60 to +140)",  # over the anchor itself
        "+0",
        "+75 (+19 to +132)",  # 175.4 - 100, both within 40: within 40 * sqrt(2)
        "+0",
    ]
    put_iteration(store, 0, None, promoted=True, champion=(None, 0))
    assert told(store, 2).gain is None, "the champion before was not measured"


def test_the_gain_is_counted_from_the_champion_in_force_not_from_the_last_promoted(store):
    put_iteration(store, 3, 190.0, promoted=True, champion=(0, 3))  # the champion of iteration 2 was taken back
    gain = told(store, 3).gain
    assert gain and gain.elo == pytest.approx(90.0)


def test_a_difference_has_no_bound_where_one_of_the_two_has_none():
    sure, open_above = MatchStanding(elo=10, low=0, high=20), MatchStanding(elo=50, low=20, high=None)
    found = difference(open_above, sure)
    assert (found.elo, found.low, found.high) == (40, pytest.approx(40 - 31.62, abs=0.01), None)
    assert difference(sure, open_above).low is None and difference(sure, open_above).high is not None


def test_the_cpu_time_is_that_of_the_jobs_by_phase_and_buys_elo_by_the_core_hour(store):
    found = told(store, 2)
    assert {cost.phase: (cost.cpu_s, cost.cpu_s_so_far) for cost in found.costs} == {
        "selfplay": (1800, 5400),
        "verification": (100, 300),
        "CMA-ES": (800, 2400),
        "training": (300, 900),
        "matches": (600, 1800),
    }
    rows = {row["phase"]: row for row in cost_rows(found)}
    bought = "Elo a core-hour, if only this had cost"
    assert rows["all"]["CPU s"] == 3600.0 and rows["all"][bought] == "+75 (+19 to +132)"
    assert rows["selfplay"]["share"] == "50%" and rows["selfplay"][bought] == "+151 (+38 to +264)"
    assert rows["training"][bought] == "+905 (+226 to +1,584)"
    unmeasured = cost_rows(found.model_copy(update={"gain": None}))
    assert {row[bought] for row in unmeasured} == {"not measured"}


def test_a_phase_without_jobs_costs_nothing_and_has_no_rate(store):
    put(store, names.TRAINED_MODEL, 2, {"status": "not_enough_games", "have": 3, "need": 10})
    row = next(row for row in cost_rows(told(store, 2)) if row["phase"] == "training")
    assert row["CPU s"] == 0.0 and row["Elo a core-hour, if only this had cost"] == ""


def test_every_asset_that_runs_jobs_is_in_a_phase():
    without = {names.INCUMBENT, names.TIER_ASSIGNMENT, names.ITERATION_REPORT, names.WORKER_RESOURCES}
    assert {asset for assets in COSTS.values() for asset in assets} == set(CONTENTS) - without


def test_a_report_that_was_stored_without_progress_is_read():
    assert ReportContent.model_validate(sample(names.ITERATION_REPORT)).progress is None
