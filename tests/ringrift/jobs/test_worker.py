import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from dagster_pipes import Method

from ringrift.config import parse_config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.gamesets import schema as games
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.directory import read_manifest, read_state
from ringrift.jobs.worker import BUSY, DONE, FAILED, REFUSED, read_spec
from ringrift.kinds.selfplay import game_plan
from ringrift.matches.play import play_rows
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.specs.selfplay import SelfplayParams
from ringrift.strict import parse

HERE = Path(__file__).parent
# A worker with kinds of its own for these tests, and little patience.
TEST_WORKER = """
import sys
from ringrift import kinds
from ringrift.jobs import worker
kinds.__path__.append(sys.argv.pop(1))
worker.CANCEL_GRACE_S = 0.3
sys.exit(worker.main(sys.argv[1:]))
"""
# One whose shards end by games alone, however slow the machine is.
STEADY_WORKER = """
import sys
from ringrift.jobs import worker
from ringrift.matches import shards
shards.FLUSH_S = 1000
sys.exit(worker.main(sys.argv[1:]))
"""


def selfplay_spec(engine: str = "random-only", count: int = 60) -> JobSpec:
    jobs = {"jobs": [{"name": "a_job", "config": "square8_2p", "games": count, "engine": engine}]}
    return plan_jobs(parse(Pipeline, {"selfplay": jobs}, "test"), parse_config("square8_2p"), 0).jobs[0]


def plain_spec(kind: str, **params) -> JobSpec:
    return JobSpec(asset="selfplay_games", config="square8_2p", iteration=0, name="a", kind=kind, params=params)


def job_folder(tmp_path: Path, spec: JobSpec) -> Path:
    folder = tmp_path / spec.job_id
    folder.mkdir()
    (folder / contract.SPEC).write_text(spec.canonical())
    return folder


def launch(
    folder: Path, *, testing: bool = False, steady: bool = False, kinds: Path = HERE / "kinds"
) -> subprocess.Popen:
    command = ["-c", TEST_WORKER, str(kinds)] if testing else ["-m", "ringrift.jobs.worker"]
    if steady:
        command = ["-c", STEADY_WORKER]
    return subprocess.Popen(
        [sys.executable, *command, "run", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[2])},
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """(exit code, stderr)"""
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def messages(folder: Path) -> list[dict]:
    path = folder / contract.MESSAGES
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def events(folder: Path, name: str) -> list[dict]:
    payloads = [m["params"]["payload"] for m in messages(folder) if m["method"] == "report_custom_message"]
    return [payload for payload in payloads if payload["event"] == name]


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def collected(folder: Path, spec: JobSpec) -> pa.Table:
    manifest = read_manifest(folder, spec.job_id)
    assert manifest is not None
    return pa.concat_tables([read_shard(folder / "out" / entry.name) for entry in manifest.shards])


def undisturbed_digest(spec: JobSpec) -> str:
    return digest_of(spec.canonical())


@cache
def digest_of(canonical: str) -> str:
    params = parse(SelfplayParams, json.loads(canonical)["params"], "test")
    return content_digest(games.table_of(play_rows(game_plan(params), range(params.games))))


@pytest.fixture(scope="module")
def done_job(tmp_path_factory) -> tuple[Path, JobSpec]:
    spec = selfplay_spec()
    folder = job_folder(tmp_path_factory.mktemp("jobs"), spec)
    assert finish(launch(folder, steady=True)) == (DONE, "")
    return folder, spec


# --- a job that goes well ---------------------------------------------------------------------------------


def test_a_job_leaves_its_games_a_manifest_and_a_final_state(done_job):
    folder, spec = done_job
    manifest, state = read_manifest(folder, spec.job_id), read_state(folder)
    assert state and (state.status, state.exit_code, state.attempt, state.error) == ("done", 0, 1, None)
    assert manifest and manifest.result["games"] == manifest.result["finished"] == 60
    assert [entry.rows for entry in manifest.shards] == [25, 25, 10]
    assert manifest.result["content_digest"] == undisturbed_digest(spec)
    assert content_digest(collected(folder, spec)) == manifest.result["content_digest"]
    assert manifest.worker["contract"] == 1 and manifest.worker["host"]
    assert not list(folder.rglob("*.tmp"))


