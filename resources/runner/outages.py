"""Which hosts do not answer, since when and why."""

import time

from resources.runner.error_log import ErrorLog
from resources.runner.watched import WatchedJob
from resources.transports.base import HostFaulty, HostRefused, HostUnreachable, Transport

OUT_OF_REACH = (HostUnreachable, HostRefused)
SSH_FAILED = 255  # the code OpenSSH ends with when it is the connection that failed


class Outages:
    """The outages of one run. Each is told once: as a warning of the job that met it, and in the error log."""

    def __init__(self, errors: ErrorLog | None = None):
        self._errors = errors
        self._out: dict[Transport, tuple[float, Exception]] = {}
        self._faulty: dict[Transport, HostFaulty] = {}

    def gone(self, job: WatchedJob | None, transport: Transport, error: Exception) -> None:
        """Note that a host does not answer, or answers what cannot be."""
        if isinstance(error, HostFaulty) and transport not in self._faulty:
            self._faulty[transport] = error
        elif transport in self._out:
            return
        self._out[transport] = time.monotonic(), error
        if job is not None:
            job.tell("log", text=f"WARNING: {error}")
        if self._errors is not None:
            self._errors.write(
                worker=transport.host.name, command=["ssh", transport.where("")], return_code=SSH_FAILED,
                stdout="", stderr=str(error),
            )  # fmt: skip

    def back(self, job: WatchedJob, transport: Transport) -> None:
        """Note that a host answers."""
        out = self._out.pop(transport, None)
        if out is not None:
            job.tell("log", text=f"INFO: {transport.host.name} answers again after {time.monotonic() - out[0]:.0f} s")

    def check(self, transport: Transport) -> None:
        """Raises HostFaulty if the host has answered in this run what cannot be; it is not asked again."""
        if (fault := self._faulty.get(transport)) is not None:
            raise fault

    def faulty(self, transport: Transport) -> HostFaulty | None:
        """What the host answered that cannot be, if it did."""
        return self._faulty.get(transport)

    def may_end(self, transport: Transport, within_s: float) -> bool:
        """Whether it is worth waiting for a host: not if it needs a person, nor `within_s` after it went silent."""
        since, error = self._out[transport]
        return isinstance(error, HostUnreachable) and time.monotonic() - since < within_s
