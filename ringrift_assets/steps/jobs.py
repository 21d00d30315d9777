"""Jobs inside a step: running them, events to the run's log, failures, and the work they took."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from resources.hosts.host import Capability
from resources.runner.events import JobEvent, JobFailed, JobResult
from resources.runtime import Runtime
from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec

CANCEL_ON = (dg.DagsterExecutionInterruptedError,)
PROGRESS_LOG_S = 10.0


class JobLate(RingRiftError):
    """A job ran out of time; what it has done is kept."""


@dataclass(frozen=True, slots=True)
class JobOutput:
    """What a job that is done has made: `result` from its manifest, and its shards as they were pulled.

    `content_digest` is taken out of the result (None: this kind of job has none).
    """

    result: dict[str, Any]
    content_digest: str | None
    shards: list[Path]
    job: JobResult


def run_jobs(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    specs: Sequence[JobSpec],
    *,
    capability: Capability | None = None,
    minutes: float | None = None,
    apart: Mapping[str, str] | None = None,
) -> list[JobResult]:
    """Run the jobs of a step where `capability` is offered (None: on this machine), for at most `minutes`.

    `apart` holds why some hosts take none of them. A job that ran out of time has no manifest. Raises JobFailed with
    every message when one failed or was lost.
    """
    timeout_s = None if minutes is None else minutes * 60
    results = runtime.run(
        capability, specs, listener=job_log(context), timeout_s=timeout_s, cancel_on=CANCEL_ON, apart=apart
    )
    need_done(results)
    return results


def run_job(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    spec: JobSpec,
    folder: Path | None = None,
    *,
    capability: Capability | None = None,
    minutes: float | None = None,
    setting: str = "",
) -> JobOutput:
    """Run one job to its end and copy its shards into `folder`, if one is given.

    Raises JobFailed, or JobLate when `minutes` were not enough; `setting` is the pipeline's name for them.
    """
    [job] = run_jobs(context, runtime, [spec], capability=capability, minutes=minutes)
    if job.manifest is None:
        more = f", or raise {setting}" if setting else ""
        raise JobLate(f"{spec.job_id} is not over ({job.error}); materialize again to go on where it stopped{more}")
    if folder is not None:
        copy_shards(job.shards, folder)
    result = dict(job.manifest.result)
    return JobOutput(result, result.pop("content_digest", None), job.shards, job)


def copy_shards(shards: Sequence[Path], folder: Path) -> None:
    """Copy pulled shards into a step's folder under their own names."""
    for path in shards:
        shutil.copyfile(path, folder / path.name)


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


def need_whole(results: Sequence[JobResult]) -> None:
    """Raises JobLate when a job was stopped before its end."""
    late = [f"{result.spec.job_id}: {result.error}" for result in results if result.manifest is None]
    if late:
        raise JobLate(f"{'; '.join(late)}. What is done is kept; materialize again to go on from it")


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
