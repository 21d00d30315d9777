"""Running jobs to their end: submit or attach, poll, pull shards, verify, restart what was lost, cancel.

A `JobRunner` gets specs and returns one `JobResult` for each. What a job does is no business of this file;
the contract it speaks is `ringrift.jobs.contract`.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from resources.hosts.requirements import JOB_BYTES, DiskPolicy, shown
from resources.runner.assignments import Assignments
from resources.runner.error_log import OUTPUT_CHARACTERS, ErrorLog
from resources.runner.events import Cancelled, Control, JobEvent, JobResult
from resources.runner.fan_out import SideBySide
from resources.runner.outages import OUT_OF_REACH, Outages
from resources.runner.placement import NoHost, Placement
from resources.runner.watched import Damaged, WatchedJob
from resources.transports.base import Transport, stop
from ringrift.jobs.contract import LOG, JobSpec, Manifest
from ringrift.jobs.folder import Look
from ringrift.specs.kinds import planned_games

POLL_GROWTH = 1.5
MAX_ATTEMPTS = 3  # of one job within one run, when its worker is lost or its files are damaged
BUSY = 75  # exit code of a worker that found another one at work on the job


class JobRunner:
    """Runs jobs on the given hosts. `inbox` keeps the pulled shards, one folder a job.

    `listener` hears every JobEvent, from the calling thread. Hosts are polled side by side, a thread each, and one that
    cannot be reached holds up nobody: its jobs wait, and go elsewhere once it was silent for the stated time.
    `poll_s` is the first and the longest interval between two looks at a job; it grows while there is no news, and a
    transport may cap it lower. `assignments` (default: a folder beside the inbox) says which host has which job;
    runners that share hosts share it too.
    """

    def __init__(
        self,
        transports: Sequence[Transport],
        inbox: Path,
        listener: Callable[[JobEvent], None] = lambda event: None,
        control: Control | None = None,
        poll_s: tuple[float, float] = (0.5, 60.0),
        *,
        assignments: Assignments | None = None,
        disk: DiskPolicy | None = None,
        errors: ErrorLog | None = None,
    ):
        self.transports = list(transports)
        self.inbox = inbox
        self.control = control or Control()
        self.first_poll_s = poll_s[0]
        self.max_poll_s = min([poll_s[1], *(t.max_poll_s for t in self.transports)])
        self.assignments = assignments or Assignments(inbox.parent / "assignments")
        self.errors = errors
        self._hosts = SideBySide(listener)
        self._outages = Outages(errors)
        self._placement = Placement(self.transports, self.assignments, disk or DiskPolicy(), self._outages, self._hosts)

    def run(
        self,
        specs: Sequence[JobSpec],
        *,
        timeout_s: float | None = None,
        cancel_on: tuple[type[BaseException], ...] = (),
    ) -> list[JobResult]:
        """Run the jobs, several at once while hosts have free slots; results in the order of `specs`.

        After `timeout_s` seconds what still runs is cancelled and its whole shards are kept. An exception of
        `cancel_on`, or a cancel asked through the control, stops the jobs; any other leaves them running.
        """
        self._placement.begin()
        jobs = [self._watched(spec) for spec in specs]
        stops: tuple[type[BaseException], ...] = (Cancelled, *cancel_on)
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        for job in jobs:
            job.tell("queued", total=planned_games(job.spec) or 0)
        try:
            while open_jobs := [job for job in jobs if job.result is None]:
                if deadline is not None and time.monotonic() >= deadline:
                    self.cancel(open_jobs, f"not finished within {timeout_s:g} s")
                    break
                self._round(open_jobs)
                self.control.wait(self._pause(open_jobs))
        except stops:
            self.cancel([job for job in jobs if job.result is None], "cancelled by a person")
            raise
        return [job.result for job in jobs if job.result is not None]

    def _watched(self, spec: JobSpec) -> WatchedJob:
        return WatchedJob(spec, spec.job_id, self.inbox / spec.job_id, self.assignments, self._hosts.tell)

    def _pause(self, jobs: list[WatchedJob]) -> float:
        """Seconds until the next thing to do."""
        now = time.monotonic()
        due = [job.due - now for job in jobs if job.result is None]
        return max(0.05, min(due)) if due else 0.0

    def _round(self, jobs: list[WatchedJob]) -> None:
        now = time.monotonic()
        due = [job for job in jobs if job.due <= now]
        by_host: dict[Transport, list[WatchedJob]] = {}
        for job in due:
            if job.transport is not None:
                by_host.setdefault(job.transport, []).append(job)
        waiting = [job for job in due if job.transport is None]
        self._hosts.each([lambda own=own: self._poll_all(own) for own in by_host.values()])  # type: ignore[misc]
        full = False  # once a job found no free slot, those behind it need not ask again this time
        for job in waiting:
            if full and job.looked:
                continue
            news = self._admit(job)
            full = full or not news
            self._next(job, fresh=True)

    def _next(self, job: WatchedJob, fresh: bool) -> None:
        """When the job is looked at again: soon if it is fresh, else later and later."""
        longer = self.first_poll_s if fresh or not job.interval else job.interval * POLL_GROWTH
        job.interval = min(longer, self.max_poll_s)
        job.due = time.monotonic() + job.interval

    def _poll_all(self, jobs: Sequence[WatchedJob]) -> None:
        """One look at each of these jobs of one host."""
        for job in jobs:
            transport = job.at
            try:
                self._outages.check(transport)
                news = self._poll(job)
                self._outages.back(job, transport)
            except OUT_OF_REACH as error:
                self._outages.gone(job, transport, error)
                news = self._give_up(job)
            self._next(job, fresh=news)

    def _admit(self, job: WatchedJob) -> bool:
        """Attach to the job where it is, or start it on the first host that may have it. False: it waits."""
        job.looked = True
        held = self._placement.held(job)
        own = self._placement.own(job, held) if held else None
        if own is not None:
            try:
                if self._attached(job, own):
                    return True
            except OUT_OF_REACH as error:
                self._outages.gone(job, own, error)
                own = None
            job.transport = None
        try:
            return self._placement.place(job, held, own)
        except NoHost as error:
            self._settle(job, "failed", error=str(error))
            return True

    def _attached(self, job: WatchedJob, own: Transport) -> bool:
        """Whether the job is done or has a living worker on its host; then it is followed there."""
        self._outages.check(own)
        if not own.exists(job.id):
            return False
        job.go_to(own)
        look = own.look(job.id, job.offset)
        if not (self._finish(job, look) or look.alive):
            return False
        if job.result is None:
            job.tell("attached")
        return True

    def _give_up(self, job: WatchedJob) -> bool:
        """Let a job go elsewhere if its host cannot be trusted, or was silent for too long and there is another one."""
        held, fault, lost_s = self.assignments.get(job.id), self._outages.faulty(job.at), self.assignments.lost_s
        if fault is None and (held is None or len(self.transports) < 2 or self.assignments.silent_s(held) < lost_s):
            return False
        job.tell("lost", text=str(fault or f"{job.at.host.name} gave no sign of life for {lost_s:g} s"))
        job.transport = None
        return True

    # --- watching ---------------------------------------------------------------------------------------

    def _poll(self, job: WatchedJob) -> bool:
        """One look at a job. True when something was new."""
        if not job.is_mine():
            return self._lose(job)
        look = job.at.look(job.id, job.offset)
        ended = not look.alive
        if not ended:
            self.assignments.saw(job.id, job.fence)
        news = job.messages(look.messages)
        if self._finish(job, look):
            return True
        news = job.pull() or news
        if not ended:
            return news
        self._ended(job)
        return True

    def _lose(self, job: WatchedJob) -> bool:
        """The job was given to somebody else: what this host makes of it is ignored from now on."""
        job.tell("log", text="WARNING: the job was started elsewhere meanwhile; this worker's shards are ignored")
        job.transport = None
        return True

    def _finish(self, job: WatchedJob, look: Look) -> bool:
        """Take the result if the manifest verifies; damaged files are set aside. True when settled."""
        try:
            manifest = job.manifest(look.manifest)
        except Damaged as damage:
            return self._damaged(job, damage)
        if manifest is None or not self.assignments.finish(job.id, job.fence):
            return False
        shards = [job.inbox / entry.name for entry in manifest.shards]
        self._settle(job, "done", shards=shards, manifest=manifest)
        return True

    def _damaged(self, job: WatchedJob, damage: Damaged) -> bool:
        """Set damaged files aside so that the next attempt makes them again."""
        job.at.quarantine(job.id, damage.names)
        job.forget(damage.names)
        job.tell("log", text=f"WARNING: {damage}; set aside, the job makes them again")
        if job.attempts >= MAX_ATTEMPTS:
            self._settle(job, "failed", error=str(damage))
            return True
        return False

    def _ended(self, job: WatchedJob) -> None:
        """The worker is gone and left no verified manifest: failed by its own word, or lost."""
        state, code = job.state(), job.at.exited(job.id)
        reported = state is not None and state.attempt > job.before
        if reported and state is not None and state.status in ("failed", "cancelled"):
            error = state.error or f"exit code {state.exit_code}"
            self._settle(job, state.status, error=error, return_code=state.exit_code)
        elif code is not None and code > 0 and code != BUSY:
            free, error = job.at.free_bytes(), f"the worker ended with code {code} and could not say why"
            if free < JOB_BYTES:
                error = f"the disk is full ({shown(free)} free): {error}; free some space and run the job again"
            self._settle(job, "failed", error=error, return_code=code)
        elif job.attempts < MAX_ATTEMPTS:
            text = "the worker is gone; its shards are kept and it starts again"
            job.tell("lost", text=text)
            self._write_error(job, text, code)
            self._placement.freed(job.at)
            job.transport = None
        else:
            self._settle(job, "lost", error=f"the worker disappeared {job.attempts} times", return_code=code)

    # --- ending -----------------------------------------------------------------------------------------

    def cancel(self, jobs: list[WatchedJob], why: str) -> None:
        """Stop jobs: TERM to each process group, KILL after 10 s; their whole shards are pulled and kept."""
        stop([(job.at, job.id) for job in jobs if job.transport is not None])
        for job in jobs:
            try:
                if job.transport is not None and not self._finish(job, job.at.look(job.id, job.offset)):
                    job.messages()
                    job.pull()
            except OUT_OF_REACH as error:
                why = f"{why}; {error}, so its worker may go on: ringrift jobs cancel {job.id}"
            if job.result is None:
                self._settle(job, "cancelled", error=why)

    def _settle(
        self,
        job: WatchedJob,
        status: Literal["done", "failed", "cancelled", "lost"],
        *,
        shards: list[Path] | None = None,
        manifest: Manifest | None = None,
        error: str | None = None,
        return_code: int | None = None,
    ) -> None:
        host = "-"
        if job.transport is not None:
            host = job.transport.host.name
            self._placement.freed(job.transport)
        if job.transport is not None and status in ("failed", "lost"):
            self._write_error(job, error or status, return_code)
            tail = job.log_tail(2000) if status == "failed" else ""
            where = f"{job.at.where(job.id)}/{LOG}"
            error = f"{job.id} on {host}: {error}" + (f"\nlast lines of its log ({where}):\n{tail}" if tail else "")
        elif status == "failed":
            error = f"{job.id}: {error}"
        shards = job.shards() if shards is None else shards
        job.result = JobResult(job.spec, status, host, job.attempts, shards, manifest, error)
        job.tell(status, text=error or "")

    def _write_error(self, job: WatchedJob, error: str, return_code: int | None) -> None:
        """An entry in the error log: a worker prints to one file, so its output is stdout, what we know is stderr."""
        if self.errors is None:
            return
        try:
            self.errors.write(
                worker=job.at.host.name,
                command=job.at.command(job.id),
                return_code=return_code,
                stdout=job.log_tail(OUTPUT_CHARACTERS),
                stderr=error,
            )
        except OSError as problem:  # a full disk must not hide why the job failed
            job.tell_once(f"the error log could not be written: {problem}")