def test_messages_are_dagster_pipes_and_announce_each_shard_as_the_manifest_lists_it(done_job):
    folder, spec = done_job
    sent = messages(folder)
    assert all(sorted(m) == ["__dagster_pipes_version", "method", "params"] for m in sent)
    assert {m["method"] for m in sent} <= set(get_args(Method))
    assert (sent[0]["method"], sent[-1]["method"]) == ("opened", "closed")
    assert sent[-1]["params"] == {"attempt": 1}
    manifest = read_manifest(folder, spec.job_id)
    fields = set(contract.ShardEntry.model_fields)
    announced = [{k: v for k, v in e.items() if k in fields} for e in events(folder, "shard")]
    assert manifest and announced == [entry.model_dump() for entry in manifest.shards]
    assert [e["done"] for e in events(folder, "progress")] == [25, 50, 60]


def test_a_done_job_is_not_run_again(done_job):
    folder, _ = done_job
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert finish(launch(folder)) == (DONE, "")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_a_manifest_does_not_verify_when_a_shard_is_changed_gone_or_of_another_job(done_job):
    folder, spec = done_job
    shard = sorted((folder / "out").glob("*.parquet"))[0]
    whole = shard.read_bytes()
    for damage in (whole[:-1], whole[:-1] + b"?"):
        shard.write_bytes(damage)
        with pytest.raises(InvalidInput, match=shard.name):
            read_manifest(folder, spec.job_id)
    shard.unlink()
    with pytest.raises(InvalidInput, match=shard.name):
        read_manifest(folder, spec.job_id)
    shard.write_bytes(whole)
    with pytest.raises(InvalidInput, match="job_id"):
        read_manifest(folder, "another")
    assert read_manifest(folder, spec.job_id)


# --- death, resumption, cancellation ----------------------------------------------------------------------


def test_a_worker_killed_again_and_again_loses_and_repeats_no_game(tmp_path):
    spec = selfplay_spec("heuristic-only", 80)
    folder = job_folder(tmp_path, spec)
    chance = random.Random(4)
    kills = 0
    while kills < 3:
        process = launch(folder)
        before = len(events(folder, "shard"))
        wait_for(lambda: len(events(folder, "shard")) > before or process.poll() is not None)  # noqa: B023
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        if finish(process)[0] == DONE:
            break
        kills += 1
        state = read_state(folder)
        assert state and (state.attempt, state.status) == (kills, "running")
    assert kills >= 2, "a chunk is long enough to be killed twice"
    assert finish(launch(folder))[0] == DONE
    table = collected(folder, spec)
    assert sorted(table["game_index"].to_pylist()) == list(range(80))
    assert content_digest(table) == undisturbed_digest(spec)
    state = read_state(folder)
    assert state and state.status == "done"


