"""Tidying up after failures: every half minute, what nobody follows any more is ended."""

import dagster as dg

from resources.hosts import load_hosts
from resources.job_index import local_hosts
from resources.reaper import Verdict, reap
from resources.storage import Home

INTERVAL_S = 30


@dg.sensor(
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends the jobs of canceled runs and fails the runs whose process is gone.",
)
def reaper(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Works on the home and hosts file of this process and asks for no runs; the tick says what it ended."""
    verdict = reap(context.instance, local_hosts(Home().root, load_hosts()))
    return dg.SkipReason(words(verdict))


def words(verdict: Verdict) -> str:
    """What was ended, for the tick's line."""
    ended = [f"cancelled job {job}" for job in verdict.cancel] + [f"failed run {run}" for run in verdict.fail]
    return "; ".join(ended) if ended else "nothing to end"
