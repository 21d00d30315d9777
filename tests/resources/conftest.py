"""Toy jobs over folders of this machine, and the end of every worker that a test started."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.events import Control, JobEvent
from resources.hosts import Host
from resources.jobs import JobRunner
from resources.transport import LocalTransport
from ringrift.contract import JobSpec

TOY = Path(__file__).with_name("toy_worker.py")


class Bench:
    """Makes toy jobs and runners over one host folder, and ends every worker it started."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.made = folder / "made.txt"
        self.python = folder / "python"
        self.python.write_text(f'#!/bin/sh\nexec {sys.executable} {TOY} "$@"\n')
        self.python.chmod(0o755)
        self.transports: list[LocalTransport] = []
        self.events: list[JobEvent] = []

    def transport(self, slots: int = 2, name: str = "here", folder: str = "host") -> LocalTransport:
        host = Host(name=name, max_parallel_jobs=slots)
        transport = LocalTransport(host, self.folder / folder, python=str(self.python))
        self.transports.append(transport)
        return transport

    def spec(self, name: str = "a", units: int = 3, seconds: float = 0.02, **more: object) -> JobSpec:
        params = {"units": units, "seconds": seconds, "made": str(self.made), **more}
        return JobSpec(asset="toy", config="square8_2p", iteration=0, name=name, kind="toy", params=params)

    def runner(
        self,
        slots: int = 2,
        control: Control | None = None,
        hear: Callable[[JobEvent], None] = lambda event: None,
        transports: list[LocalTransport] | None = None,
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


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for transport in bench.transports:
        for job in transport.jobs.iterdir() if transport.jobs.is_dir() else ():
            transport.signal(job.name, kill=True)
        for process in transport.started.values():
            process.wait(5)


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
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
