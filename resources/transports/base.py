"""How the orchestrator reaches a host: a few file operations and `start`, the same for every kind of host."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from resources.hosts.host import Host
from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.folder import FolderStatus, Look
from ringrift.jobs.view import JobView

NO_SIZES: Mapping[str, int] = MappingProxyType({})
KILL_AFTER_S = 10.0  # a worker that was told to stop may take so long


class HostUnreachable(RingRiftError):
    """The host does not answer now; it may later. `sent`: it may have got the request that was not answered."""

    def __init__(self, host: str, why: str, *, sent: bool = False):
        super().__init__(f"{host} cannot be reached: {why}")
        self.host, self.why, self.sent = host, why, sent


class HostRefused(RingRiftError):
    """The host answers and cannot be used as it is; the message has the remedy. Trying again does not help."""


class HostFaulty(HostRefused):
    """What the host answers, or what its worker says, cannot be: its jobs go elsewhere and it gets none in this run."""


def reason(error: RingRiftError, host: str) -> str:
    """The error's words without the host's name in front, for places that show the name themselves."""
    return str(error).removeprefix(host).lstrip(": ")


class Transport(Protocol):
    """One host. Names of files are relative to a job's directory; every call may be repeated safely.

    Calls for a remote host raise HostUnreachable, which says nothing about its jobs, or HostRefused.
    """

    host: Host
    max_poll_s: float
    status_s: float  # an answer to `status` holds good so long, while no job ends there

    def where(self, job: str) -> str:
        """The job's directory, for messages, and unique over all hosts. Known without asking the host."""

    def exists(self, job: str) -> bool:
        """Whether the job's directory is there."""

    def job_ids(self) -> list[str]:
        """Names of the jobs whose directories are there."""

    def read(self, job: str, name: str, offset: int = 0, limit: int = -1) -> bytes | None:
        """Bytes of a file from `offset` (negative: from the end), at most `limit`, or None without such a file."""

    def look(self, job: str, offset: int) -> Look:
        """Sign of life, messages from `offset`, manifest: all of a poll at once."""

    def fetch(self, job: str, names: Sequence[str], folder: Path, sizes: Mapping[str, int] = NO_SIZES) -> None:
        """Copy files of the `out` folder to a folder here, each atomically; those that are not there are left out.

        So is one that has not as many bytes as `sizes` says under its name.
        """

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

    def status(self) -> FolderStatus:
        """Free space, free slots, speed of a core."""

    def free_bytes(self) -> int:
        """Free space of the disk that holds the jobs."""

    def skew_s(self) -> float:
        """The host's clock minus ours, in seconds."""

    def views(self, jobs: Sequence[str] | None = None) -> list[JobView]:
        """What these jobs (default: all) are doing."""

    def probe(self) -> dict[str, Any]:
        """How busy the machine is; see ringrift.jobs.probe."""

    def quarantine(self, job: str, names: Sequence[str]) -> None:
        """Move files of the `out` folder to `bad`, so that the next attempt makes them again."""

    def send(self, source: Path, name: str) -> bool:
        """Copy a small file to `name` below the host's folder, where it appears whole; False if it is there already."""

    def close(self) -> None:
        """Let go of the connection; the jobs go on."""


def stop(running: Sequence[tuple[Transport, str]]) -> None:
    """Stop jobs: TERM to the process group of each, KILL to those that live `KILL_AFTER_S` seconds later.

    A host that cannot be reached is left out; its jobs end with the next cancel that reaches it.
    """
    lost: set[Transport] = set()

    def ask(transport: Transport, what: Any) -> Any:
        try:
            return None if transport in lost else what()
        except (HostUnreachable, HostRefused):
            lost.add(transport)
            return None

    for kill in (False, True):
        for transport, job in running:
            ask(transport, lambda t=transport, j=job: t.signal(j, kill=kill))  # noqa: B023  # called at once
        limit = time.monotonic() + KILL_AFTER_S
        while time.monotonic() < limit:
            if not any(ask(transport, lambda t=transport, j=job: t.alive(j)) for transport, job in running):
                break
            time.sleep(0.05)
