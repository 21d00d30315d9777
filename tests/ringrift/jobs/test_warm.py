"""Forked workers end as started ones do: they tell their exit codes, are killed alone, and free their slots."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ringrift.jobs import warm
from ringrift.jobs.contract import LOG, STATE, JobSpec, JobState
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.folder import JobFolder
from ringrift.jobs.warm import VARIABLE, Forked
from tests.resources.conftest import wait_for


def noop(name: str, **params: object) -> JobSpec:
    return JobSpec(asset="test", config="square8_2p", iteration=0, name=name, kind="noop", params=params)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "jobs", slots=2)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobFolder]:
    """Jobs whose workers are forked from a warm process that no other test uses."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield JobFolder(tmp_path / "jobs", slots=2)
    for process in warm_processes(tmp_path):
        process.kill()
    monkeypatch.undo()
    tempfile.tempdir = None


def warm_processes(folder: Path) -> list[psutil.Process]:
    """The warm processes whose sockets are below a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if "ringrift.jobs.warm" in words and any(word.startswith(str(folder)) for word in words):
                found.append(process)
    return found


def test_a_forked_worker_does_its_job_or_fails_with_its_own_words(folder: JobFolder):
    good, bad = noop("good"), noop("bad", seconds=-1)
    assert folder.start(good) and folder.start(bad)
    assert [folder.started[job.job_id].wait(60) for job in (good, bad)] == [0, 1]
    assert isinstance(folder.started[good.job_id], Forked)
    assert read_manifest(folder.jobs / good.job_id, good.job_id)
    assert "seconds" in (folder.jobs / bad.job_id / LOG).read_text()
    assert folder.status().free_slots == 2


def test_a_forked_worker_is_killed_alone(folder: JobFolder):
    first, second = noop("first", seconds=60), noop("second", seconds=60)
    assert folder.start(first) and folder.start(second) and not folder.start(noop("third"))
    wait_for(lambda: (folder.jobs / first.job_id / STATE).exists())
    state = JobState.model_validate_json((folder.jobs / first.job_id / STATE).read_bytes())
    assert state.pid == folder.started[first.job_id].pid
    os.killpg(state.pid, signal.SIGKILL)
    wait_for(lambda: folder.exited(first.job_id) == -signal.SIGKILL)
    assert folder.alive(second.job_id) and not folder.alive(first.job_id) and folder.status().free_slots == 1
    folder.signal(second.job_id, kill=False)
    assert folder.started[second.job_id].wait(60) == 128 + signal.SIGTERM


def test_workers_live_on_when_the_warm_process_is_killed_and_the_next_one_has_another(own: JobFolder, tmp_path: Path):
    first, second, third = noop("first", seconds=60), noop("second", seconds=60), noop("third")
    assert own.start(first) and own.start(second)
    [process] = warm_processes(tmp_path)
    process.kill()
    process.wait(10)
    assert own.alive(first.job_id) and own.exited(first.job_id) is None
    other = JobFolder(own.root, slots=3)  # somebody who has not started them
    assert other.alive(second.job_id)
    wait_for(lambda: other._pid(second.job_id) is not None)
    other.signal(second.job_id, kill=True)
    wait_for(lambda: own.exited(second.job_id) == -signal.SIGKILL)  # its code is lost, its end is not
    assert not own.alive(second.job_id) and own.alive(first.job_id)
    assert other.start(third) and other.started[third.job_id].wait(60) == 0
    [again] = warm_processes(tmp_path)
    assert again.pid != process.pid
    own.signal(first.job_id, kill=True)


def test_files_that_have_changed_bring_a_new_process(own: JobFolder, tmp_path: Path):
    package = tmp_path / "package"
    shutil.copytree(Path(warm.__file__).parents[1], package / "ringrift", ignore=shutil.ignore_patterns("__pycache__"))
    own.environment |= {"PYTHONPATH": str(package)}
    assert own.start(noop("before")) and own.started[noop("before").job_id].wait(60) == 0
    [old] = warm_processes(tmp_path)
    with (package / "ringrift" / "kinds" / "noop.py").open("a") as kind:
        kind.write("\nprint('edited')\n")
    assert own.start(noop("after")) and own.started[noop("after").job_id].wait(60) == 0
    [new] = warm_processes(tmp_path)
    assert new.pid != old.pid and isinstance(own.started[noop("after").job_id], Forked)


def test_it_ends_by_itself_once_nobody_needs_it(own: JobFolder, tmp_path: Path):
    own.environment |= {VARIABLE: "0.3"}
    assert own.start(noop("job", seconds=1)) and warm_processes(tmp_path)
    assert own.started[noop("job", seconds=1).job_id].wait(60) == 0, "a worker that lives keeps it"
    wait_for(lambda: not warm_processes(tmp_path))


def test_workers_are_started_anew_where_it_is_off_or_its_folder_is_open_to_others(own: JobFolder, tmp_path: Path):
    off = JobFolder(own.root, slots=2, environment={VARIABLE: "0"})
    assert off.start(noop("off")) and isinstance(off.started[noop("off").job_id], subprocess.Popen)
    (tmp_path / f"ringrift-{os.getuid()}").mkdir(mode=0o755)
    assert own.start(noop("open")) and isinstance(own.started[noop("open").job_id], subprocess.Popen)
    assert not warm_processes(tmp_path)


def test_an_interpreter_that_cannot_load_the_package_costs_no_wait(own: JobFolder, tmp_path: Path):
    stranger = tmp_path / "python"
    stranger.write_text("#!/bin/sh\nexit 0\n")
    stranger.chmod(0o755)
    folder = JobFolder(own.root, slots=2, python=str(stranger))
    started = time.monotonic()
    assert folder.start(noop("job")) and isinstance(folder.started[noop("job").job_id], subprocess.Popen)
    assert time.monotonic() - started < warm.LOAD_S / 2
