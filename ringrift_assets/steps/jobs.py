"""Jobs inside a step: events to the run's log, failures, and the work they took."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from resources.runner.events import JobEvent, JobFailed, JobResult

CANCEL_ON = (dg.DagsterExecutionInterruptedError,)
PROGRESS_LOG_S = 10.0


def job_log(context: dg.AssetExecutionContext) -> Callable[[JobEvent], None]:
    """A listener that writes job events to the run's log; a job's progress at once, then every PROGRESS_LOG_S."""
    last: dict[str, float] = {}

    def hear(event: JobEvent) -> None:
        where = f"{event.job} on {event.host}"
        if event.kind == "progress":
            now = time.monotonic()
            if now - last.get(event.job, -PROGRESS_LOG_S) >= PROGRESS_LOG_S:
                last[event.job] = now
                context.log.info(f"{where}: {event.done} of {event.total}")
        elif event.kind == "log":
            level, _, text = event.text.partition(": ")
            context.log.log(level if level in ("WARNING", "ERROR") else "INFO", f"{where}: {text}")
        elif event.kind in ("failed", "lost"):
            context.log.warning(f"{where}: {event.kind}. {event.text}")
        elif event.kind != "queued" and event.host != "-":
            context.log.info(f"{where}: {event.kind} {event.text}".rstrip())

    return hear


def need_done(results: Sequence[JobResult]) -> None:
    """Raises JobFailed with every message when a job failed or was lost for good."""
    faults = [result.error or result.status for result in results if result.status in ("failed", "lost")]
    if faults:
        raise JobFailed("\n".join(faults) + "\nFinished games are kept; materialize again to go on from them.")


def provenance_of(results: Sequence[JobResult], waited_s: float) -> dict[str, Any]:
    """Provenance of some jobs: wall and processor seconds, jobs per host, workers' versions.

    The wall time runs from the first worker's start to the last one's end, which for a job that was attached
    to is longer than the time this run waited (`waited_s`, taken when no worker reported).
    """
    workers = [result.manifest.worker for result in results if result.manifest]
    starts = [worker["started"] for worker in workers]
    ends = [worker["started"] + worker["wall_s"] for worker in workers]
    wall_s = max(ends) - min(starts) if workers else waited_s
    hosts: dict[str, int] = {}
    for result in results:
        hosts[result.host] = hosts.get(result.host, 0) + 1
    return {
        "wall_s": round(wall_s, 3),
        "cpu_s": round(sum(worker.get("cpu_s", 0.0) for worker in workers), 3),
        "hosts": hosts,
        "workers": sorted({f"{worker.get('version')} on {worker.get('host')}" for worker in workers}),
        "jobs": [result.spec.job_id for result in results],
        "attempts": sum(result.attempts for result in results),
    }