def test_damage_found_on_resumption_is_played_again(tmp_path, done_job):
    source, spec = done_job
    folder = job_folder(tmp_path, spec)
    out = folder / "out"
    out.mkdir()
    shards = sorted((source / "out").glob("*.parquet"))
    (out / shards[0].name).write_bytes(shards[0].read_bytes())
    (out / shards[1].name).write_bytes(shards[1].read_bytes()[:-100])  # torn
    forged = read_shard(shards[2]).to_pylist()
    forged[0]["winner"] = 3 - forged[0]["winner"]
    write_shard(out / shards[2].name, games.table_of(forged))
    write_shard(out / "games-foreign.parquet", read_shard(shards[0]))  # the same games twice
    (out / ".games-1.parquet.0.tmp").write_bytes(b"half")
    (folder / contract.MESSAGES).write_text('{"torn')
    assert finish(launch(folder)) == (DONE, "")
    manifest = read_manifest(folder, spec.job_id)
    kept = read_shard(shards[0]).num_rows
    assert manifest and manifest.result["played_now"] == spec.params["games"] - kept
    assert content_digest(collected(folder, spec)) == undisturbed_digest(spec)
    assert {path.name for path in out.iterdir()} == {e.name for e in manifest.shards} | {contract.MANIFEST}
    assert len([m for m in messages(folder) if m["method"] == "log" and "again" in m["params"]["message"]]) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_between_games_and_keeps_what_is_finished(tmp_path, number):
    spec = selfplay_spec("heuristic-only", 50)
    folder = job_folder(tmp_path, spec)
    process = launch(folder)
    wait_for(lambda: events(folder, "shard"))
    process.send_signal(number)
    assert finish(process)[0] == 128 + number
    state = read_state(folder)
    assert state and (state.status, state.exit_code) == ("cancelled", 128 + number)
    assert messages(folder)[-1]["params"]["exception"]["name"] == "JobCancelled"
    kept = sum(event["rows"] for event in events(folder, "shard"))
    assert 0 < kept < 50 and not (folder / "out" / contract.MANIFEST).exists()
    assert finish(launch(folder)) == (DONE, "")
    manifest = read_manifest(folder, spec.job_id)
    assert manifest and manifest.result["played_now"] == 50 - kept
    assert manifest.result["content_digest"] == undisturbed_digest(spec)


def test_a_signal_ends_a_long_unit_of_work_within_the_grace(tmp_path):
    folder = job_folder(tmp_path, plain_spec("rest"))
    process = launch(folder, testing=True)
    wait_for(lambda: events(folder, "resting"))
    asked = time.monotonic()
    process.terminate()
    assert finish(process)[0] == 143
    assert time.monotonic() - asked < 5
    state = read_state(folder)
    assert state and state.status == "cancelled" and "middle" in (state.error or "")
    assert messages(folder)[-1]["method"] == "closed"


def test_a_cancel_file_cancels_and_must_be_removed_first(tmp_path):
    folder = job_folder(tmp_path, selfplay_spec(count=5))
    (folder / contract.CANCEL).touch()
    assert finish(launch(folder))[0] == 143
    state = read_state(folder)
    assert state and state.status == "cancelled" and not (folder / "out").exists()
    (folder / contract.CANCEL).unlink()
    assert finish(launch(folder))[0] == DONE


def test_the_lock_refuses_a_second_worker_and_leaves_the_first_alone(tmp_path):
    folder = job_folder(tmp_path, plain_spec("rest"))
    first = launch(folder, testing=True)
    wait_for(lambda: events(folder, "resting"))
    before = read_state(folder)
    code, errors = finish(launch(folder, testing=True))
    assert code == BUSY and "another worker" in errors and "Traceback" not in errors
    after = read_state(folder)
    assert before and after and (after.pid, after.attempt, after.status) == (first.pid, 1, "running")
    wait_for(lambda: (state := read_state(folder)) and state.heartbeat > before.heartbeat)
    first.kill()
    finish(first)


# --- failures and refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "line"),
    [(True, "temperature: 3 is not allowed; use less"), (False, "ZeroDivisionError: two lines")],
)
def test_a_failure_is_one_line_in_the_state_and_a_traceback_in_the_log(tmp_path, known, line):
    folder = job_folder(tmp_path, plain_spec("fail", known=known))
    code, errors = finish(launch(folder, testing=True))
    assert code == FAILED and "Traceback" in errors
    state = read_state(folder)
    assert state and (state.status, state.exit_code, state.error) == ("failed", 1, line)
    assert messages(folder)[-1]["params"]["exception"]["message"] == line


def test_bad_params_fail_with_the_field(tmp_path):
    spec = selfplay_spec()
    bad = spec.model_copy(update={"params": spec.params | {"gamez": 3}})
    folder = job_folder(tmp_path, bad)
    assert finish(launch(folder))[0] == FAILED
    state = read_state(folder)
    assert state and "'gamez'" in (state.error or "") and "'games'" in (state.error or "")


