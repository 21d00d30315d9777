"""`ringrift jobs` as a user types it: living, finished, cancelled and lost jobs of a home."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from resources.transports.local import LocalTransport
from ringrift.errors import InvalidInput, MissingInput
from ringrift_assets.cli.jobs import jobs_app
from tests.resources.conftest import Bench, bench, wait_for

__all__ = ["bench"]  # the fixture


def jobs(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(jobs_app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def listed(*arguments: str) -> dict[str, dict]:
    return {entry["id"]: entry for entry in json.loads(jobs("list", "--json", *arguments))["jobs"]}


@pytest.fixture
def here(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalTransport:
    """The home's own jobs folder, with toy workers."""
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path / "host"))
    (tmp_path / "hosts.yaml").write_text("hosts: {here: {}}")
    monkeypatch.setenv("RINGRIFT_HOSTS", str(tmp_path / "hosts.yaml"))
    return bench.transport(slots=4)


def test_an_empty_home_has_no_jobs_and_looking_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path / "home"))
    assert jobs("list").startswith("no jobs in ")
    assert not (tmp_path / "home").exists()


def test_list_tells_running_done_failed_and_lost_jobs_apart(bench, here):
    specs = {
        "done": bench.spec("done"),
        "failed": bench.spec("failed", fail_at=1),
        "lost": bench.spec("lost", kill_at=2),
        "running": bench.spec("running", units=100, seconds=0.1),
    }
    for spec in specs.values():
        assert here.start(spec)
    for name in ("done", "failed", "lost"):
        here.started[specs[name].job_id].wait(20)
    wait_for(lambda: listed()[specs["running"].job_id]["done"] >= 1)
    found = listed()
    for status, spec in specs.items():
        assert found[spec.job_id]["status"] == status and found[spec.job_id]["host"] == "here"
    done = found[specs["done"].job_id]
    assert (done["done"], done["total"], done["attempt"], done["exit_code"]) == (3, 3, 1, 0)
    assert found[specs["failed"].job_id]["exit_code"] == 1 and "told to fail" in found[specs["failed"].job_id]["error"]
    assert found[specs["lost"].job_id]["exit_code"] is None and found[specs["lost"].job_id]["done"] == 2
    assert 0 <= found[specs["running"].job_id]["heartbeat_age_s"] < 10
    assert set(listed("--status", "lost,failed")) == {specs["lost"].job_id, specs["failed"].job_id}
    assert listed("-c", "square8_3p") == {} and len(listed("-c", "square8_2p")) == 4
    table = jobs("list", "--status", "done")
    assert specs["done"].job_id in table and "3/3" in table and len(table.splitlines()) == 2
    with pytest.raises(InvalidInput, match="use some of running, done"):
        jobs("list", "--status", "dead")


def test_a_job_is_named_by_the_start_of_its_id(bench, here):
    first, second = bench.spec("first"), bench.spec("second")
    for spec in (first, second):
        here.start(spec)
        here.started[spec.job_id].wait(20)
    assert "all units are there" in jobs("logs", "toy-square8_2p-0000-fi")
    with pytest.raises(InvalidInput, match="it fits 2 jobs: toy-square8_2p-0000-first"):
        jobs("logs", "toy-")
    with pytest.raises(MissingInput, match="ringrift jobs list"):
        jobs("logs", "nothing")
    assert len(jobs("logs", first.job_id, "-n", 0)) == 0


def test_a_local_host_with_a_path_of_its_own_is_looked_at_too(bench, here, tmp_path):
    away = bench.transport(name="away", folder="away")
    (tmp_path / "hosts.yaml").write_text(f"hosts: {{here: {{}}, away: {{ringrift_path: {tmp_path}/away}}}}")
    spec = bench.spec()
    away.start(spec)
    away.started[spec.job_id].wait(20)
    assert listed()[spec.job_id]["host"] == "away"


def test_attach_and_follow_stay_until_the_end_and_the_exit_code_says_how_it_was(bench, here):
    good, bad = bench.spec("good", units=5, seconds=0.2), bench.spec("bad", units=4, seconds=0.2, fail_at=3)
    here.start(good)
    here.start(bad)
    shown = jobs("attach", good.job_id)
    assert shown.splitlines()[-1] == "done 5 of 5, attempt 1 on here"
    assert "told to fail" in jobs("attach", bad.job_id, code=1)
    slow = bench.spec("slow", units=4, seconds=0.2)
    here.start(slow)
    assert jobs("logs", slow.job_id, "--follow").count("all units are there") == 1


def test_cancel_ends_the_process_group_and_keeps_finished_shards(bench, here):
    spec = bench.spec(units=100, seconds=0.05)
    here.start(spec)
    wait_for(lambda: len(bench.lines()) >= 2)
    assert "is stopped" in jobs("cancel", spec.job_id)
    wait_for(lambda: here.exited(spec.job_id) is not None)
    assert listed()[spec.job_id]["status"] == "cancelled" and listed()[spec.job_id]["exit_code"] == 143
    assert (here.jobs / spec.job_id / "cancel").exists() and list((here.jobs / spec.job_id / "out").iterdir())
    with pytest.raises(InvalidInput, match="this one is cancelled"):
        jobs("cancel", spec.job_id)


def test_a_process_that_only_has_the_number_of_an_old_worker_is_never_signalled(bench, here):
    """The state still names the pid of a killed attempt, which by now is somebody else's."""
    spec = bench.spec(units=100, seconds=0.05)
    here.start(spec)
    wait_for(lambda: len(bench.lines()) >= 1)
    here.started[spec.job_id].kill()
    here.started.pop(spec.job_id).wait()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        folder = here.jobs / spec.job_id
        state = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps({**state, "pid": bystander.pid}))
        code = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, 2); time.sleep(60)"
        holder = subprocess.Popen([sys.executable, "-c", code, str(folder / "lock")])
        wait_for(lambda: here.alive(spec.job_id))
        here.signal(spec.job_id, kill=True)
        time.sleep(0.1)
        assert bystander.poll() is None and (folder / "cancel").exists()
        holder.kill()
        holder.wait()
    finally:
        bystander.kill()
        bystander.wait()


def test_the_verbs_import_neither_dagster_nor_anything_heavy():
    code = (
        "import sys, ringrift_assets.cli.jobs; print([n for n in ('dagster', 'numba', 'pyarrow') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ctrl_c_while_following_leaves_the_job_alone(bench, here):
    spec = bench.spec(units=60, seconds=0.5)
    here.start(spec)
    command = [sys.executable, "-m", "ringrift.cli", "jobs", "attach", spec.job_id]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout and process.stdout.readline().startswith("running")
    threading.Timer(0.2, process.send_signal, [signal.SIGINT]).start()
    process.communicate(timeout=20)
    assert process.returncode == 130 and here.alive(spec.job_id)


def test_a_damaged_spec_hides_no_other_job(bench, here):
    spec, broken = bench.spec("whole", units=1), here.jobs / "broken\x1b[31m"
    assert here.start(spec)
    here.started[spec.job_id].wait(20)
    broken.mkdir()
    (broken / "spec.json").write_text("{")
    found = listed()
    assert found[spec.job_id]["status"] == "done" and found[broken.name]["status"] == "lost"
    assert "another contract version, or damaged; move its directory aside" in found[broken.name]["error"]
    assert "\x1b" not in jobs("list")
