"""The `prove` job: honest games of every engine hold, one changed bit does not."""

import json
from pathlib import Path

import pytest

from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.directory import read_manifest, read_state
from ringrift.jobs.inputs import input_file
from ringrift.jobs.worker import run_job
from ringrift.kinds.prove import plan_of
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.players.ladder import rung
from ringrift.specs.prove import GAME_PARAMS, Claim, ProveParams
from ringrift.strict import parse

HEX8 = parse_config("hex8_2p")


def selfplay(engine: str, games: int = 4, difficulty: int = 2) -> JobSpec:
    job = {"name": "a", "config": "hex8_2p", "engine": engine, "games": games, "difficulty": difficulty}
    return plan_jobs(parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test"), HEX8, 0).jobs[0]


def played(spec: JobSpec) -> list[dict]:
    plan = plan_of(parse(GAME_PARAMS[spec.kind], spec.params, "test"))
    return list(play_rows(plan, plan.indices))


def prove(
    home: Path, spec: JobSpec, rows: list[dict], sample: list[int], config: str = "hex8_2p", weaker: bool = False
) -> dict:
    """What the job says of one claim."""
    shard = home / "games.parquet"
    write_shard(shard, table_of(rows))
    claim = Claim(
        kind=spec.kind, params=spec.params, shards=[input_file(home, shard)], sample=sample, weaker=weaker or None
    )
    params = ProveParams(config=config, iteration=0, claim=claim)
    job = params.spec(asset="test", config=config, iteration=0, name="prove")
    folder = home / job.job_id
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(job.canonical())
    if run_job(folder) != 0:
        raise InvalidInput("job", job.job_id, read_state(folder).error)
    return read_manifest(folder, job.job_id).result


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("engine", ["random-only", "heuristic-only", "minimax-only", "mcts-only", "descent-only"])
def test_honest_games_come_out_again_bit_for_bit(home, engine):
    spec = selfplay(engine)
    found = prove(home, spec, played(spec), [2, 0])
    assert (found["games"], found["proved"], found["problems"], found["told"]) == (4, 2, 0, [])
    assert found["cpu_s"] > 0


def test_matches_are_proved_by_their_own_plan(home):
    terms = MatchTerms(config=HEX8, iteration=0, root_seed=1)
    spec = match_job(terms, "m", rung(2, HEX8), rung(1, HEX8), blocks=2)
    rows = played(spec)
    assert prove(home, spec, rows, [0, 3])["problems"] == 0


def test_a_game_that_was_decided_otherwise_is_found_when_it_is_in_the_sample(home):
    spec = selfplay("mcts-only")
    rows = played(spec)
    rows[1]["search_values"] = [rows[1]["search_values"][0] ^ 1, *rows[1]["search_values"][1:]]
    assert prove(home, spec, rows, [0])["problems"] == 0, "only what was drawn is played again"
    found = prove(home, spec, rows, [0, 1])
    assert found["told"] == ["game 1: played again it has other search_values"] and found["problems"] == 1


def test_a_wrong_result_and_a_missing_game_are_found_whatever_the_sample(home):
    spec = selfplay("heuristic-only")
    rows = played(spec)
    forged = [{**rows[0], "winner": 3 - rows[0]["winner"]}, *rows[1:]]
    assert prove(home, spec, forged, [])["problems"] == 1
    assert prove(home, spec, rows[:3], [3])["told"] == ["game 3: it is not there"]


def test_a_shard_that_is_no_game_set_is_a_problem_of_its_claim(home):
    spec = selfplay("random-only")
    (home / "bad.parquet").write_bytes(b"nothing")
    claim = {"kind": spec.kind, "params": spec.params, "shards": [input_file(home, home / "bad.parquet")], "sample": []}
    job = ProveParams(config="hex8_2p", iteration=0, claim=Claim.model_validate(claim)).spec(
        asset="test", config="hex8_2p", iteration=0, name="prove"
    )
    folder = home / job.job_id
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(job.canonical())
    assert run_job(folder) == 0
    found = json.loads((folder / contract.OUT / contract.MANIFEST).read_text())["result"]
    assert found["problems"] == 1 and "bad.parquet" in found["told"][0]


def test_claims_of_another_partition_end_the_job(home):
    spec = selfplay("random-only")
    with pytest.raises(InvalidInput, match="the claim is of square8_2p"):
        prove(home, spec, played(spec), [], config="square8_2p")


def test_where_other_bits_may_come_out_the_decisions_are_taken_again(home):
    spec = selfplay("minimax-only", difficulty=6)
    rows = played(spec)
    rows[1]["search_values"] = [rows[1]["search_values"][0] ^ 1, *rows[1]["search_values"][1:]]
    found = prove(home, spec, rows, [0, 1], weaker=True)
    assert (found["proved"], found["problems"]) == (2, 0), "another last bit is no lie"
    legal = played(selfplay("random-only"))
    forged = [row | {"participants": own["participants"]} for row, own in zip(legal, rows, strict=True)]
    found = prove(home, spec, forged, [0, 1], weaker=True)
    assert found["problems"] == 1 and "nearly as good" in found["told"][0]
