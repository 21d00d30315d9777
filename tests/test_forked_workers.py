"""Forked workers end as started ones do: they tell their exit codes, are killed alone, and free their slots."""

import os
import signal
from pathlib import Path

import pytest

from ringrift.jobs.contract import LOG, STATE, JobSpec, JobState
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.folder import JobFolder
from tests.forked_workers import Forked, use_forked_workers
from tests.resources.conftest import wait_for


def noop(name: str, **params: object) -> JobSpec:
    return JobSpec(asset="test", config="square8_2p", iteration=0, name=name, kind="noop", params=params)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    use_forked_workers(monkeypatch)
    return JobFolder(tmp_path, slots=2)


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
