"""Ends what nobody follows any more: jobs of canceled runs, and runs whose process is gone.

Dagster's "force terminate" marks a run canceled and reaches no process, and a run whose process dies with its code
server stays started for ever. `decide` says what to end, from plain facts; the rest gathers them and does it.
"""

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import dagster as dg

from resources.runner.assignments import Assignments
from resources.runner.index import JobView, list_jobs
from resources.runner.run_process import PID_TAG, forget, lives, tagged_alive
from resources.store.partition_keys import parse_partition
from resources.transports.base import HostRefused, HostUnreachable, Transport, stop
from ringrift.errors import InvalidInput

PARTITION_TAG, SERVER_TAG = "dagster/partition", ".dagster/grpc_info"
STARTING_S = 300.0  # a run that Dagster launched has a process by then
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NEWEST = 20  # of the runs of a partition that are looked at

RECENT_S = 2 * 86400.0  # an older assignment of a remote job is nobody's any more

GOING = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What there is to know of a run. `created` is in Unix seconds; `partition` and `assets` are what it works on."""

    id: str
    status: Literal["going", "canceled", "ended"]
    created: float
    partition: tuple[str, int] | None = None
    assets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cleanup:
    """Ids of the jobs to cancel and of the runs to fail, each in the order in which they were given."""

    cancel: list[str]
    fail: list[str]


def plan_cleanup(
    runs: Sequence[RunFacts], jobs: Sequence[JobView], alive: Callable[[RunFacts], bool | None]
) -> Cleanup:
    """What to end. `alive` tells whether a run's process lives; None, nobody can tell, leaves the run alone.

    A running job is cancelled if the newest run that makes its asset of its partition was canceled: after a newer
    one, whatever became of it, the job is that run's business, or was left running on purpose.
    """
    cancel = []
    for job in jobs:
        of_it = [run for run in runs if run.partition == (job.config, job.iteration) and job.asset in run.assets]
        newest = max(of_it, key=lambda run: run.created, default=None)
        if job.status == "running" and newest is not None and newest.status == "canceled":
            cancel.append(job.id)
    return Cleanup(cancel, [run.id for run in runs if run.status == "going" and alive(run) is False])


class RemoteJobs:
    """The jobs of remote hosts, as this home's assignments tell: no host is asked before one of its jobs is to end.

    `connect` gives the transport of a host by its name, None if the hosts file has it no more.
    """

    def __init__(self, assignments: Assignments, connect: Callable[[str], Transport | None]):
        self._assignments, self._connect = assignments, connect
        self._ended: set[tuple[str, int]] = set()  # (job, fencing number) that were found at their end

    def maybe_running(self) -> list[JobView]:
        """The jobs that a remote host has and may be working on."""
        found = []
        for job, held in self._assignments.recent(RECENT_S):
            if held.status == "open" and held.place.startswith("ssh://") and (job, held.fence) not in self._ended:
                asset, config, iteration = job.split("-")[:3]
                number = int(iteration)
                view = JobView(
                    job, asset, config, number, "running", held.host, held.attempt, 0, 0, None, None, None, held.place
                )
                found.append(view)
        return found

    def cancel(self, jobs: Collection[str]) -> list[str]:
        """End these jobs where their hosts answer; those that were running. The others have their turn next time."""
        cancelled = []
        for job in jobs:
            held = self._assignments.get(job)
            transport = self._connect(held.host) if held else None
            if held is None or transport is None:
                continue
            try:
                if transport.alive(job):
                    stop([(transport, job)])
                    cancelled.append(job)
                if not transport.alive(job):
                    self._ended.add((job, held.fence))
            except (HostUnreachable, HostRefused):
                continue
        return cancelled


def reap(instance: dg.DagsterInstance, transports: Sequence[Transport], remote: RemoteJobs | None = None) -> Cleanup:
    """Fail the runs of this machine whose process is gone, then cancel the jobs of canceled runs. Repeatable."""
    failed = fail_dead_runs(instance)
    running = [job for job in list_jobs(transports) if job.status == "running"]
    elsewhere = remote.maybe_running() if remote else []
    runs = _runs_of(instance, {(job.config, job.iteration) for job in [*running, *elsewhere]})
    verdict = plan_cleanup(runs, running, lambda run: None)
    stop([(t, job) for job in verdict.cancel for t in transports if t.alive(job)])
    there = remote.cancel(plan_cleanup(runs, elsewhere, lambda run: None).cancel) if remote else []
    return Cleanup(verdict.cancel + there, failed)


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs failed, or canceled if that was asked for, whose process on this machine is gone; their ids."""
    records = {record.dagster_run.run_id: record for record in instance.get_run_records(dg.RunsFilter(statuses=GOING))}
    runs = [RunFacts(id, "going", record.create_timestamp.timestamp()) for id, record in records.items()]
    verdict = plan_cleanup(runs, [], lambda run: process_alive(instance, records[run.id]))
    for id in verdict.fail:
        run = records[id].dagster_run
        if run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "its process is gone")
        else:
            instance.report_run_failed(run, "its process ended without a word; materialize again to go on")
        forget(instance, run.tags)
    return verdict.fail


def process_alive(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool | None:
    """Whether the process of a run lives; None when it runs on another machine or has not begun.

    A run of the command line names its process in tags (resources.runner.run_process); one that Dagster launched, in an
    event of its own.
    """
    run, created = record.dagster_run, record.create_timestamp.timestamp()
    if PID_TAG in run.tags:
        return tagged_alive(instance, run.tags, created)
    if not _launched_here(run):
        return None
    pid = _launched_pid(instance, run.run_id)
    if pid is not None:
        return lives(pid, record.start_time or time.time())
    waited = time.time() - (record.update_timestamp or record.create_timestamp).timestamp()
    return False if run.status == dg.DagsterRunStatus.STARTING and waited > STARTING_S else None


def _launched_here(run: dg.DagsterRun) -> bool:
    """Whether a code server of this machine has the run; in the queue no server has it yet."""
    try:
        return json.loads(run.tags.get(SERVER_TAG, "{}")).get("host") in LOOPBACK
    except ValueError:
        return False


def _launched_pid(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """Process that executes a launched run, as the run's own first event says."""
    events = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    for record in events:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            return int(str(pid.value))
    return None


def _runs_of(instance: dg.DagsterInstance, partitions: Collection[tuple[str, int]]) -> list[RunFacts]:
    """The newest runs of some partitions, with the assets that each of them planned to make."""
    found = []
    for config, iteration in sorted(partitions):
        tags = {PARTITION_TAG: f"{config}|{iteration:04d}"}
        for record in instance.get_run_records(dg.RunsFilter(tags=tags), limit=NEWEST):
            run = record.dagster_run
            found.append(
                RunFacts(
                    run.run_id,
                    _status(run.status),
                    record.create_timestamp.timestamp(),
                    _partition(run.tags[PARTITION_TAG]),
                    _planned(instance, run.run_id),
                )
            )
    return found


def _status(status: dg.DagsterRunStatus) -> Literal["going", "canceled", "ended"]:
    if status == dg.DagsterRunStatus.CANCELED:
        return "canceled"
    return "ended" if status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE) else "going"


def _partition(key: str) -> tuple[str, int] | None:
    try:
        return parse_partition(key)
    except InvalidInput:
        return None


def _planned(instance: dg.DagsterInstance, run_id: str) -> frozenset[str]:
    """The assets that a run planned to make."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    events = [
        record.event_log_entry.dagster_event for record in instance.get_records_for_run(run_id, of_type=kind).records
    ]
    return frozenset(event.asset_key.path[-1] for event in events if event and event.asset_key)
