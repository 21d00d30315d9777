"""Running jobs to their end: submit or attach, poll, pull shards, verify, restart what was lost, cancel.

A `JobRunner` gets specs and returns one `JobResult` for each. What a job does is no business of this file;
the contract it speaks is `ringrift.contract`.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Literal

from resources.assignments import Assignment, Assignments
from resources.disk import JOB_BYTES, DiskPolicy, shown
from resources.error_log import OUTPUT_CHARACTERS, ErrorLog
from resources.events import Cancelled, Control, JobEvent, JobResult
from resources.round_robin import WeightedRoundRobin
from resources.transport import HostRefused, HostUnreachable, Transport, stop
from resources.watched import Damaged, WatchedJob
from ringrift.contract import LOG, JobSpec, Manifest
from ringrift.job_folder import Look

POLL_GROWTH = 1.5
MAX_ATTEMPTS = 3  # of one job within one run, when its worker is lost or its files are damaged
OUT_OF_REACH = (HostUnreachable, HostRefused)
HOSTS_AT_ONCE = 32
SSH_FAILED = 255  # the code OpenSSH ends with when it is the connection that failed
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
        self.listener = listener
        self.control = control or Control()
        self._thread = threading.get_ident()
        self._events: queue.SimpleQueue[JobEvent] = queue.SimpleQueue()
        self._out: dict[Transport, tuple[float, Exception]] = {}  # hosts out of reach: since when, why
        self._turns = WeightedRoundRobin()
        self._present: dict[Transport, set[str]] = {}  # the jobs that were on each host at the beginning
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
        self._thread = threading.get_ident()
        self._present = {}
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
        return WatchedJob(spec, spec.job_id, self.inbox / spec.job_id, self.assignments, self._tell)

    def _tell(self, event: JobEvent) -> None:
        """The listener hears events on the calling thread only; those of other threads wait for it."""
        if threading.get_ident() == self._thread:
            self.listener(event)
        else:
            self._events.put(event)

    def _side_by_side(self, work: Sequence[Callable[[], None]]) -> None:
        """Do the work of several hosts at once, and pass on its events; the first error is raised at the end."""
        if len(work) < 2:
            for one in work:
                one()
            return
        with ThreadPoolExecutor(min(HOSTS_AT_ONCE, len(work))) as pool:
            futures: list[Future[None]] = [pool.submit(one) for one in work]
            pending = set(futures)
            while pending:
                _, pending = wait(pending, 0.1)
                self._pass_on()
        self._pass_on()
        for future in futures:
            future.result()

    def _pass_on(self) -> None:
        while not self._events.empty():
            self.listener(self._events.get())

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
        self._side_by_side([lambda own=own: self._poll_all(own) for own in by_host.values()])  # type: ignore[misc]
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
                news = self._poll(job)
                self._back(job, transport)
            except OUT_OF_REACH as error:
                self._gone(job, transport, error)
                news = self._give_up(job)
            self._next(job, fresh=news)

    # --- starting ---------------------------------------------------------------------------------------

    def _admit(self, job: WatchedJob) -> bool:
        """Attach to the job where it is, or start it on the first host that may have it. False: it waits."""
        job.looked = True
        held = self.assignments.get(job.id) or self._adopt(job)
        job.fence = held.fence if held else 0
        own = self._own(job, held) if held else None
        if own is not None:
            try:
                if self._attached(job, own):
                    return True
            except OUT_OF_REACH as error:
                self._gone(job, own, error)
                own = None
            job.transport = None
        return self._place(job, held, own)

    def _attached(self, job: WatchedJob, own: Transport) -> bool:
        """Whether the job is done or has a living worker on its host; then it is followed there."""
        if not own.exists(job.id):
            return False
        job.go_to(own)
        look = own.look(job.id, job.offset)
        if not self._finish(job, look) and not look.alive:
            return False
        if job.result is None:
            job.tell("attached")
        return True

    def _own(self, job: WatchedJob, held: Assignment) -> Transport | None:
        """The host of an assignment: by the job's directory, else, in a home that was moved, by its name."""
        at_place = [t for t in self.transports if t.where(job.id) == held.place]
        named = [t for t in self.transports if t.host.name == held.host and job.id in self._ids(t)]
        return next(iter(at_place + named), None)

    def _adopt(self, job: WatchedJob) -> Assignment | None:
        """Enter who has the job if a directory is there that no assignment names; the living one goes first."""
        if not self._present:
            self._side_by_side([lambda t=t: self._list(t) for t in self.transports])  # type: ignore[misc]
        having = [t for t in self.transports if job.id in self._ids(t)]
        if len(having) > 1:
            having.sort(key=lambda t: not t.alive(job.id))
        return self._assign(job, having[0], 0) if having else None

    def _list(self, transport: Transport) -> None:
        try:
            self._present[transport] = set(transport.job_ids())
        except OUT_OF_REACH as error:
            self._present[transport] = set()
            self._gone(None, transport, error)

    def _ids(self, transport: Transport) -> set[str]:
        """The jobs that were on a host when this run first looked; none on one that could not be reached."""
        if transport not in self._present:
            self._list(transport)
        return self._present[transport]

    def _assign(self, job: WatchedJob, transport: Transport, after: int, attempt: int = 1) -> Assignment | None:
        place = transport.where(job.id)
        return self.assignments.assign(job.id, transport.host.name, place, attempt, after)

    def _place(self, job: WatchedJob, held: Assignment | None, own: Transport | None) -> bool:
        """Start the job on a host with room and a free slot, its own before others. True if done."""
        refused: dict[Transport, str] = {}
        weights: dict[Transport, float] = {}
        hope = False  # some host may answer later
        for transport in self.transports:
            try:
                status = transport.status()
                self._back(job, transport)
                weights[transport] = status.free_slots * status.speed
                if why := self.disk.refusal(transport.host.name, status.free_bytes, job.spec):
                    refused[transport] = why
                    job.tell_once(f"no room: {why}")
            except OUT_OF_REACH as error:
                self._gone(job, transport, error)
                refused[transport] = str(error)
                hope = hope or self._may_come_back(transport)
        if len(refused) == len(self.transports):
            if not hope:
                self._settle(job, "failed", error=f"no host can take it now: {'; '.join(refused.values())}")
            return not hope
        for transport in self._candidates(job, held, own, own in refused, weights):
            if transport in refused or (not weights[transport] and transport is not own):
                continue
            try:
                if self._start(job, transport):
                    self._turns.took(transport, weights)
                    return True
            except OUT_OF_REACH as error:
                self._gone(job, transport, error)
            job.transport = None
        return False

    def _candidates(
        self,
        job: WatchedJob,
        held: Assignment | None,
        own: Transport | None,
        own_refused: bool,
        weights: Mapping[Transport, float],
    ) -> list[Transport]:
        """The hosts that may have the job: that of the assignment, and others once its copy is out of play.

        It is when its worker ended by its own word and cannot go on there, or when it gave no sign of life for the
        stated time. The others come by turns, in proportion to their free slots and speed.
        """
        if held is None:
            return self._turns.order(weights)
        others = [t for t in self._turns.order(weights) if t is not own]
        state = None
        if own is not None and own in weights and own.exists(job.id):
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
        before, alive = 0, False
        if self._was_there(job, transport):
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
        except HostUnreachable as error:
            if not error.sent:
                self.assignments.withdraw(job.id, new.fence)
                raise
            started = True  # nobody knows: the job stays with this host until it answers or is lost
            self._gone(job, transport, error)
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

    def _was_there(self, job: WatchedJob, transport: Transport) -> bool:
        """Whether the job may have a directory on the host: it had one at the beginning, or was assigned there."""
        place = transport.where(job.id)
        return job.id in self._ids(transport) or any(e.place == place for e in self.assignments.history(job.id))

    # --- hosts out of reach -----------------------------------------------------------------------------

    def _gone(self, job: WatchedJob | None, transport: Transport, error: Exception) -> None:
        """Note that a host does not answer, once an outage: for people, and in the error log."""
        if transport in self._out:
            return
        self._out[transport] = time.monotonic(), error
        if job is not None:
            job.tell("log", text=f"WARNING: {error}")
        if self.errors is not None:
            self.errors.write(
                worker=transport.host.name, command=["ssh", transport.where("")], return_code=SSH_FAILED,
                stdout="", stderr=str(error),
            )  # fmt: skip

    def _back(self, job: WatchedJob, transport: Transport) -> None:
        """Note that a host answers again."""
        out = self._out.pop(transport, None)
        if out is not None:
            job.tell("log", text=f"INFO: {transport.host.name} answers again after {time.monotonic() - out[0]:.0f} s")

    def _may_come_back(self, transport: Transport) -> bool:
        """Whether it is worth waiting for a host: not if it needs a person, nor after the time a job may be silent."""
        since, error = self._out[transport]
        return isinstance(error, HostUnreachable) and time.monotonic() - since < self.assignments.lost_s

    def _give_up(self, job: WatchedJob) -> bool:
        """Let a job go elsewhere if its host was silent for too long and there is another one."""
        held = self.assignments.get(job.id)
        if held is None or len(self.transports) < 2 or self.assignments.silent_s(held) < self.assignments.lost_s:
            return False
        job.tell("lost", text=f"{held.host} gave no sign of life for {self.assignments.lost_s:g} s")
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
        host = job.at.host.name if job.transport else "-"
        if job.transport is not None and status in ("failed", "lost"):
            self._write_error(job, error or status, return_code)
            tail = self._tail(job, 2000) if status == "failed" else ""
            where = f"{job.at.where(job.id)}/{LOG}"
            error = f"{job.id} on {host}: {error}" + (f"\nlast lines of its log ({where}):\n{tail}" if tail else "")
        elif status == "failed":
            error = f"{job.id}: {error}"
        shards = job.shards() if shards is None else shards
        job.result = JobResult(job.spec, status, host, job.attempts, shards, manifest, error)
        job.tell(status, text=error or "")

    def _tail(self, job: WatchedJob, characters: int) -> str:
        """The end of the job's log, nothing while its host is out of reach."""
        try:
            return job.log_tail(characters)
        except OUT_OF_REACH:
            return ""

    def _write_error(self, job: WatchedJob, error: str, return_code: int | None) -> None:
        """An entry in the error log: a worker prints to one file, so its output is stdout, what we know is stderr."""
        if self.errors is None:
            return
        try:
            self.errors.write(
                worker=job.at.host.name,
                command=job.at.command(job.id),
                return_code=return_code,
                stdout=self._tail(job, OUTPUT_CHARACTERS),
                stderr=error,
            )
        except OSError as problem:  # a full disk must not hide why the job failed
            job.tell_once(f"the error log could not be written: {problem}")
