"""A job that does nothing: it shows what a host and the way to it cost.

It makes no shards.
"""

import time
from typing import Any, TypeAlias

from ringrift.jobs.directory import Job
from ringrift.specs.noop import NoopParams

Params: TypeAlias = NoopParams
CHECK_S = 0.05  # between two questions whether the job was cancelled


def run(job: Job, params: NoopParams) -> dict[str, Any]:
    """Wait so long, and stop at once when asked to."""
    end = time.monotonic() + params.seconds
    while (left := end - time.monotonic()) > 0:
        job.check()
        time.sleep(min(left, CHECK_S))
    return {}