def test_params_of_another_partition_fail(tmp_path):
    spec = selfplay_spec()
    folder = job_folder(tmp_path, spec.model_copy(update={"iteration": 9}))
    assert finish(launch(folder))[0] == FAILED
    state = read_state(folder)
    assert state and "iteration 9" in (state.error or "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contract": 2}, ["contract: 2", "speaks 1", "install"]),
        ({"contract": None}, ["contract: None"]),
        ({"kind": "selfpaly"}, ["kind", "'selfpaly'", "selfplay"]),
        ({"iterations": 3}, ["'iterations'", "'iteration'"]),
        ({"iteration": -1}, ["iteration", "-1"]),
    ],
)
def test_a_bad_spec_is_refused_with_file_field_and_remedy(tmp_path, change, said):
    data = json.loads(plain_spec("selfplay").canonical()) | change
    (tmp_path / contract.SPEC).write_text(json.dumps(data))
    with pytest.raises(InvalidInput) as caught:
        read_spec(tmp_path)
    assert all(part in str(caught.value) for part in [*said, "spec.json"]), str(caught.value)


@pytest.mark.parametrize("text", ["{", "[1]", "\xff", '{"contract": 1, "contract": 1}'])
def test_a_spec_that_does_not_parse_is_refused(tmp_path, text):
    (tmp_path / contract.SPEC).write_text(text, encoding="latin-1")
    with pytest.raises(InvalidInput, match=r"spec\.json"):
        read_spec(tmp_path)
    with pytest.raises(MissingInput):
        read_spec(tmp_path / "none")


def test_a_worker_of_another_contract_says_so_and_exits_with_2(tmp_path):
    (tmp_path / contract.SPEC).write_text('{"contract": 2}')
    code, errors = finish(launch(tmp_path))
    assert code == REFUSED and "install" in errors and "Traceback" not in errors
    state = read_state(tmp_path)
    assert state and (state.status, state.exit_code) == ("failed", REFUSED)
    assert finish(launch(tmp_path / "none"))[0] == REFUSED


def test_a_file_in_the_package_of_kinds_is_a_kind(tmp_path):
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "double.py").write_text(
        "from ringrift.specs.params import JobParams\n"
        "class Params(JobParams):\n    kind = 'double'\n    number: int\n"
        "def run(job, params):\n    return {'number': 2 * params.number}\n"
    )
    spec = plain_spec("double", number=21)
    folder = job_folder(tmp_path, spec)
    assert finish(launch(folder))[0] == REFUSED, "without the file there is no such kind"
    assert finish(launch(folder, testing=True, kinds=tmp_path / "kinds")) == (DONE, "")
    manifest = read_manifest(folder, spec.job_id)
    assert manifest and manifest.result == {"number": 42} and "double" in manifest.worker["kinds"]
    wrong = job_folder(tmp_path, plain_spec("double", numbr=21))
    assert finish(launch(wrong, testing=True, kinds=tmp_path / "kinds"))[0] == FAILED
    state = read_state(wrong)
    assert state and "'numbr'" in (state.error or "")


def test_hello_is_quick_and_tells_the_contract():
    code = "import sys, ringrift.jobs.worker as w; w.main(['hello']); print({'numpy', 'pyarrow'} & set(sys.modules))"
    said, loaded = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()
    assert json.loads(said)["contract"] == contract.CONTRACT_VERSION
    assert loaded == "set()", "the thread counts must be set before numpy is loaded"


def test_a_detached_start_outlives_the_starter_and_logs_to_its_folder(tmp_path):
    spec = selfplay_spec(count=5)
    folder = job_folder(tmp_path, spec)
    command = [sys.executable, "-m", "ringrift.jobs.worker", "start", str(folder)]
    assert int(subprocess.check_output(command, text=True)) > 0
    wait_for(lambda: (state := read_state(folder)) and state.status == "done")
    assert (folder / contract.LOG).exists() and read_manifest(folder, spec.job_id)
