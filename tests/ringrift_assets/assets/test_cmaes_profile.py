"""Tuning in the graph: a proposal needs a proof, the proved one is in force, and everything downstream plays it."""

import json
import sys

import pytest

from resources.store.home import REPOSITORY
from ringrift.bench.tuner import BAD
from ringrift.players.heuristic.profiles import (
    BALANCED,
    FILE,
    PROFILES,
    load_profiles,
    profile_hash,
    profiles_file,
    write_profiles,
)
from ringrift.stats.evidence import verify_evidence
from ringrift_assets.runs.dry_run import show_plans
from tests.resources.model_makers import change_record, put_no_model
from tests.ringrift_assets.conftest import CONFIG, Graph, checks, failure, metadata

NAME = "heuristic_v1_hex8_2p"
PIPELINE = """
configs: [hex8_2p]
selfplay:
  jobs: [{name: hex8_2p_heuristic, config: hex8_2p, engine: heuristic-only, games: 2}]
evaluation:
  anchor_blocks: 1
  matchups: []
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D5, Heuristic_D7], blocks: 1}
cmaes: {population: 6, games_per_evaluation: 4, sigma: 1.5, generations: {hex8_2p: 4}, replicas: 2, panel: []}
tiers: {ladder: [D2]}
gate: {min_blocks: 4, max_blocks: 32, elo1: 150}
polling: {first_s: 0.1, interval_s: 0.3}
"""
IMPORTING = """
configs: [hex8_2p]
selfplay:
  jobs: [{name: hex8_2p_heuristic, config: hex8_2p, engine: heuristic-only, games: 2}]
cmaes:
  {population: 4, games_per_evaluation: 2, sigma: 0.01, generations: {hex8_2p: 1}, replicas: 1, panel: [], proofs: 1,
   import_file: elsewhere.json}
gate: {max_blocks: 64}
polling: {first_s: 0.1, interval_s: 0.3}
"""
TUNED = ("incumbent", "cmaes_profile", "heuristic_profiles")
REST = ("tournament_games", "elo_ratings", "tier_assignment")


@pytest.fixture
def bad_start(graph: Graph, tmp_path, monkeypatch) -> Graph:
    """A graph whose start profile plays badly, so that a few generations find a better one."""
    path = tmp_path / FILE
    write_profiles(path, profiles_file({NAME: BAD}, {}))
    monkeypatch.setattr(sys.modules["ringrift_assets.assets.incumbent"], "TRAINED_FILE", path)
    graph.pipeline.write_text(PIPELINE)
    return graph


