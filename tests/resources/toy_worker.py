"""A worker that knows the job kinds in `kinds/` too, which are made for tests.

Started as `toy_worker.py -m ringrift.jobs.worker run DIR`, or `… ringrift.jobs.agent …`, in the place of a Python
interpreter.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ringrift import kinds
from ringrift.jobs import agent, worker

kinds.__path__.append(str(Path(__file__).with_name("kinds")))
worker.CANCEL_GRACE_S = 0.5
if "TOY_CLOCK" in os.environ:  # seconds that this machine's clock is ahead
    _now, _ahead = time.time, float(os.environ["TOY_CLOCK"])
    time.time = lambda: _now() + _ahead
worker.CONTRACT_VERSION = int(os.environ.get("TOY_CONTRACT", worker.CONTRACT_VERSION))

if __name__ == "__main__":
    assert sys.argv[1] == "-m", sys.argv
    sys.exit({"ringrift.jobs.worker": worker, "ringrift.jobs.agent": agent}[sys.argv[2]].main(sys.argv[3:]))
