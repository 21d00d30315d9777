"""Running jobs to their end: submit or attach, poll, pull shards, verify, restart what was lost, cancel.

A `JobRunner` gets specs and returns one `JobResult` for each. What a job does is no business of this file;
the contract it speaks is `ringrift.contract`.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from resources.assignments import Assignment, Assignments
from resources.disk import JOB_BYTES, DiskPolicy, shown
from resources.error_log import OUTPUT_CHARACTERS, ErrorLog
from resources.events import Cancelled, Control, JobEvent, JobResult
from resources.transport import Transport, stop
from resources.watched import Damaged, WatchedJob
from ringrift.contract import LOG, JobSpec, Manifest

POLL_GROWTH = 1.5
MAX_ATTEMPTS = 3  # of one job within one run, when its worker is lost or its files are damaged
BUSY = 75  # exit code of a worker that found another one at work on the job


class JobRunner:
    """Runs jobs on the given hosts. `inbox` keeps the pulled shards, one folder a job.

    `listener` hears every JobEvent, from the calling thread. `poll_s` is the first and the longest interval
    between two looks at a job; it grows while there is no news, and a transport may cap it lower. `assignments`
    (default: a folder beside the inbox) says which host has which job; runners that share hosts share it too.
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
        self.listener = listener
        self.control = control or Control()
        self.first_poll_s = poll_s[0]
        self.max_poll_s = min([poll_s[1], *(t.max_poll_s for t in self.transports)])
        self.assignments = assignments or Assignments(inbox.parent / "assignments")
        self.disk = disk or DiskPolicy()
        self.errors = errors

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
        jobs = [self._watched(spec) for spec in specs]
        stops: tuple[type[BaseException], ...] = (Cancelled, *cancel_on)
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        for job in jobs:
            games = job.spec.params.get("games")
            job.tell("queued", total=games if isinstance(games, int) else 0)
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
        return WatchedJob(spec, spec.job_id, self.inbox / spec.job_id, self.assignments, self.listener)

    def _pause(self, jobs: list[WatchedJob]) -> float:
        """Seconds until the next thing to do."""
        now = time.monotonic()
        due = [job.due - now for job in jobs if job.result is None]
        return max(0.05, min(due)) if due else 0.0

    def _round(self, jobs: list[WatchedJob]) -> None:
        full = False  # once a job found no free slot, those behind it need not ask again this time
        for job in jobs:
            if job.due > time.monotonic() or (full and job.looked):
                continue
            waiting = job.transport is None
            news = self._admit(job) if waiting else self._poll(job)
            full = full or (waiting and not news)
            fresh = waiting or news or not job.interval
            longer = self.first_poll_s if fresh else job.interval * POLL_GROWTH
            job.interval = min(longer, self.max_poll_s)
            job.due = time.monotonic() + job.interval

    # --- starting ---------------------------------------------------------------------------------------

    def _admit(self, job: WatchedJob) -> bool:
        """Attach to the job where it is, or start it on the first host that may have it. False: it waits."""
        job.looked = True
        held = self.assignments.get(job.id) or self._adopt(job)
        job.fence = held.fence if held else 0
        own = self._own(job, held) if held else None
        if own is not None and own.exists(job.id):
            job.go_to(own)
            if self._finish(job) or own.alive(job.id):
                if job.result is None:
                    job.tell("attached")
                return True
            job.transport = None
        return self._place(job, held, own)

    def _own(self, job: WatchedJob, held: Assignment) -> Transport | None:
        """The host of an assignment: by the job's directory, else, in a home that was moved, by its name."""
        at_place = [t for t in self.transports if t.where(job.id) == held.place]
        named = [t for t in self.transports if t.host.name == held.host and t.exists(job.id)]
        return next(iter(at_place + named), None)

    def _adopt(self, job: WatchedJob) -> Assignment | None:
        """Enter who has the job if a directory is there that no assignment names; the living one goes first."""
        having = [t for t in self.transports if t.exists(job.id)]
        having.sort(key=lambda t: not t.alive(job.id))
        return self._assign(job, having[0], 0) if having else None

    def _assign(self, job: WatchedJob, transport: Transport, after: int, attempt: int = 1) -> Assignment | None:
        place = transport.where(job.id)
        return self.assignments.assign(job.id, transport.host.name, place, attempt, after)

    def _place(self, job: WatchedJob, held: Assignment | None, own: Transport | None) -> bool:
        """Start the job on a host with room and a free slot, its own before others. True if done."""
        refused = {}
        for transport in self.transports:
            if why := self.disk.refusal(transport.host.name, transport.free_bytes(), job.spec):
                refused[transport] = why
                job.tell_once(f"no room: {why}")
        if len(refused) == len(self.transports):
            self._settle(job, "failed", error=f"no host has room on its disk: {'; '.join(refused.values())}")
            return True
        for transport in self._candidates(job, held, own, own in refused):
            if transport in refused:
                continue
            if self._start(job, transport):
                return True
            job.transport = None
        return False

    def _candidates(
        self, job: WatchedJob, held: Assignment | None, own: Transport | None, own_refused: bool
    ) -> list[Transport]:
        """The hosts that may have the job: that of the assignment, and others once its copy is out of play.

        It is when its worker ended by its own word and cannot go on there, or when it gave no sign of life for the
        stated time.
        """
        if held is None:
            return self.transports
        others = [t for t in self.transports if t is not own]
        state = None
        if own is not None and own.exists(job.id):
            job.go_to(own)
            state = job.state()
            job.transport = None
        if held.status == "done" or (state is not None and state.status != "running"):
            free = own is None or own_refused
        else:
            silent = self.assignments.silent_s(held, state.heartbeat if state else None)
            free = silent >= self.assignments.lost_s
            if others and not free and (own is None or own_refused):
                job.tell_once(
                    f"{held.host} has this job and may still be at work on it; another host gets it once "
                    f"{held.host} gave no sign of life for {self.assignments.lost_s:g} s"
                )
        return ([own] if own is not None else []) + (others if free else [])

    def _start(self, job: WatchedJob, transport: Transport) -> bool:
        """Enter the assignment, then start a worker. False when the host is full or another runner was faster."""
        shards = job.shards() if job.place not in ("", transport.where(job.id)) else []
        job.go_to(transport)
        state = job.state()
        before = state.attempt if state else 0
        alive = transport.alive(job.id)  # an earlier assignment's worker, back from where nobody saw it
        new = self._assign(job, transport, job.fence, max(before + (not alive), 1))
        if new is None:
            return False
        if alive:
            job.fence = new.fence
            job.tell("attached")
            return True
        try:
            started = transport.start(job.spec, shards)
        except BaseException:
            self.assignments.withdraw(job.id, new.fence)
            raise
        if not started:
            self.assignments.withdraw(job.id, new.fence)
            return False
        job.fence, job.before = new.fence, before
        job.attempts += 1
        job.tell("started", text=f"attempt {before + 1}")
        return True

    # --- watching ---------------------------------------------------------------------------------------

    def _poll(self, job: WatchedJob) -> bool:
        """One look at a job. True when something was new."""
        if not job.is_mine():
            return self._lose(job)
        ended = not job.at.alive(job.id)  # asked first: what is read below was complete if it had ended
        if not ended:
            self.assignments.saw(job.id, job.fence)
        news = job.messages()
        if self._finish(job):
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

    def _finish(self, job: WatchedJob) -> bool:
        """Take the result if the manifest verifies; damaged files are set aside. True when settled."""
        try:
            manifest = job.manifest()
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
            job.transport = None
        else:
            self._settle(job, "lost", error=f"the worker disappeared {job.attempts} times", return_code=code)

    # --- ending -----------------------------------------------------------------------------------------

    def cancel(self, jobs: list[WatchedJob], why: str) -> None:
        """Stop jobs: TERM to each process group, KILL after 10 s; their whole shards are pulled and kept."""
        stop([(job.at, job.id) for job in jobs if job.transport is not None])
        for job in jobs:
            if job.transport is not None and not self._finish(job):
                job.messages()
                job.pull()
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
        host = job.at.host.name if job.transport else "-"
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
