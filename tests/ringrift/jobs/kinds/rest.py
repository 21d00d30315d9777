"""Job kind: says that it works, then sleeps without looking up, like a long kernel."""

import time

from ringrift.specs.params import JobParams


class Params(JobParams):
    kind = "rest"


def run(job, params):
    job.report("resting")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(1)
    return {}
