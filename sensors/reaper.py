"""Tidying up after failures: every half minute, what nobody follows any more is ended."""

from pathlib import Path

import dagster as dg

from resources.hosts.file import load_hosts
from resources.runner.assignments import Assignments
from resources.runner.index import local_hosts
from resources.runner.reaper import Cleanup, RemoteJobs, reap
from resources.runtime import Runtime
from resources.store.home import Home
from resources.transports.base import Transport

INTERVAL_S = 30


@dg.sensor(
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Cancels the jobs of canceled runs and fails runs whose process is gone.",
)
def reaper(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Works on the home and hosts file of this process and asks for no runs; the tick says what it ended."""
    verdict = reap(context.instance, local_hosts(Home().root, load_hosts()), remote_jobs(Home()))
    return dg.SkipReason(tick_message(verdict))


def remote_jobs(home: Home) -> RemoteJobs:
    """What this process knows of the home's jobs on remote hosts; it is kept from tick to tick."""
    if home.root not in _remote:
        runtime = Runtime(home)

        def connect(name: str) -> Transport | None:
            host = next((host for host in load_hosts() if host.name == name and not host.is_local), None)
            return runtime.transport(host) if host else None

        _remote[home.root] = RemoteJobs(Assignments(home.assignments), connect)
    return _remote[home.root]


_remote: dict[Path, RemoteJobs] = {}


def tick_message(verdict: Cleanup) -> str:
    """What was ended, for the tick's line."""
    ended = [f"cancelled job {job}" for job in verdict.cancel] + [f"failed run {run}" for run in verdict.fail]
    return "; ".join(ended) if ended else "nothing to end"
