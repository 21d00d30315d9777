"""Toy jobs over folders of this machine, local or through SSH, and the end of every worker that a test started."""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resources.hosts.host import Host
from resources.runner.events import Control, JobEvent
from resources.runner.runner import JobRunner
from resources.ssh.transport import SshTransport
from resources.transports.base import Transport
from resources.transports.local import LocalTransport
from ringrift.jobs.contract import STATE, JobSpec
from ringrift.specs.kinds import PARAMS
from tests.resources.kinds import toy
from tests.sshd import Sshd, known

TOY = Path(__file__).with_name("toy_worker.py")
PARAMS[toy.Params.kind] = toy.Params  # what a job kind adds on the side that plans jobs


class Bench:
    """Makes toy jobs and runners over host folders, and ends every worker it started.

    With a `server` the hosts are reached through it, else they are local. All lie below `folder`.
    """

    def __init__(self, folder: Path, server: Sshd | None = None):
        self.folder = folder
        self.server = server
        self.made = folder / "made.txt"
        self.python = folder / "python"
        self.python.write_text(f'#!/bin/sh\nexec {sys.executable} {TOY} "$@"\n')
        self.python.chmod(0o755)
        self.transports: list[Any] = []
        self.events: list[JobEvent] = []

    def transport(
        self, slots: int = 2, name: str = "here", folder: str = "host", port: int | None = None, **more: Any
    ) -> Any:
        root, transport = self.folder / folder, None
        if self.server is None:
            transport = LocalTransport(Host(name=name, max_parallel_jobs=slots), root, python=str(self.python))
        else:
            host = self.server.host(name, root, self.python, port, max_parallel_jobs=slots)
            transport = SshTransport(host, **more)
            transport.max_poll_s = 2.0
        self.transports.append(transport)
        return transport

    def use(self, variables: str) -> None:
        """Let hosts made from now on run with these variables, `NAME=VALUE …`, as another machine would."""
        self.python = self.folder / f"python{len(self.transports)}"
        self.python.write_text(f'#!/bin/sh\nexec env {variables} {sys.executable} {TOY} "$@"\n')
        self.python.chmod(0o755)

    def path(self, job: JobSpec, folder: str = "host") -> Path:
        """The directory of a job on a host."""
        return self.folder / folder / "jobs-v1" / job.job_id

    def kill(self, job: JobSpec, folder: str = "host") -> None:
        """Kill the worker of a job by the number in its state, and wait for its end."""
        pid = json.loads((self.path(job, folder) / STATE).read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(t.alive(job.job_id) for t in self.transports))

    def leave_free(self, transport: Transport, free: Callable[[], int]) -> None:
        """Let a host say that it has so many bytes free, whatever it has, and a core so fast that it goes first."""
        status = transport.status
        transport.status = lambda: replace(status(), free_bytes=free(), speed=1e15)  # type: ignore[method-assign]

    def spec(self, name: str = "a", units: int = 3, seconds: float = 0.02, **more: object) -> JobSpec:
        params = {"units": units, "seconds": seconds, "made": str(self.made), **more}
        return JobSpec(asset="toy", config="square8_2p", iteration=0, name=name, kind="toy", params=params)

    def runner(
        self,
        slots: int = 2,
        control: Control | None = None,
        hear: Callable[[JobEvent], None] = lambda event: None,
        transports: list[Any] | None = None,
        **more: Any,
    ) -> JobRunner:
        def listener(event: JobEvent) -> None:
            self.events.append(event)
            hear(event)

        hosts = transports or [self.transport(slots)]
        return JobRunner(hosts, self.folder / "inbox", listener, control, poll_s=(0.05, 0.2), **more)

    def lines(self) -> list[list[str]]:
        """name, unit, attempt, start, end of every unit that a worker really made."""
        return [line.split() for line in self.made.read_text().splitlines()] if self.made.exists() else []

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@contextlib.contextmanager
def closing(bench: Bench) -> Iterator[Bench]:
    """At the end no worker of the bench lives and no connection is open."""
    try:
        yield bench
    finally:
        for transport in bench.transports:
            transport.close()
        for path in bench.folder.glob("*/jobs-v1/*"):
            local = LocalTransport(Host(name="here"), path.parents[1])
            local.signal(path.name, kill=True)
        for transport in bench.transports:
            for process in getattr(transport, "started", {}).values():
                process.wait(5)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Hosts of this machine."""
    with closing(Bench(tmp_path)) as bench:
        yield bench


@pytest.fixture(params=["local", "ssh"])
def either_bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Hosts of this machine, then hosts behind an SSH server."""
    server = request.getfixturevalue("sshd") if request.param == "ssh" else None
    if server:
        known(monkeypatch, server)
    with closing(Bench(tmp_path, server)) as bench:
        yield bench


@pytest.fixture
def ssh_bench(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Hosts behind an SSH server."""
    known(monkeypatch, sshd)
    with closing(Bench(tmp_path, sshd)) as bench:
        yield bench


def wait_for(condition: Callable[[], object], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def in_background(runner: JobRunner, specs: list[JobSpec]) -> tuple[threading.Thread, dict]:
    box: dict = {}

    def work() -> None:
        try:
            box["results"] = runner.run(specs)
        except Exception as error:
            box["error"] = error

    thread = threading.Thread(target=work)
    thread.start()
    return thread, box
