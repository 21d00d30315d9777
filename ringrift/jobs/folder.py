"""The jobs and work slots in one folder of this machine: start, look, stop. The orchestrator's side of the contract.

An orchestrator uses it directly for its own machine; on a host reached by SSH the agent (ringrift.jobs.agent) uses it.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO
from uuid import uuid4

import psutil

from ringrift.files import lock
from ringrift.jobs import warm
from ringrift.jobs.contract import (
    CANCEL,
    JOBS_FOLDER,
    LOCK,
    LOG,
    MANIFEST,
    MESSAGES,
    OUT,
    SPEC,
    STATE,
    JobSpec,
    JobState,
)
from ringrift.jobs.cores import usable_cores
from ringrift.jobs.view import JobView, view_or_fault

WORKER = ("-m", "ringrift.jobs.worker")
SLOTS_FOLDER = "slots"
QUARANTINE = "bad"
READ_BYTES = 1 << 20  # of messages in one look; the next one goes on behind them
SPEED_S = 0.02  # the speed of a core is measured for so long


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a job. `messages` are those behind the offset asked for; `manifest` is None before the job is done.

    `alive` was asked first: when it is False, the rest is complete.
    """

    alive: bool
    messages: bytes
    manifest: bytes | None


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """What the machine has left: bytes of the jobs' disk, work slots; `speed` is of one core, in loops a second."""

    free_bytes: int
    free_slots: int
    slots: int
    speed: float


