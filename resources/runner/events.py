"""What a run of jobs tells while it goes on and at its end, and how a person tells it to stop."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec, JobStatus, Manifest


class JobFailed(RingRiftError):
    """A job ended without a result; the message has its own words and where its log lies."""


class Detached(RingRiftError):
    """Somebody stopped watching; the jobs go on and the same command attaches to them again."""


class Cancelled(RingRiftError):
    """Somebody cancelled the jobs."""


EventKind = Literal["queued", "attached", "started", "progress", "log", "done", "failed", "lost", "cancelled"]


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something a person may want to see. `done` of `total` are the job's own units, games for selfplay.

    `queued` comes once for each job, with the total where the spec tells it.
    """

    kind: EventKind
    job: str
    host: str
    done: int = 0
    total: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class JobResult:
    """How one job ended. `shards` are whole files in the inbox: verified if done, else what was pulled."""

    spec: JobSpec
    status: JobStatus
    host: str
    attempts: int
    shards: list[Path]
    manifest: Manifest | None = None
    error: str | None = None


class Control:
    """What a person asks of a running `JobRunner` from another thread: `detach` or `cancel`."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._what: Literal["detach", "cancel"] = "detach"

    def ask(self, what: Literal["detach", "cancel"]) -> None:
        """Leave the jobs running and return (`detach`), or stop them too (`cancel`)."""
        self._what = what
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether somebody asked for anything."""
        return self._asked.is_set()

    @property
    def what(self) -> Literal["detach", "cancel"]:
        """What was asked for."""
        return self._what

    def wait(self, seconds: float) -> None:
        """Sleep, at most `seconds`. Raises Detached or Cancelled as soon as somebody asked for it."""
        if not self._asked.wait(max(seconds, 0)):
            return
        if self._what == "cancel":
            raise Cancelled("cancelled: the jobs were stopped; a new run goes on from their finished shards")
        raise Detached("detached: the jobs go on; run the same command again to attach to them")
