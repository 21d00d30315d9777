"""Search jobs: real games, a result that a kill does not change, and fitness that knows good from bad."""

import json

import pytest

from ringrift.bench.tuner import BAD
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.jobs import contract
from ringrift.jobs.directory import JobCancelled, read_manifest
from ringrift.jobs.worker import run_job
from ringrift.kinds.cmaes import generation_file, run
from ringrift.planning.jobs import search_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.tuning import proof_order, search_params
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, profile_hash
from ringrift.specs.cmaes import CmaesParams
from ringrift.strict import parse
from ringrift.tuning.tables import Tuner

HEX8 = Config("hex8", 2)
SMALL = {
    "cmaes": {"population": 4, "games_per_evaluation": 4, "generations": {"hex8_2p": 3, "hex8_4p": 1, "hex8_3p": 1}},
}


def params(config=HEX8, **settings) -> CmaesParams:
    pipeline = parse(Pipeline, {"cmaes": {**SMALL["cmaes"], **settings}}, "test")
    return search_params(pipeline, config, 0, BALANCED, PROFILES[BALANCED])[0]


def new_folder(folder, spec):
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(spec.canonical())
    return folder


class NoWork:
    """What measuring needs of a job."""

    def check(self) -> None: ...


def test_a_killed_search_ends_with_the_result_of_an_undisturbed_one(tmp_path, monkeypatch):
    spec = search_job(params())
    whole = new_folder(tmp_path / "whole", spec)
    assert run_job(whole) == 0
    result = read_manifest(whole, spec.job_id).result
    assert result["generations"] == 3 and result["games"] == 3 * 16 + 2 * 8
    assert [row["generation"] for row in result["history"]] == [0, 1, 2]

    killed = new_folder(tmp_path / "killed", spec)
    original = Tuner.generation

    def dies(self, job, number, population):
        if number == 2:
            raise JobCancelled
        return original(self, job, number, population)

    monkeypatch.setattr(Tuner, "generation", dies)
    assert run_job(killed) == 143
    assert sorted(p.name for p in (killed / contract.OUT).iterdir()) == [generation_file(0), generation_file(1)]
    monkeypatch.undo()
    played = []
    monkeypatch.setattr(Tuner, "generation", lambda *a: played.append(a[2]) or original(*a))
    assert run_job(killed) == 0
    assert played == [2]
    assert read_manifest(killed, spec.job_id).result == result
    for name in (generation_file(n) for n in range(3)):
        assert (killed / contract.OUT / name).read_bytes() == (whole / contract.OUT / name).read_bytes()

    # A shard that was tampered with is played again, and those after it.
    (killed / contract.OUT / contract.MANIFEST).unlink()
    path = killed / contract.OUT / generation_file(1)
    changed = json.loads(path.read_text())
    changed["population"][0][0] += 0.25
    path.write_text(json.dumps(changed))
    played.clear()
    assert run_job(killed) == 0 and played == [1, 2]
    assert read_manifest(killed, spec.job_id).result == result


@pytest.mark.parametrize("players", [3, 4])
def test_tables_of_three_and_four_are_searched_too(tmp_path, players):
    spec = search_job(params(Config("hex8", players), games_per_evaluation=3))
    folder = new_folder(tmp_path / "job", spec)
    assert run_job(folder) == 0
    result = read_manifest(folder, spec.job_id).result
    for candidate in result["candidates"]:
        found = candidate["fitness"]
        assert 0 <= found["low"] <= found["score"] <= found["high"] <= 1 and found["games"] >= players


def test_a_planted_bad_profile_has_a_lower_fitness_than_a_good_one():
    tuner = Tuner(params(games_per_evaluation=12))
    found = tuner.measure(NoWork(), {"good": PROFILES["heuristic_v1_strong"], "bad": BAD})
    assert found["bad"].score < 0.3 < found["good"].score == 0.5, "the good one is the incumbent under another name"
    assert found["bad"].high < found["good"].score


def test_searches_differ_by_replica_and_carry_what_they_play_with():
    pipeline = parse(Pipeline, SMALL, "test")
    first, second = search_params(pipeline, HEX8, 0, BALANCED, PROFILES[BALANCED])
    assert search_job(first).job_id != search_job(second).job_id
    assert Tuner(first).seed("sampling") != Tuner(second).seed("sampling")
    assert first.profiles[BALANCED] == PROFILES[BALANCED]
    keys = [member["difficulty"] for member in first.panel]
    assert keys == [7, 5], "incumbent and default are one player here, then the rung"
    scaled = parse(Pipeline, {"cmaes": {**SMALL["cmaes"], "scale": 2.5}}, "test")
    assert scaled.scaled_population == 10


def test_bad_params_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"cmaes.panel\[0\]: 'NN_D6' .*engines are Random, Heuristic"):
        params(panel=["NN_D6"])
    good = params().model_dump(mode="json", exclude_none=True)
    with pytest.raises(InvalidInput, match="population"):
        parse(CmaesParams, {**good, "population": 5}, "test")
    with pytest.raises(InvalidInput, match="give the weights of heuristic_v1_balanced"):
        Tuner(parse(CmaesParams, {**good, "profiles": {}}, "test"))
    spec = search_job(params())
    other = spec.model_copy(update={"config": "square8_2p"})
    with pytest.raises(InvalidInput, match="the job is of square8_2p"):
        run(type("J", (), {"spec": other})(), params())


def candidate(kind, replica, score, territory):
    weights = {**PROFILES[BALANCED], "WEIGHT_TERRITORY": territory}
    fitness = {"score": score, "low": 0.0, "high": 1.0, "games": 8}
    return {"kind": kind, "replica": replica, "weights": weights, "hash": profile_hash(weights), "fitness": fitness}


def test_the_consensus_is_proved_first_then_highest_fitness_first_and_equal_weights_once():
    found = [candidate("mean", 0, 0.5, 6.0), candidate("best", 0, 0.9, 7.0), candidate("mean", 1, 0.6, 10.0)]
    order = proof_order([*found, candidate("best", 1, 0.4, 8.0)])  # the last has the consensus' weights
    assert [(c["kind"], c["weights"]["WEIGHT_TERRITORY"]) for c in order] == [
        ("consensus", 8.0),
        ("best", 7.0),
        ("mean", 10.0),
        ("mean", 6.0),
    ]
    assert [c["kind"] for c in proof_order(found[:2])] == ["best", "mean"], "one search has no consensus"
