"""How the orchestrator reaches a host: a few file operations and `start`, the same for every kind of host."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol
from uuid import uuid4

import psutil

from resources.hosts import Host
from ringrift.contract import CANCEL, JOBS_FOLDER, LOCK, LOG, OUT, SPEC, STATE, JobSpec, JobState
from ringrift.files import atomic_path

SLOTS_FOLDER = "slots"
QUARANTINE = "bad"
KILL_AFTER_S = 10.0  # a worker that was told to stop may take so long


class Transport(Protocol):
    """One host. Names of files are relative to a job's directory; every call may be repeated safely."""

    host: Host
    slots: int
    max_poll_s: float

    def exists(self, job: str) -> bool:
        """Whether the job's directory is there."""

    def where(self, job: str) -> str:
        """The job's directory, for messages."""

    def read(self, job: str, name: str, offset: int = 0) -> bytes | None:
        """Bytes of a file from `offset`, or None when there is no such file."""

    def fetch(self, job: str, name: str, target: Path) -> None:
        """Copy a file here, atomically."""

    def alive(self, job: str) -> bool:
        """Whether a worker is on the job: one this object started that still runs, or a held lock."""

    def start(self, spec: JobSpec, shards: Sequence[Path] = ()) -> bool:
        """Make the job's directory if it is not there, with these whole shards, and start a detached worker on it.

        False when every work slot of the host is taken; then nothing was made.
        """

    def exited(self, job: str) -> int | None:
        """Exit code of the worker this object started, when it is known to have ended."""

    def signal(self, job: str, *, kill: bool) -> None:
        """Mark the job cancelled and send TERM (or KILL) to the process group of its living worker."""

    def command(self, job: str) -> list[str]:
        """The command that runs the job's worker, for messages."""

    def free_bytes(self) -> int:
        """Free space of the disk that holds the jobs."""

    def quarantine(self, job: str, names: list[str]) -> None:
        """Move files of the `out` folder to `bad`, so that the next attempt makes them again."""


def stop(running: Sequence[tuple[Transport, str]]) -> None:
    """Stop jobs: TERM to the process group of each, KILL to those that live `KILL_AFTER_S` seconds later."""
    for kill in (False, True):
        for transport, job in running:
            transport.signal(job, kill=kill)
        limit = time.monotonic() + KILL_AFTER_S
        while any(transport.alive(job) for transport, job in running) and time.monotonic() < limit:
            time.sleep(0.05)


class LocalTransport:
    """This machine: jobs are detached processes of it. `root` is the folder that holds its jobs and slots."""

    max_poll_s = 2.0  # looking costs no connection here

    def __init__(self, host: Host, root: Path, python: str | None = None, environment: dict[str, str] | None = None):
        self.host = host
        self.jobs = root.resolve() / JOBS_FOLDER
        self.locks = root.resolve() / SLOTS_FOLDER
        self.slots = host.max_parallel_jobs or os.cpu_count() or 1
        self.python = python or host.python_path or sys.executable
        self.environment = {**os.environ, **(environment or {})}
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.jobs.mkdir(parents=True, exist_ok=True)
        self.locks.mkdir(parents=True, exist_ok=True)

    def exists(self, job: str) -> bool:
        return (self.jobs / job / SPEC).is_file()

    def where(self, job: str) -> str:
        return str(self.jobs / job)

    def read(self, job: str, name: str, offset: int = 0) -> bytes | None:
        try:
            with (self.jobs / job / name).open("rb") as handle:
                handle.seek(offset)
                return handle.read()
        except FileNotFoundError:
            return None

    def fetch(self, job: str, name: str, target: Path) -> None:
        with atomic_path(target) as temporary:
            shutil.copyfile(self.jobs / job / name, temporary)

    def alive(self, job: str) -> bool:
        if job in self.started and self.exited(job) is None:
            return True  # and the lock is left alone while our worker is about to take it
        try:
            handle = (self.jobs / job / LOCK).open("rb")
        except FileNotFoundError:
            return False
        with handle:
            return not _take(handle, fcntl.LOCK_SH)

    def start(self, spec: JobSpec, shards: Sequence[Path] = ()) -> bool:
        slot = self._free_slot()
        if slot is None:
            return False
        self._create(spec, shards)
        folder = self.jobs / spec.job_id
        (folder / CANCEL).unlink(missing_ok=True)  # it was meant for an earlier attempt
        with slot, (folder / LOG).open("ab") as log:
            # The worker inherits the slot's lock: it is free again when the worker ends, however it ends.
            self.started[spec.job_id] = subprocess.Popen(
                self.command(spec.job_id),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
                pass_fds=[slot.fileno()],
            )
        return True

    def command(self, job: str) -> list[str]:
        return [self.python, "-m", "ringrift.worker", "run", str(self.jobs / job)]

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.jobs).free

    def _create(self, spec: JobSpec, shards: Sequence[Path]) -> None:
        """The directory appears with its spec as one step; when it is there already nothing happens."""
        if self.exists(spec.job_id):
            return
        draft = self.jobs / f".new-{uuid4().hex}"
        (draft / OUT).mkdir(parents=True)
        for shard in shards:
            shutil.copyfile(shard, draft / OUT / shard.name)
        (draft / SPEC).write_text(spec.canonical(), encoding="utf-8")
        try:
            draft.rename(self.jobs / spec.job_id)  # the system refuses a target that has files
        except OSError:
            shutil.rmtree(draft)
            if not self.exists(spec.job_id):
                raise

    def _free_slot(self) -> IO[bytes] | None:
        """The locked file of a free slot, or None."""
        for number in range(self.slots):
            handle = (self.locks / f"{number:03d}").open("ab")
            if _take(handle, fcntl.LOCK_EX):
                return handle
            handle.close()
        return None

    def exited(self, job: str) -> int | None:
        process = self.started.get(job)
        return None if process is None else process.poll()

    def signal(self, job: str, *, kill: bool) -> None:
        if not self.alive(job):
            return
        (self.jobs / job / CANCEL).touch()
        pid = self._pid(job)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL if kill else signal.SIGTERM)

    def _pid(self, job: str) -> int | None:
        """Process group of the living worker: our child, or the process that its state and command line name.

        None for one that has only just taken the lock: the state is still that of the attempt before it.
        """
        if job in self.started and self.exited(job) is None:
            return self.started[job].pid
        state = self.read(job, STATE)
        if state is None:
            return None
        pid = JobState.model_validate_json(state).pid
        try:
            named = any(job in part for part in psutil.Process(pid).cmdline())
        except psutil.Error:
            return None
        return pid if named else None

    def quarantine(self, job: str, names: list[str]) -> None:
        bad = self.jobs / job / QUARANTINE
        bad.mkdir(exist_ok=True)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.jobs / job / OUT / name).rename(bad / f"{uuid4().hex[:8]}-{name}")


def _take(handle: IO[bytes], how: int) -> bool:
    """Take a lock without waiting. A shared one is enough to ask whether somebody holds it."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
