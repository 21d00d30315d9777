"""Matches brought home: only the planned games count, scores are recomputed, evidence can be checked."""

import json
import math

import pyarrow as pa
import pytest

from ringrift.config import Config
from ringrift.gamesets.game_hash import hash_game
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec, file_sha256
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.worker import run_job
from ringrift.kinds.match_results import plan_of
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, match_job, round_robin_job
from ringrift.players.participant import participant
from ringrift.specs.store_jobs import match_input
from ringrift.stats.evidence import verify_evidence
from ringrift.stats.sprt import SequentialTest

HEX8 = Config("hex8", 2)
WEAK = participant("random", HEX8, 1)
GOOD = participant("heuristic", HEX8, 7)
TERMS = MatchTerms(config=HEX8, iteration=0, root_seed=5)
GATE = SequentialTest(min_blocks=2, max_blocks=12)


def match(**options) -> JobSpec:
    return match_job(TERMS, "m", GOOD, WEAK, **({"blocks": 3} | options))


def played(spec: JobSpec, count: int | None = None) -> pa.Table:
    """The games of a match in order, at most `count`."""
    plan = plan_of(match_input(spec, [], None))
    rows, rankings = [], {}
    wanted = plan.order(rankings) if plan.order else iter(plan.indices)
    for row in play_rows(plan, wanted):
        rows.append(row)
        rankings[row["game_index"]] = row["ranking"]
        if len(rows) == count:
            break
    return table_of(rows)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Runs the job over (spec, games, purpose) and returns (result, folder of its shards)."""
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))

    def run(*matches, stored: pa.Table | None = None):
        def file(name: str, table: pa.Table) -> dict[str, str]:
            write_shard(tmp_path / name, table)
            return {"path": name, "sha256": file_sha256(tmp_path / name)}

        content = {
            "config": "hex8_2p",
            "iteration": 0,
            "matches": [
                {
                    "kind": spec.kind,
                    "params": spec.params,
                    "shards": [file(f"in{n}.parquet", table)] if table is not None else [],
                    "purpose": purpose,
                }
                for n, (spec, table, purpose) in enumerate(matches)
            ],
        }
        if stored is not None:
            content["stored"] = file("stored.parquet", stored)
        spec = JobSpec(
            asset="tournament_games",
            config="hex8_2p",
            iteration=0,
            name="match_results",
            kind="match_results",
            params=content,
        )
        folder = tmp_path / spec.job_id
        (folder / contract.OUT).mkdir(parents=True, exist_ok=True)
        (folder / contract.SPEC).write_text(spec.canonical())
        assert run_job(folder) == 0
        return read_manifest(folder, spec.job_id).result, folder / contract.OUT

    return run


def test_scores_are_those_of_the_games_and_each_line_of_the_log_hashes_to_its_game(results):
    spec = match()
    found, out = results((spec, played(spec), None))
    [entry] = found["matches"]
    assert entry["whole"] and entry["games"] == found["games"] == 6 and entry["openings"] == 3
    first, second = entry["entrants"]
    assert first["key"] == GOOD.key and first["seats"] == second["seats"] == 6
    assert first["score"] + second["score"] == pytest.approx(1) and first["score"] > 0.5
    assert found["participants"] == {GOOD.key: GOOD.to_dict(), WEAK.key: WEAK.to_dict()}
    lines = [json.loads(line) for line in (out / "games.jsonl").read_text().splitlines()]
    assert len(lines) == 6 and all(hash_game(line) == line["game_hash"] for line in lines)
    assert found["thumbnail"].startswith("data:image/png") and (out / "board.svg").is_file()


def test_games_that_are_not_the_planned_ones_do_not_count(results):
    spec = match()
    rows = played(spec).to_pylist()
    twice, elsewhere, other_seed, illegal = (dict(row) for row in rows[:4])
    elsewhere["job"] = "another"
    other_seed["seed"] += 1
    illegal["moves"] = illegal["moves"][:-1]
    illegal["plies"] -= 1
    table = table_of([rows[0], twice, elsewhere, other_seed, illegal, *rows[4:]])
    found, out = results((spec, table, None))
    assert found["games"] == 3 and not found["matches"][0]["whole"]
    assert found["rejected"] == {"other_game": 3, "unfinished": 1}
    assert read_shard(out / "games.parquet")["game_index"].to_pylist() == [0, 4, 5]


def test_a_gate_that_has_ended_leaves_evidence_that_anyone_can_recompute(results):
    spec = match(gate=GATE, blocks=None)
    found, out = results((spec, played(spec), "tier"))
    gate = found["matches"][0]["gate"]
    held = json.loads((out / "gate-m.json").read_text())
    assert verify_evidence(held) == [] and held["digest"] == gate["evidence"] and held["purpose"] == "tier"
    assert gate["verdict"]["outcome"] == held["verdict"]["outcome"] == "promoted"
    assert held["candidate"] == {"key": GOOD.key, "hashes": {"profile": GOOD.profile_hash}}
    held["games"][0]["ranking"].reverse()
    assert verify_evidence(held)


def test_a_gate_that_was_stopped_has_no_verdict(results):
    spec = match(gate=GATE, blocks=None)
    found, out = results((spec, played(spec, count=3), "tier"))
    [entry] = found["matches"]
    assert not entry["whole"] and entry["gate"]["verdict"] is None and not (out / "gate-m.json").exists()


def test_whole_matches_of_a_partial_partition_are_taken_over_and_the_content_is_the_same(results):
    one = match()
    entrants = [WEAK, *(participant("heuristic", HEX8, d) for d in (2, 3))]
    tables = [(0, 1), (0, 2), (1, 2)]
    two = round_robin_job(TERMS, "rr", entrants, tables)
    first, second = played(one), played(two)
    at_once, _ = results((one, first, None), (two, second, None))
    in_steps, _ = results((one, None, None), (two, second, None), stored=first)
    assert in_steps["content_digest"] == at_once["content_digest"]
    assert in_steps["matches"] == at_once["matches"]
    scores = [entry["score"] for entry in at_once["matches"][1]["entrants"]]
    assert math.isclose(sum(scores), 1.5)
