"""What is ended without a person: on a real instance, with real runs, processes and toy jobs."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest

from resources.runner.assignments import Assignments
from resources.runner.events import Control
from resources.runner.reaper import (
    SERVER_TAG,
    Cleanup,
    RemoteJobs,
    fail_dead_runs,
    reap,
)
from resources.runner.run_process import HOST_TAG, PID_TAG
from resources.store.partition_keys import open_iteration
from resources.transports.base import Transport
from ringrift_assets.definitions import defs
from sensors.reaper import reaper, tick_message
from tests.resources.conftest import Bench, bench, in_background, ssh_bench, wait_for

__all__ = ["bench", "ssh_bench"]  # the fixtures
KEY = "square8_2p|0000"


# --- on an instance -----------------------------------------------------------------------------------------


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        open_iteration(instance, 0)
        yield instance


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def make_run(instance: dg.DagsterInstance, job: str = "collect", **tags: str) -> dg.DagsterRun:
    return instance.create_run_for_job(defs.resolve_job_def(job), tags={"dagster/partition": KEY, **tags})


def send(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: str, data: object = None) -> None:
    event = dg.DagsterEvent(kind, job_name=run.job_name, message=kind, event_specific_data=data)  # type: ignore[arg-type]
    entry = dg.EventLogEntry(
        error_info=None, level="INFO", user_message="", run_id=run.run_id, timestamp=time.time(), dagster_event=event
    )
    instance.handle_new_event(entry)


def launched(instance: dg.DagsterInstance, pid: int | None, host: str = "localhost") -> dg.DagsterRun:
    """A run as Dagster's launcher starts it, with the words of its process."""
    run = make_run(instance, **{SERVER_TAG: json.dumps({"host": host, "socket": "/s"})})
    send(instance, run, "PIPELINE_STARTING")
    if pid is not None:
        data = dg._core.events.EngineEventData.in_process(pid)  # type: ignore[attr-defined]
        instance.report_engine_event("Started process for run", run, data)
        send(instance, run, "PIPELINE_START")
    return run


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found.status.value


def test_runs_of_the_command_line_are_judged_by_their_tags_on_their_own_machine_only(instance, gone):
    here = {HOST_TAG: socket.gethostname()}
    dead = make_run(instance, **here, **{PID_TAG: str(gone)})
    living = make_run(instance, **here, **{PID_TAG: str(os.getpid())})
    elsewhere = make_run(instance, **{HOST_TAG: "another", PID_TAG: str(gone)})
    assert fail_dead_runs(instance) == [dead.run_id]
    assert status(instance, dead) == "FAILURE"
    assert {status(instance, living), status(instance, elsewhere)} == {"NOT_STARTED"}


def test_runs_that_dagster_launched_are_judged_by_the_process_they_name(instance, gone):
    dead, living, remote = launched(instance, gone), launched(instance, os.getpid()), launched(instance, gone, "far")
    waiting, queued = launched(instance, None), make_run(instance)
    assert fail_dead_runs(instance) == [dead.run_id]
    assert [status(instance, run) for run in (living, remote, waiting, queued)] == [
        "STARTED",
        "STARTED",
        "STARTING",
        "NOT_STARTED",
    ]


def test_a_process_nobody_waited_for_and_a_later_one_with_its_number_are_not_the_run(instance, monkeypatch):
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    run = launched(instance, zombie.pid)
    assert fail_dead_runs(instance) == [run.run_id]
    zombie.wait()
    reused = make_run(instance, **{HOST_TAG: socket.gethostname(), PID_TAG: str(os.getpid())})
    monkeypatch.setattr("psutil.Process.create_time", lambda self: time.time() + 60)
    assert fail_dead_runs(instance) == [reused.run_id]


def test_a_launched_run_without_a_process_for_too_long_is_failed(instance, monkeypatch):
    run = launched(instance, None)
    monkeypatch.setattr("resources.runner.reaper.STARTING_S", -1.0)
    assert fail_dead_runs(instance) == [run.run_id]


def test_a_run_that_was_being_canceled_when_its_process_died_is_canceled(instance, gone):
    run = launched(instance, gone)
    send(instance, run, "PIPELINE_CANCELING")
    assert fail_dead_runs(instance) == [run.run_id] and status(instance, run) == "CANCELED"


def test_the_jobs_of_a_force_terminated_run_are_ended_and_those_of_others_go_on(instance, bench: Bench):
    host = bench.transport(slots=4)
    mine = bench.spec(units=200, seconds=0.05).model_copy(update={"asset": "selfplay_games"})
    matches = mine.model_copy(update={"asset": "tournament_games"})
    for spec in (mine, matches):
        assert host.start(spec)
    wait_for(lambda: len(bench.lines()) >= 2)
    run = make_run(instance)
    send(instance, run, "PIPELINE_START")
    assert reap(instance, [host]) == Cleanup([], [])
    instance.report_run_canceled(run)
    assert reap(instance, [host]) == Cleanup([mine.job_id], [])
    assert not host.alive(mine.job_id) and host.alive(matches.job_id)
    assert reap(instance, [host]) == Cleanup([], [])


def test_a_newer_run_keeps_the_jobs_of_a_canceled_one(instance, bench: Bench):
    host = bench.transport()
    spec = bench.spec(units=200, seconds=0.05).model_copy(update={"asset": "selfplay_games"})
    host.start(spec)
    instance.report_run_canceled(make_run(instance))
    send(instance, make_run(instance), "PIPELINE_START")
    wait_for(lambda: host.alive(spec.job_id) and bench.lines())
    assert reap(instance, [host]) == Cleanup([], [])


def test_the_remote_jobs_of_a_force_terminated_run_are_ended_over_ssh(instance, ssh_bench: Bench):
    control, asked = Control(), []
    assignments = Assignments(ssh_bench.folder / "assignments")
    spec = ssh_bench.spec(units=300, seconds=0.05).model_copy(update={"asset": "selfplay_games"})
    thread, _ = in_background(ssh_bench.runner(control=control, assignments=assignments), [spec])
    wait_for(lambda: "progress" in ssh_bench.kinds())
    control.ask("detach")
    thread.join()
    [host] = ssh_bench.transports

    def connect(name: str) -> Transport | None:
        asked.append(name)
        return host if name == "here" else None

    remote = RemoteJobs(assignments, connect)
    run = make_run(instance)
    send(instance, run, "PIPELINE_START")
    assert reap(instance, [], remote) == Cleanup([], []) and asked == [], "no host is asked without need"
    instance.report_run_canceled(run)
    assert reap(instance, [], remote) == Cleanup([spec.job_id], [])
    assert not host.alive(spec.job_id) and asked == ["here"]
    assert reap(instance, [], remote) == Cleanup([], []) and asked == ["here"], "what has ended is left alone"


def test_the_sensor_is_on_by_itself_and_says_what_it_ended(instance, home, gone):
    found = defs.get_repository_def().get_sensor_def("reaper")
    assert found.default_status == dg.DefaultSensorStatus.RUNNING and found.minimum_interval_seconds == 30
    run = make_run(instance, **{HOST_TAG: socket.gethostname(), PID_TAG: str(gone)})
    with dg.build_sensor_context(instance=instance) as context:
        assert reaper(context).skip_message == f"failed run {run.run_id}"
        assert reaper(context).skip_message == "nothing to end"
    assert tick_message(Cleanup(["j"], [])) == "cancelled job j"
