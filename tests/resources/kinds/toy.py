"""Job kind made for tests: no games, no numba, every fault on demand."""

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from ringrift.errors import InvalidInput
from ringrift.files import write_text
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import InputFile, home_file
from ringrift.specs.params import JobParams


class Params(JobParams):
    """Make `units` text shards, `seconds` each, going on from those that are there."""

    kind: ClassVar[str] = "toy"
    units: int
    seconds: float
    made: str  # a file that gets one line a unit that was really made
    kill_at: int | None = None  # the unit before which the process kills itself, in the attempts up to `until`
    fail_at: int | None = None  # the same for a failure
    until: int = 1
    deaf: bool = False  # ignores a request to stop
    lines: int = 50  # how long a shard is
    input: InputFile | None = None  # a file of the home that must be there as it was
    hoard: bool = False  # leaves a shard that could not be finished where it is
    games: int | None = None  # what the job says that it brings home

    def planned_games(self) -> int | None:
        return self.games


def run(job: Job, params: Params) -> dict[str, int]:
    """See Params."""
    if params.input is not None:
        home_file(params.input)
    for unit in range(params.units):
        name = f"unit-{unit:03d}.txt"
        path = job.out / name
        faulty = job.attempt <= params.until
        if not path.exists():
            if faulty and params.kill_at == unit:
                os.kill(os.getpid(), signal.SIGKILL)
            if faulty and params.fail_at == unit:
                raise InvalidInput("unit", unit, "it was told to fail")
            end = time.monotonic() + params.seconds
            while time.monotonic() < end:
                time.sleep(0.01)
                if not params.deaf:
                    job.check()
            with Path(params.made).open("a") as made:
                made.write(f"{job.spec.name} {unit} {job.attempt} {time.time() - params.seconds} {time.time()}\n")
            text = f"unit {unit} of {job.spec.name}\n" * params.lines
            if params.hoard:
                path.write_text(text)
            else:
                write_text(path, text)
        job.add_shard(name, 50)
        job.report("progress", done=unit + 1, total=params.units)
    job.log("all units are there")
    return {"units": params.units}
