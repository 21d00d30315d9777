"""A run counts as alive while its process lives, whatever the machine is called meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from resources.runner.run_process import HOST_TAG, PID_TAG, forget, run_tags, tagged_alive
from ringrift_assets.runs.iteration import open_instance

HOLDER = """
import sys, time
import dagster as dg
from resources.store.home import Home
from resources.runner.run_process import run_tags
from ringrift_assets.runs.iteration import open_instance
with open_instance(Home()) as instance, run_tags(instance) as tags:
    print(tags, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def instance(home) -> Iterator[dg.DagsterInstance]:
    with open_instance(home) as instance:
        yield instance


def test_the_lock_tells_whether_a_process_lives_under_any_name_and_number(instance, monkeypatch, gone):
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    tags = eval(process.stdout.readline())
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    foreign = {**tags, PID_TAG: str(gone)}  # as another container sees a number of this one
    assert tagged_alive(instance, foreign, time.time()) is True
    process.send_signal(signal.SIGKILL)
    process.wait()
    taken = {**tags, PID_TAG: str(os.getpid())}  # the number is another process's now
    assert tagged_alive(instance, taken, time.time()) is False
    forget(instance, tags)
    assert tagged_alive(instance, tags, time.time()) is False  # by its number


def test_the_process_itself_is_alive_and_leaves_nothing_behind(instance, home):
    with run_tags(instance) as tags:
        assert tagged_alive(instance, tags, time.time()) is True
    assert not list((home.dagster / "running").iterdir())


def test_an_older_run_of_another_name_is_of_this_machine_where_the_records_are(instance, gone):
    tags = {PID_TAG: str(gone), HOST_TAG: "before"}
    assert tagged_alive(instance, tags, time.time()) is False
    assert tagged_alive(instance, {**tags, PID_TAG: str(os.getpid())}, time.time()) is True
    with dg.DagsterInstance.ephemeral() as shared:  # not SQLite on a disk of this machine
        assert tagged_alive(shared, tags, time.time()) is None


def test_without_locks_in_the_file_system_the_tags_tell(instance, monkeypatch, gone):
    def refuse(handle, how):
        raise OSError("no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    with run_tags(instance) as tags:
        assert tagged_alive(instance, tags, time.time()) is True
        assert tagged_alive(instance, {**tags, PID_TAG: str(gone)}, time.time()) is False
