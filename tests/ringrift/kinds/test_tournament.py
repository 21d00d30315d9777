"""Matches: seat-rotated blocks from common openings, resumable, and gates that stop themselves."""

import json

import pytest

from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import read_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.worker import run_job
from ringrift.kinds.tournament import game_plan
from ringrift.matches.blocks import block_scores, verdict_of
from ringrift.matches.plan import participant_name
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.players.participant import participant
from ringrift.specs.match import MatchParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse

SQUARE8 = Config("square8", 2)
RANDOM = participant("random", SQUARE8, 1)
GOOD = participant("heuristic", SQUARE8, 7)


def job(first=GOOD, second=RANDOM, config="square8_2p", **options):
    options = {"blocks": 3} | options if "gate" not in options else options
    terms = MatchTerms(config=parse_config(config), iteration=0, root_seed=7)
    return match_job(terms, "Good_vs_Random", first, second, **options)


def plan_of(spec: JobSpec):
    return game_plan(parse(MatchParams, spec.params, "test"))


def run_in(folder, spec):
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(spec.canonical())
    assert run_job(folder) == 0
    manifest = read_manifest(folder, spec.job_id)
    assert manifest is not None
    rows = [row for shard in manifest.shards for row in read_shard(folder / contract.OUT / shard.name).to_pylist()]
    return manifest, sorted(rows, key=lambda row: row["game_index"])


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p", "square8_4p"])
def test_a_block_is_every_rotation_of_one_opening(config):
    plan = plan_of(job(config=config, blocks=2))
    players = plan.config.players
    rows = list(play_rows(plan, plan.indices))
    assert len(rows) == 2 * players
    for block in range(2):
        games = rows[block * players : (block + 1) * players]
        assert len({tuple(row["moves"][:4]) for row in games}) == 1
        for seat, row in enumerate(games):
            assert [name == participant_name(GOOD) for name in row["participants"]] == [
                i == seat for i in range(players)
            ]
            assert row["source"] == "tournament"
    assert rows[0]["moves"][:4] != rows[players]["moves"][:4]


def test_a_match_runs_as_a_job_and_going_on_gives_the_same_games(tmp_path):
    spec = job(blocks=16)
    manifest, rows = run_in(tmp_path / "a", spec)
    assert manifest.result["games"] == 32 and len(rows) == 32
    folder = tmp_path / "b"
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(spec.canonical())
    first = (tmp_path / "a" / contract.OUT / manifest.shards[0].name).read_bytes()
    (folder / contract.OUT / manifest.shards[0].name).write_bytes(first)
    assert run_job(folder) == 0
    resumed = read_manifest(folder, spec.job_id)
    assert resumed.result["content_digest"] == manifest.result["content_digest"]
    assert resumed.result["played_now"] == 32 - manifest.shards[0].rows


def test_a_gate_stops_itself_after_the_block_that_decides(tmp_path):
    gate = SequentialTest(min_blocks=8, max_blocks=40)
    manifest, rows = run_in(tmp_path, job(gate=gate))
    rankings = {row["game_index"]: row["ranking"] for row in rows}
    verdict = verdict_of(rankings, gate, 2)
    assert verdict.outcome == "promoted"
    assert len(rows) == 2 * verdict.blocks < 80
    assert sorted(rankings) == list(range(len(rows)))
    assert manifest.result["games"] == len(rows)


def test_a_gate_does_not_depend_on_what_an_earlier_attempt_left(tmp_path):
    gate = SequentialTest(min_blocks=8, max_blocks=40)
    spec = job(gate=gate)
    _, rows = run_in(tmp_path / "a", spec)
    plan = plan_of(spec)
    seen = {index: rows[index]["ranking"] for index in range(5)}
    for row in play_rows(plan, plan.order(seen)):
        seen[row["game_index"]] = row["ranking"]
    assert seen == {row["game_index"]: row["ranking"] for row in rows}


def test_block_scores_stop_at_the_first_block_that_is_not_whole():
    assert block_scores({0: [1, 2], 1: [2, 1], 2: [1, 2]}, 2) == [1.0]
    assert block_scores({0: [1, 2], 1: [1, 2], 3: [2, 1]}, 2) == [0.5]
    assert block_scores(dict.fromkeys(range(3)), 3) == [0.5]


def test_games_are_a_pure_function_of_the_params():
    plan = plan_of(job())
    assert content_digest(table_of(play_rows(plan, plan.indices))) == content_digest(
        table_of(play_rows(plan, reversed(plan.indices)))
    )
    assert json.loads(job().canonical()) == json.loads(job().canonical())
    assert job().job_id != job(blocks=4).job_id


def test_nonsense_is_refused():
    with pytest.raises(InvalidInput, match="two different participants"):
        job(second=GOOD)
    with pytest.raises(InvalidInput, match="give one of them"):
        job(gate=SequentialTest(), blocks=3)