class JobFolder:
    """Jobs below `root` are detached processes of this machine. Every call may be repeated safely.

    `slots` is how many may work at once over all users of the folder. `environment` are variables of the workers
    beside those of this process; names in `hidden` are kept from them.
    """

    def __init__(
        self,
        root: Path,
        slots: int | None = None,
        python: str | None = None,
        environment: Mapping[str, str] | None = None,
        hidden: Sequence[str] = (),
    ):
        self.root = root.expanduser().resolve()
        self.jobs = self.root / JOBS_FOLDER
        self.locks = self.root / SLOTS_FOLDER
        self.slots = slots or usable_cores()
        self.python = python or sys.executable
        self.environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environment |= environment or {}
        self.started: dict[str, warm.Started] = {}
        self.jobs.mkdir(parents=True, exist_ok=True)
        self.locks.mkdir(parents=True, exist_ok=True)

    # --- looking ----------------------------------------------------------------------------------------

    def exists(self, job: str) -> bool:
        """Whether the job's directory is there."""
        return (self.jobs / job / SPEC).is_file()

    def job_ids(self) -> list[str]:
        """Names of the jobs whose directories are there."""
        return sorted(path.name for path in self.jobs.iterdir() if not path.name.startswith("."))

    def read(self, job: str, name: str, offset: int = 0, limit: int = -1) -> bytes | None:
        """Bytes of a file from `offset` (negative: from the end), at most `limit`, or None without such a file."""
        try:
            with (self.jobs / job / name).open("rb") as handle:
                size = handle.seek(0, os.SEEK_END)
                handle.seek(offset if offset >= 0 else max(0, size + offset))
                return handle.read(limit)
        except FileNotFoundError:
            return None

    def look(self, job: str, offset: int) -> Look:
        """Sign of life, messages from `offset`, manifest."""
        alive = self.alive(job)
        manifest = self.read(job, f"{OUT}/{MANIFEST}")
        return Look(alive, self.read(job, MESSAGES, offset, READ_BYTES) or b"", manifest)

    def alive(self, job: str) -> bool:
        """Whether a worker is on the job: it holds the job's lock, or a slot in the job's name before that."""
        if job in self.started and self.exited(job) is None:
            return True
        try:
            with (self.jobs / job / LOCK).open("rb") as handle:
                if not _take(handle, fcntl.LOCK_SH):
                    return True
        except FileNotFoundError:
            pass
        return self._holds_slot(job)

    def exited(self, job: str) -> int | None:
        """Exit code of the worker this object started, when it is known to have ended."""
        return self.started[job].poll() if job in self.started else None

    def views(self, jobs: Sequence[str] | None = None) -> list[JobView]:
        """What these jobs (default: all) are doing; those without a directory are left out. `host` is left empty.

        One whose spec cannot be read is lost, with the words in `error`.
        """
        found = (view_or_fault(self.jobs / job, "", self.alive) for job in (self.job_ids() if jobs is None else jobs))
        return [view for view in found if view]

    def status(self) -> FolderStatus:
        """Free space and free slots now, and the speed of a core, which is measured once."""
        free = sum(1 for number in range(self.slots) if not self._slot_holder(number))
        return FolderStatus(self.free_bytes(), free, self.slots, self.speed)

    @cached_property
    def speed(self) -> float:
        """Rounds of a fixed loop of integers a second: compares the cores of hosts, and means nothing by itself."""
        rounds, end = 0, time.perf_counter() + SPEED_S
        while time.perf_counter() < end:
            for _ in range(100):
                rounds += 1
        return rounds / SPEED_S

    def free_bytes(self) -> int:
        """Free space of the disk that holds the jobs."""
        return shutil.disk_usage(self.jobs).free

    # --- starting ---------------------------------------------------------------------------------------

    def start(self, spec: JobSpec, shards: Sequence[Path] = (), environment: Mapping[str, str] | None = None) -> bool:
        """Make the job's directory if it is not there, with these whole shards, and start a detached worker on it.

        False when every work slot of the host is taken; then nothing was made.
        """
        slot = self._free_slot()
        if slot is None:
            return False
        with slot:
            self._create(spec, shards)
            folder = self.jobs / spec.job_id
            (folder / CANCEL).unlink(missing_ok=True)  # it was meant for an earlier attempt
            slot.truncate(0)
            slot.write(spec.job_id.encode())
            slot.flush()
            with (folder / LOG).open("ab") as log:
                # The worker inherits the slot's lock: it is free again when the worker ends, however it ends.
                command, variables = self.command(spec.job_id), {**self.environment, **(environment or {})}
                self.started[spec.job_id] = warm.start(
                    self.python, spec.kind, command[len(WORKER) + 1 :], variables, log.fileno(), [slot.fileno()]
                ) or subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=variables,
                    start_new_session=True,
                    pass_fds=[slot.fileno()],
                )
        return True

    def command(self, job: str) -> list[str]:
        """The command that runs the job's worker."""
        return [self.python, *WORKER, "run", str(self.jobs / job)]

    def _create(self, spec: JobSpec, shards: Sequence[Path]) -> None:
        """The directory appears with its spec as one step; when it is there already nothing happens."""
        if self.exists(spec.job_id):
            return
        draft = self.jobs / f".new-{uuid4().hex}"
        try:
            (draft / OUT).mkdir(parents=True)
            for shard in shards:
                shutil.copyfile(shard, draft / OUT / shard.name)
            (draft / SPEC).write_text(spec.canonical(), encoding="utf-8")
            draft.rename(self.jobs / spec.job_id)  # the system refuses a target that has files
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not self.exists(spec.job_id):
                raise

    # --- slots ------------------------------------------------------------------------------------------

    def _free_slot(self) -> IO[bytes] | None:
        """The locked file of a free slot, or None."""
        for number in [*range(self.slots)] * 2:  # twice, because one who only asks holds a slot for an instant
            handle = (self.locks / f"{number:03d}").open("ab")
            if _take(handle, fcntl.LOCK_EX):
                return handle
            handle.close()
        return None

    def _holds_slot(self, job: str) -> bool:
        """Whether a slot is held in the job's name: its worker was started and has not taken the lock yet."""
        return any(holder == job for holder in map(self._slot_holder, range(self.slots)))

    def _slot_holder(self, number: int) -> str:
        """The job that a slot is held for, `?` in the instant before it is named, empty when the slot is free."""
        try:
            with (self.locks / f"{number:03d}").open("rb") as handle:
                return "" if _take(handle, fcntl.LOCK_SH) else handle.read().decode() or "?"
        except FileNotFoundError:
            return ""

    # --- ending -----------------------------------------------------------------------------------------

    def signal(self, job: str, *, kill: bool) -> None:
        """Mark the job cancelled and send TERM (or KILL) to the process group of its living worker."""
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

    def quarantine(self, job: str, names: Sequence[str]) -> None:
        """Move files of the `out` folder to `bad`, so that the next attempt makes them again."""
        bad = self.jobs / job / QUARANTINE
        bad.mkdir(exist_ok=True)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.jobs / job / OUT / name).rename(bad / f"{uuid4().hex[:8]}-{name}")


@contextlib.contextmanager
def staged(folder: JobFolder, name: str) -> Iterator[list[Path]]:
    """The files that were sent to the folder's staging place `name` (empty: none); they are gone afterwards."""
    place = folder.jobs / f".sent-{name}"
    try:
        yield sorted(place.iterdir()) if name and place.is_dir() else []
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _take(handle: IO[bytes], how: int) -> bool:
    """Take a lock without waiting. A shared one is enough to ask whether somebody holds it."""
    return lock(handle, how | fcntl.LOCK_NB)
