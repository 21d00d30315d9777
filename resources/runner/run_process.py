"""Which process has a run that the command line started, and whether that process lives.

A process holds a lock file of the instance while it has runs: the lock tells whether it lives when the machine has
another name since, was started anew, or is another container with the same home. Tags name the process for people,
and for file systems without locks.
"""

import fcntl
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import dagster as dg
import psutil
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage

PID_TAG, HOST_TAG, LOCK_TAG = "ringrift/pid", "ringrift/host", "ringrift/lock"
FOLDER = "running"  # of the lock files, beside the instance's records


@contextmanager
def run_tags(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Tags for runs of this process: they are seen to be alive until the block or the process ends."""
    path = _folder(instance) / f"{uuid4().hex}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            lock = {LOCK_TAG: path.name}
        except OSError:
            lock = {}  # the tags alone tell then
        try:
            yield {PID_TAG: str(os.getpid()), HOST_TAG: socket.gethostname(), **lock}
        finally:
            path.unlink(missing_ok=True)


def tagged_alive(instance: dg.DagsterInstance, tags: Mapping[str, str], created: float) -> bool | None:
    """Whether the process that these tags name lives; None when it may be one of another machine.

    `created` is when the run was made, in Unix seconds.
    """
    if LOCK_TAG in tags and (held := _held(_folder(instance) / tags[LOCK_TAG])) is not None:
        return held
    alive = lives(int(tags[PID_TAG]), created)
    if tags.get(HOST_TAG) == socket.gethostname():
        return alive
    # SQLite serves one machine: another name is an earlier name of this one.
    return alive if isinstance(instance.run_storage, SqliteRunStorage) else None


def forget(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> None:
    """Remove the lock file of a process that is gone."""
    if LOCK_TAG in tags:
        (_folder(instance) / tags[LOCK_TAG]).unlink(missing_ok=True)


def lives(pid: int, created: float) -> bool:
    """Whether the process lives; a later one with its number does not count, nor does one nobody waited for."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= created + 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / FOLDER


def _held(path: Path) -> bool | None:
    """Whether somebody holds the lock file; None where it is not there, or cannot be asked."""
    try:
        with path.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
