"""What a dry run names is what the run then starts, and what the run itself makes first is never given an id."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from resources.store.home import Home
from resources.store.phases import STEPS
from ringrift import names
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, profile_hash, profiles_file, write_profiles
from ringrift_assets.runs.iteration import run_iteration
from tests.resources.model_makers import put_record
from tests.resources.sample_contents import sample
from tests.ringrift_assets.cli.test_run import ringrift
from tests.ringrift_assets.conftest import CONFIG, PIPELINE, Graph

NAME = "heuristic_v1_hex8_2p"
BEFORE = ("incumbent", "selfplay_games", "training_db", "cmaes_profile", "trained_model", "heuristic_profiles")
EVALUATION = ("tournament_games", "elo_ratings")


def dry_run(graph: Graph, *options: object) -> list[dict[str, Any]]:
    code, text = ringrift("run", "--config", graph.pipeline, "--dry-run", "--json", *options)
    assert code == 0, text
    return json.loads(text)["dry_run"]


def shown(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Every job of a plan, with its asset."""
    lists = {"jobs": "selfplay_games", "searches": "cmaes_profile", "matches": "tournament_games"}
    return [{"asset": asset, **job} for name, asset in lists.items() for job in plan[name]] + plan["other_jobs"]


def known(plan: dict[str, Any]) -> set[str]:
    return {job["id"] for job in shown(plan) if job["id"]}


def run(graph: Graph, iteration: int, *assets: str) -> set[str]:
    """Run some assets; returns the ids of the jobs that were started."""
    graph.events.clear()
    [outcome] = run_iteration([CONFIG], iteration, graph.pipeline, graph.home, graph.events.append, assets=assets)
    assert outcome.ok, outcome.error
    return set(graph.started())


def use_profile(graph: Graph, iteration: int, territory: float) -> None:
    """Put a trained profile in force, as if the iteration's search had proved it."""
    weights = {**PROFILES[BALANCED], "WEIGHT_TERRITORY": territory}
    profile = {"profile": NAME, "profile_hash": profile_hash(weights), "profile_weights": weights}
    put_record(
        graph.runtime().store, names.HEURISTIC_PROFILES, CONFIG, iteration, sample(names.HEURISTIC_PROFILES, **profile)
    )


