"""Verdicts: a tier is won only by the gate, one step at a time, with evidence that can be recomputed."""

import json

import pytest

from ringrift.players import benchmarks
from ringrift.players.benchmarks import Benchmark
from ringrift.stats.evidence import verify_evidence
from ringrift_assets.definitions import ITERATION
from tests.ringrift_assets.conftest import CONFIG, Graph, checks, failed, metadata

PIPELINE = """
configs: [hex8_2p]
selfplay:
  jobs: [{name: hex8_2p_random, config: hex8_2p, engine: random-only, games: 4}]
evaluation:
  anchor_blocks: 1
  matchups: []
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
search: {decision_ms: 2}
gate: {min_blocks: 4, max_blocks: 40}
cmaes: {population: 4, games_per_evaluation: 2, generations: {hex8_2p: 1}, replicas: 1, proofs: 1, panel: []}
training: {min_games: {hex8_2p: 1000}, epochs: {hex8_2p: 1}}
polling: {first_s: 0.1, interval_s: 0.3}
"""
JUDGED = ("tournament_games", "elo_ratings", "tier_assignment")
WEAK, STRONG = Benchmark("heuristic", 4, 0.95), Benchmark("descent", 4, 0.0, 4000)


@pytest.fixture
def ladder(graph: Graph, monkeypatch: pytest.MonkeyPatch):
    """The graph with a B4 of one's choice; the players and their games are real."""
    graph.pipeline.write_text(PIPELINE)

    def with_b4(entry: Benchmark) -> Graph:
        monkeypatch.setitem(benchmarks.BENCHMARKS, "B4", entry)
        monkeypatch.setitem(benchmarks.BENCHMARKS, "B6", Benchmark("absent", 6, 0.0))
        return graph

    return with_b4


def test_who_beats_the_benchmark_of_the_next_tier_rises_one_step_and_plays_there_from_the_next_iteration_on(ladder):
    graph = ladder(WEAK)
    result = graph.run(0, ITERATION)
    assert result.success
    data = graph.record("tier_assignment").data
    verdict = data["verdicts"]["tier"]
    assert (data["tier"], verdict["before"], verdict["promoted"]) == ("D4", "D2", True)
    assert verdict["floor"]["met"] and verdict["floor"]["score"] >= 0.55 and verdict["floor"]["games"] >= 10
    assert data["champion"] is None and data["profile"] == "heuristic_v1_balanced"
    assert data["verdicts"]["champion"]["reason"].startswith("no candidate: ")
    held = json.loads(graph.runtime().store.path(graph.record("tier_assignment"), "tier_evidence.json").read_text())
    assert verify_evidence(held) == [] and held["verdict"]["outcome"] == "promoted"
    assert held["digest"] == verdict["evidence"]["digest"]
    assert metadata(result, "tier_assignment")["outcome"] == "promoted"
    assert failed(result) == set()
    assert graph.record("iteration_report").data["promotions"] == {CONFIG: "D4"}
    state = json.loads((graph.home.logs / "pipeline" / "state.json").read_text())
    assert state["tier_promotions"] == {CONFIG: "D4"}
    graph.start(1)
    graph.run(1, JUDGED)
    assert graph.record("incumbent", 1).data["tier"] == "D4"
    after = graph.record("tier_assignment", 1).data
    assert after["tier"] == "D4", "the next benchmark is not there, and a tier never falls"
    assert "benchmark B6 needs the engine absent" in after["verdicts"]["tier"]["reason"]


def test_who_loses_stays_and_the_evidence_says_why(ladder):
    graph = ladder(STRONG)
    graph.pipeline.write_text(PIPELINE.replace("decision_ms: 2", "decision_ms: 0.01"))  # it looks at next to nothing
    graph.start()
    assert graph.run(0, JUDGED).success
    verdict = graph.record("tier_assignment").data["verdicts"]["tier"]
    assert verdict["now"] == "D2" and not verdict["promoted"] and verdict["evidence"]["outcome"] != "promoted"
    assert "tier_D2_to_D4: " in verdict["reason"] and verdict["evidence"]["llr"] < 2.95


def test_tampered_evidence_fails_the_check_and_so_does_a_promotion_without_any(ladder):
    graph = ladder(WEAK)
    graph.start()
    assert graph.run(0, JUDGED).success
    store, record = graph.runtime().store, graph.record("tournament_games")
    path = store.path(record, "gate-tier_D2_to_D4.json")
    held = json.loads(path.read_text())
    held["games"][0]["ranking"].reverse()
    path.write_text(json.dumps(held))
    store.folder("tier_assignment", CONFIG, 0).joinpath("partition.json").unlink()
    result = graph.run(0, ["tier_assignment"])
    found = checks(result)["evidence_holds"]
    assert not found.passed and "digest" in (found.description or "")


def test_without_a_next_tier_or_a_match_nothing_changes(finished):
    data = finished.record("tier_assignment").data
    assert (data["tier"], data["verdicts"]["tier"]["reason"]) == ("D2", "D2 is the highest tier")
    assert data["verdicts"]["tier"]["evidence"] is None
    result = finished.run(0, ["tier_assignment"])
    assert all(check.passed for check in checks(result).values())
