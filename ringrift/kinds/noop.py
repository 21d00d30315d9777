"""A job that does nothing: it shows what a host and the way to it cost.

`params`: `{"seconds": how long it waits}`. It makes no shards.
"""

import time
from typing import Any

from pydantic import Field

from ringrift.jobs.directory import Job
from ringrift.strict import Strict, parse

LOOK_S = 0.05


class NoopParams(Strict):
    """What the spec of the job says."""

    seconds: float = Field(default=0.0, ge=0, le=3600)


def run_noop(job: Job, params: dict[str, Any]) -> dict[str, Any]:
    """Wait so long, and stop at once when asked to."""
    end = time.monotonic() + parse(NoopParams, params, "noop job").seconds
    while (left := end - time.monotonic()) > 0:
        job.check()
        time.sleep(min(left, LOOK_S))
    return {}