@pytest.fixture
def tuned(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """A graph that starts with a trained profile."""
    path = tmp_path / "trained_heuristic_profiles.json"
    write_profiles(path, profiles_file({NAME: {"WEIGHT_TERRITORY": 9.0}}, {}))
    monkeypatch.setattr(sys.modules["ringrift_assets.assets.incumbent"], "TRAINED_FILE", path)
    return graph


@pytest.mark.slow
def test_every_iteration_starts_the_jobs_that_a_dry_run_has_named_before(tuned):
    tuned.pipeline.write_text(PIPELINE.replace("min_games: 6", "min_games: 4").replace("games: 6}", "games: 4}"))
    both = dry_run(tuned, "--iterations", 2)
    for iteration in (0, 1):
        [whole] = dry_run(tuned, "--start-iteration", iteration)
        if iteration == 0:
            assert whole == both[0]
        started = run(tuned, iteration, *BEFORE)
        if iteration == 1:
            use_profile(tuned, 1, 11.0)  # so that those who were rated before play with an older profile
        [evaluation] = dry_run(tuned, "--start-iteration", iteration, "--phase", "evaluation")
        matches = {match["id"] for match in evaluation["matches"]}
        played = run(tuned, iteration, *EVALUATION)
        assert None not in matches and matches <= played
        names = {job["job"] for job in evaluation["other_jobs"]}
        assert {job.split("-")[3] for job in played - matches} == names == {"prove", "match_results", "rate"}

        started |= played
        assert known(whole) and known(whole) <= started, "each id that was named has been started"
        unnamed = {(job["asset"], job["job"]) for job in shown(whole) if not job["id"]}
        assert {(job.split("-")[0], job.split("-")[3]) for job in started - known(whole)} <= unnamed
        assert all(job["after"] for job in shown(whole) if not job["id"])
        if iteration == 1:
            assert known(both[1]) and known(both[1]) <= started
            entrants = next(m for m in matches if "round_robin" in m)
            spec = json.loads((tuned.home.root / "jobs-v1" / entrants / "spec.json").read_text())
            assert len(spec["params"]["profiles"]) == 2, "the older profile plays as well as the new one"
        else:
            assert run(tuned, 0, "tier_assignment") == set()


def test_what_hangs_on_something_that_is_not_made_yet_has_no_id_but_says_what_it_waits_for(graph):
    text = PIPELINE.replace("NN_D6", "Champion_D6")
    graph.pipeline.write_text(text)
    first, second = dry_run(graph, "--iterations", 2)
    waits = {job["job"]: job["after"] for job in shown(first)}
    assert waits["hex8_2p_random.000000"] == waits["hex8_2p_heuristic.000000"] == waits["search.000"] == []
    assert waits["Heuristic_D2_vs_Heuristic_D3"] == waits["round_robin"] == ["heuristic_profiles|0000"]
    assert waits["candidate_vs_reference"] == ["heuristic_profiles|0000", "trained_model|0000"]
    assert (waits["verify"], waits["train"]) == (["selfplay_games|0000"], ["training_db|0000"])
    later = {job["job"]: job["after"] for job in shown(second)}
    assert later["hex8_2p_random.000000"] == [], "random players are the same whoever is in force"
    assert later["hex8_2p_heuristic.000000"] == later["hex8_2p_nn.000000"] == ["tier_assignment|0000"]
    assert later["search.000"] == ["tier_assignment|0000"] and "elo_ratings|0000" in later["round_robin"]
    assert later["Heuristic_D5_vs_Champion_D6"][0] == "tier_assignment|0000", "a champion may be there by then"
    assert second["skipped"] == [] and first["skipped"], "what is skipped then hangs on the champion too"
    assert first["up_to_date"] == second["up_to_date"] == []
    graph.pipeline.write_text(text.replace("tiers: {ladder: [D2]}", "tiers: {ladder: [D2, D4]}"))
    first, second = dry_run(graph, "--iterations", 2)
    tier = next(match for match in first["matches"] if match["kind"] == "tier")
    assert (tier["job"], tier["id"], tier["after"]) == ("tier_D2_to_D4", None, ["heuristic_profiles|0000"])
    assert next(match["id"] for match in second["matches"] if match["kind"] == "tier") is None


def test_the_plan_of_what_is_up_to_date_names_the_jobs_it_was_made_by(finished):
    jobs = {
        iteration: {
            job
            for asset in STEPS
            for job in finished.record(asset, iteration).provenance.get("jobs", [])
            if "match_results" not in job and "-profile_" not in job  # their inputs are games
        }
        for iteration in (0, 1)
    }
    for plan in dry_run(finished, "--iterations", 2):
        assert known(plan) == jobs[plan["iteration"]] and all(job["id"] for job in shown(plan))
        assert plan["up_to_date"] == [asset for asset in STEPS if asset != "iteration_report"]


def test_what_is_stored_counts_as_long_as_the_run_would_not_make_it_again(finished):
    store = finished.runtime().store
    expected = {asset: finished.record(asset, 1).provenance.get("jobs", []) for asset in STEPS}
    for asset in STEPS:
        if asset in EVALUATION or asset == "tier_assignment":
            (store.folder(asset, CONFIG, 1) / "partition.json").unlink()
    [plan] = dry_run(finished, "--start-iteration", 1)
    matches = {match["id"] for match in plan["matches"]}
    assert matches == {job for job in expected["tournament_games"] if "match_results" not in job}
    finished.pipeline.write_text(PIPELINE.replace("games: 6}", "games: 7}"))
    [plan] = dry_run(finished, "--start-iteration", 1)
    assert plan["up_to_date"] == ["incumbent", "cmaes_profile", "heuristic_profiles"]
    changed = {job["job"]: job["after"] for job in shown(plan)}
    assert changed["candidate_vs_reference"] == ["trained_model|0001"] and changed["verify"] == ["selfplay_games|0001"]
    assert {match["id"] for match in plan["matches"]} == {*matches, None}, "the others do not hang on the games"


def test_a_dry_run_of_a_fresh_start_forgets_the_store(finished):
    empty = Graph(Home(finished.home.root.parent / "empty").prepare(), finished.pipeline, finished.instance)
    [fresh] = dry_run(finished, "--fresh")
    assert fresh["stored_games"] == 0 and fresh["up_to_date"] == []
    assert fresh["jobs"] and known(fresh) == known(dry_run_in(empty)[0])
    assert finished.record("tournament_games").rows, "and leaves it where it is"


def dry_run_in(graph: Graph) -> list[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGRIFT_HOME", str(graph.home.root))
        return dry_run(graph)
