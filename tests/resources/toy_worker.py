"""A worker with job kinds made for tests: no games, no numba, every fault on demand.

Started as `toy_worker.py -m ringrift.jobs.worker run DIR`, or `… ringrift.jobs.agent …`, in the place of a Python
interpreter.
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ringrift.errors import InvalidInput
from ringrift.files import write_text
from ringrift.jobs import agent, worker
from ringrift.jobs.inputs import home_file

worker.JOB_KINDS.update(toy="tests.resources.toy_worker:run_toy")
worker.CANCEL_GRACE_S = 0.5
if "TOY_CLOCK" in os.environ:  # seconds that this machine's clock is ahead
    _now, _ahead = time.time, float(os.environ["TOY_CLOCK"])
    time.time = lambda: _now() + _ahead
worker.CONTRACT_VERSION = int(os.environ.get("TOY_CONTRACT", worker.CONTRACT_VERSION))


def run_toy(job, params):
    """Make `units` text shards, `seconds` each, going on from those that are there.

    `made` (a file) gets one line a unit that was really made. `kill_at`, `fail_at`: the unit before which this
    process kills itself or fails, in the attempts up to `until`. `deaf`: ignore a request to stop. `lines`:
    how long a shard is. `input`: a file of the home that must be there as it was. `hoard`: leave a shard that could
    not be finished where it is.
    """
    if "input" in params:
        home_file(params["input"])
    for unit in range(params["units"]):
        name = f"unit-{unit:03d}.txt"
        path = job.out / name
        faulty = job.attempt <= params.get("until", 1)
        if not path.exists():
            if faulty and params.get("kill_at") == unit:
                os.kill(os.getpid(), signal.SIGKILL)
            if faulty and params.get("fail_at") == unit:
                raise InvalidInput("unit", unit, "it was told to fail")
            end = time.monotonic() + params["seconds"]
            while time.monotonic() < end:
                time.sleep(0.01)
                if not params.get("deaf"):
                    job.check()
            with Path(params["made"]).open("a") as made:
                made.write(f"{job.spec.name} {unit} {job.attempt} {time.time() - params['seconds']} {time.time()}\n")
            text = f"unit {unit} of {job.spec.name}\n" * params.get("lines", 50)
            if params.get("hoard"):
                path.write_text(text)
            else:
                write_text(path, text)
        job.add_shard(name, 50)
        job.report("progress", done=unit + 1, total=params["units"])
    job.log("all units are there")
    return {"units": params["units"]}


if __name__ == "__main__":
    assert sys.argv[1] == "-m", sys.argv
    sys.exit({"ringrift.jobs.worker": worker, "ringrift.jobs.agent": agent}[sys.argv[2]].main(sys.argv[3:]))