def test_a_better_profile_is_proved_put_in_force_and_played_by_everything_after(bad_start):
    graph, store = bad_start, bad_start.runtime().store
    put_no_model(store, 0, CONFIG)
    result = graph.run(0, TUNED + REST)
    assert result.success, failure(result)
    assert all(check.passed for check in checks(result).values())
    search = graph.record("cmaes_profile")
    proposal, proof = search.data["proposal"], search.data["proofs"][-1]
    assert proposal["hash"] == proof["hash"] == profile_hash(proposal["weights"]) != profile_hash(BAD)
    assert proof["verdict"]["outcome"] == "promoted" and search.data["candidates"][0]["kind"] == "consensus"
    held = json.loads(store.path(search, proof["file"]).read_text())
    assert verify_evidence(held) == [] and held["purpose"] == "profile"
    assert held["candidate"]["hashes"] == {"profile": proposal["hash"]}
    assert held["opponent"]["hashes"] == {"profile": profile_hash(BAD)}
    shown = metadata(result, "cmaes_profile")
    assert shown["proposal"].startswith(proposal["kind"]) and len(shown["convergence"]) < 1000
    log = graph.home.logs / "cmaes" / "iter0" / f"{CONFIG}.jsonl"
    assert [json.loads(line)["replica"] for line in log.read_text().splitlines()] == [0] * 4 + [1] * 4

    file = load_profiles(store.path(graph.record("heuristic_profiles"), FILE))
    assert file.profiles == {NAME: proposal["weights"]} and file.training_metadata[NAME].source == "cmaes"
    seats = graph.record("tournament_games").data["participants"].values()
    played = {p["participant"]["profile_hash"] for p in seats if p["participant"].get("profile") == NAME}
    assert played == {proposal["hash"]}

    verdicts = graph.record("tier_assignment").data
    assert (verdicts["profile"], verdicts["profile_hash"]) == (NAME, proposal["hash"])
    verdict = verdicts["verdicts"]["profile"]
    assert verdict["promoted"] and verdict["evidence"]["digest"] == held["digest"]
    copied = store.path(graph.record("tier_assignment"), "profile_evidence.json")
    assert json.loads(copied.read_text()) == held

    assert graph.run(1, ["incumbent", "selfplay_games"]).success
    assert graph.record("incumbent", 1).data["profile_hash"] == proposal["hash"]
    specs = [
        json.loads(job.read_text()) for job in (graph.home.root / "jobs-v1").glob("selfplay_games-*-0001-*/spec.json")
    ]
    played, proved = ([spec["params"] for spec in specs if spec["kind"] == kind] for kind in ("selfplay", "prove"))
    assert len(played) == len(proved) == 1 and played[0]["profiles"] == {NAME: proposal["weights"]}
    assert proved[0]["claim"]["params"] == played[0]

    again = graph.run(0, TUNED)
    assert metadata(again, "cmaes_profile")["reused"] and metadata(again, "heuristic_profiles")["reused"]

    held["games"][0]["ranking"].reverse()
    store.path(search, proof["file"]).write_text(json.dumps(held))
    from ringrift.jobs.contract import file_sha256  # as a forger would renew the record too

    path = store.path(search, proof["file"])
    forged = {proof["file"]: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}}
    change_record(store, "cmaes_profile", CONFIG, 0, lambda record: record["files"].update(forged))
    found = checks(graph.run(0, ["cmaes_profile"]))["evidence_holds"]
    assert not found.passed and "digest" in (found.description or "")


def test_without_a_better_candidate_the_incumbent_stays(finished):
    record = finished.record("cmaes_profile")
    assert record.data["proposal"] is None and record.data["proofs"][0]["verdict"]["outcome"] != "promoted"
    after = finished.record("heuristic_profiles")
    assert after.data["profile"] == BALANCED and not after.data["promoted"]
    assert load_profiles(finished.runtime().store.path(after, FILE)).profiles == {}
    assert finished.record("tier_assignment").data["verdicts"]["profile"]["reason"] == "no candidate was proved better"
    assert not (finished.home.root / FILE).exists()
    assert finished.record("iteration_report").data["cmaes"] == {CONFIG: True}


@pytest.mark.parametrize("good", [True, False])
def test_a_profile_from_elsewhere_is_taken_only_by_the_gate_whatever_fitness_it_claims(bad_start, good, tmp_path):
    graph = bad_start
    graph.pipeline.write_text(IMPORTING)
    elsewhere = PROFILES[BALANCED] if good else {**BAD, "WEIGHT_MOBILITY": -4.0, "WEIGHT_STACK_HEIGHT": -5.0}
    write_profiles(
        graph.pipeline.parent / "elsewhere.json",
        profiles_file({NAME: elsewhere}, {NAME: {"source": "elsewhere", "fitness": 1.0}}),
    )
    assert graph.run(0, TUNED[:2]).success
    [plan] = show_plans(graph.runtime(), [(0, {CONFIG: TUNED})])
    [gate, proof, summary] = plan["other_jobs"]
    graph.events.clear()
    result = graph.run(0, TUNED)
    assert result.success, failure(result)
    started = graph.started()
    assert [gate["id"], proof["job"], summary["job"]] == [started[0], *(job.split("-")[3] for job in started[1:])]
    assert all(check.passed for check in checks(result).values())
    data = graph.record("heuristic_profiles").data
    assert data["promoted"] is good and (data["profile_hash"] == profile_hash(elsewhere)) is good
    assert data["source"] == ("import" if good else "incumbent")
    assert (data["proofs"][0]["verdict"]["outcome"] == "promoted") is good


def test_the_documented_phases_are_there():
    from resources.store.phases import PHASES

    assert PHASES["cmaes"] == ("cmaes_profile",) and PHASES["profile-sync"] == ("heuristic_profiles",)
    assert (REPOSITORY / "config" / "pipeline.yaml").is_file()
