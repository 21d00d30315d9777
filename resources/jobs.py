"""Running jobs to their end: submit or attach, poll, pull shards, verify, restart what was lost, cancel.

A `JobRunner` gets specs and returns one `JobResult` for each. What a job does is no business of this file;
the contract it speaks is `ringrift.contract`.
"""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from resources.events import Cancelled, Control, EventKind, JobEvent, JobFailed, JobResult
from resources.transport import Transport
from ringrift.contract import (
    LOG,
    MANIFEST,
    MESSAGES,
    OUT,
    STATE,
    JobSpec,
    JobState,
    Manifest,
    ShardEntry,
    file_sha256,
)

POLL_GROWTH = 1.5
MAX_ATTEMPTS = 3  # of one job within one run, when its worker is lost or its files are damaged
KILL_AFTER_S = 10.0
BUSY = 75  # exit code of a worker that found another one at work on the job


@dataclass(slots=True, eq=False)
class _Job:
    """A job while it is being watched."""

    spec: JobSpec
    id: str
    transport: Transport | None = None
    attempts: int = 0  # started by this run
    before: int = 0  # attempt number in state.json when this run started a worker
    looked: bool = False  # hosts were asked once whether they have it
    offset: int = 0  # bytes of messages.jsonl already read
    due: float = 0.0
    interval: float = 0.0
    announced: dict[str, ShardEntry] = field(default_factory=dict)  # whole shards, as the worker says
    pulled: dict[str, ShardEntry] = field(default_factory=dict)  # those that are here and verified
    result: JobResult | None = None

    @property
    def at(self) -> Transport:
        """The host the job is on."""
        if self.transport is None:
            raise RuntimeError(f"{self.id} is on no host yet")
        return self.transport


class JobRunner:
    """Runs jobs on the given hosts. `inbox` keeps the pulled shards, one folder a job.

    `listener` hears every JobEvent, from the calling thread. `poll_s` is the first and the longest interval
    between two looks at a job; it grows while there is no news, and a transport may cap it lower.
    """

    def __init__(
        self,
        transports: Sequence[Transport],
        inbox: Path,
        listener: Callable[[JobEvent], None] = lambda event: None,
        control: Control | None = None,
        poll_s: tuple[float, float] = (0.5, 60.0),
    ):
        self.transports = list(transports)
        self.inbox = inbox
        self.listener = listener
        self.control = control or Control()
        self.first_poll_s = poll_s[0]
        self.max_poll_s = min([poll_s[1], *(t.max_poll_s for t in self.transports)])

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
        jobs = [_Job(spec, spec.job_id) for spec in specs]
        stops: tuple[type[BaseException], ...] = (Cancelled, *cancel_on)
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        for job in jobs:
            games = job.spec.params.get("games")
            self._tell(job, "queued", total=games if isinstance(games, int) else 0)
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

    def _pause(self, jobs: list[_Job]) -> float:
        """Seconds until the next thing to do."""
        now = time.monotonic()
        due = [job.due - now for job in jobs if job.result is None]
        return max(0.05, min(due)) if due else 0.0

    def _round(self, jobs: list[_Job]) -> None:
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

    def _admit(self, job: _Job) -> bool:
        """Attach to the job where it is, or start it on the first host with a free slot. True if done."""
        job.looked = True
        having = [t for t in self.transports if t.exists(job.id)]
        for transport in having or self.transports:
            job.transport = transport
            if having and (self._finish(job) or transport.alive(job.id)):
                if job.result is None:
                    self._tell(job, "attached")
                return True
            if self._start(job):
                return True
            job.transport = None
        return False

    def _start(self, job: _Job) -> bool:
        state = self._state(job)
        if not job.at.start(job.spec):
            return False
        job.before = state.attempt if state else 0
        job.attempts += 1
        self._tell(job, "started", text=f"attempt {job.before + 1}")
        return True

    # --- watching ---------------------------------------------------------------------------------------

    def _poll(self, job: _Job) -> bool:
        """One look at a job. True when something was new."""
        ended = not job.at.alive(job.id)  # asked first: what is read below was complete if it had ended
        news = self._messages(job)
        if self._finish(job):
            return True
        news = self._pull(job) or news
        if not ended:
            return news
        self._ended(job)
        return True

    def _messages(self, job: _Job) -> bool:
        """Pass on the whole lines of messages.jsonl that were not read yet."""
        data = job.at.read(job.id, MESSAGES, job.offset) or b""
        whole = data[: data.rfind(b"\n") + 1]
        job.offset += len(whole)
        for line in whole.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                self._message(job, json.loads(line))
        return bool(whole)

    def _message(self, job: _Job, message: dict[str, Any]) -> None:
        params = message["params"] or {}
        if message["method"] == "log":
            self._tell(job, "log", text=f"{params['level']}: {params['message']}")
        elif message["method"] == "report_custom_message":
            payload = params["payload"]
            if payload["event"] == "progress":
                self._tell(job, "progress", done=int(payload["done"]), total=int(payload["total"]))
            elif payload["event"] == "shard":
                entry = ShardEntry(**{name: payload[name] for name in ShardEntry.model_fields})
                if not entry.name.startswith("."):
                    job.announced[entry.name] = entry

    def _pull(self, job: _Job) -> bool:
        """Bring announced shards here and verify them. True when one was new."""
        new = [entry for name, entry in job.announced.items() if job.pulled.get(name) != entry]
        for entry in new:
            if self._have(job, entry):
                job.pulled[entry.name] = entry
        return any(entry.name in job.pulled for entry in new)

    def _finish(self, job: _Job) -> bool:
        """Take the result if the manifest verifies; damaged files are set aside. True when settled."""
        data = job.at.read(job.id, f"{OUT}/{MANIFEST}")
        if data is None:
            return False
        try:
            manifest = Manifest.model_validate_json(data)
            if manifest.job_id != job.id:
                raise ValueError(f"it is the manifest of {manifest.job_id}")
            if any(entry.name.startswith(".") for entry in manifest.shards):  # `..` would leave the folder
                raise ValueError("a shard's name begins with a dot")
        except ValueError as error:
            problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            return self._damaged(job, [MANIFEST], f"the manifest does not parse: {problem}")
        self._messages(job)
        bad = [entry.name for entry in manifest.shards if not self._have(job, entry)]
        if bad:
            return self._damaged(job, [MANIFEST, *bad], f"{', '.join(bad)} differ from the manifest")
        shards = [self.inbox / job.id / entry.name for entry in manifest.shards]
        self._settle(job, "done", shards=shards, manifest=manifest)
        return True

    def _have(self, job: _Job, entry: ShardEntry) -> bool:
        """Whether the shard is here, or could be fetched, with the size and hash its entry says."""
        target = self.inbox / job.id / entry.name
        if _is(target, entry):
            return True
        try:
            job.at.fetch(job.id, f"{OUT}/{entry.name}", target)
        except FileNotFoundError:
            return False
        return _is(target, entry)

    def _damaged(self, job: _Job, names: list[str], why: str) -> bool:
        """Set damaged files aside so that the next attempt makes them again."""
        job.at.quarantine(job.id, names)
        for name in names:
            (self.inbox / job.id / name).unlink(missing_ok=True)
            job.pulled.pop(name, None)
            job.announced.pop(name, None)
        self._tell(job, "log", text=f"WARNING: {why}; set aside, the job makes them again")
        if job.attempts >= MAX_ATTEMPTS:
            self._settle(job, "failed", error=why)
            return True
        return False

    def _ended(self, job: _Job) -> None:
        """The worker is gone and left no verified manifest: failed by its own word, or lost."""
        state, code = self._state(job), job.at.exited(job.id)
        reported = state is not None and state.attempt > job.before
        if reported and state is not None and state.status in ("failed", "cancelled"):
            self._settle(job, state.status, error=state.error or f"exit code {state.exit_code}")
        elif not reported and code not in (None, 0, BUSY):
            self._settle(job, "failed", error=f"the worker ended with code {code} before it said anything")
        elif job.attempts < MAX_ATTEMPTS:
            self._tell(job, "lost", text="the worker is gone; its shards are kept and it starts again")
            if not self._start(job):
                job.transport = None  # no free slot: it waits like a new job
        else:
            self._settle(job, "lost", error=f"the worker disappeared {job.attempts} times")

    def _state(self, job: _Job) -> JobState | None:
        """The worker's account of itself. Raises JobFailed when it speaks another contract."""
        data = job.at.read(job.id, STATE)
        if data is None:
            return None
        try:
            return JobState.model_validate_json(data)
        except ValidationError as error:
            raise JobFailed(
                f"{job.id} on {job.at.host.name}: its {STATE} is of another contract version or damaged; "
                "update ringrift on that host, or move the job's directory aside"
            ) from error

    # --- ending -----------------------------------------------------------------------------------------

    def cancel(self, jobs: list[_Job], why: str) -> None:
        """Stop jobs: TERM to each process group, KILL after 10 s; their whole shards are pulled and kept."""
        running = [job for job in jobs if job.transport is not None]
        for kill in (False, True):
            for job in running:
                job.at.signal(job.id, kill=kill)
            limit = time.monotonic() + KILL_AFTER_S
            while any(job.at.alive(job.id) for job in running) and time.monotonic() < limit:
                time.sleep(0.05)
        for job in jobs:
            if job.transport is not None and not self._finish(job):
                self._messages(job)
                self._pull(job)
            if job.result is None:
                self._settle(job, "cancelled", error=why)

    def _settle(
        self,
        job: _Job,
        status: Literal["done", "failed", "cancelled", "lost"],
        *,
        shards: list[Path] | None = None,
        manifest: Manifest | None = None,
        error: str | None = None,
    ) -> None:
        host = job.at.host.name if job.transport else "-"
        if shards is None:
            shards = [self.inbox / job.id / name for name in sorted(job.pulled)]
        if status == "failed" and job.transport is not None:
            error = f"{job.id} on {host}: {error}{self._last_words(job)}"
        job.result = JobResult(job.spec, status, host, job.attempts, shards, manifest, error)
        self._tell(job, status, text=error or "")

    def _last_words(self, job: _Job) -> str:
        """The end of the job's log, for the message of a failure."""
        tail = (job.at.read(job.id, LOG) or b"")[-2000:].decode(errors="replace").strip()
        return f"\nlast lines of its log ({job.at.where(job.id)}/{LOG}):\n{tail}" if tail else ""

    def _tell(self, job: _Job, kind: EventKind, *, done: int = 0, total: int = 0, text: str = "") -> None:
        host = job.transport.host.name if job.transport else "-"
        self.listener(JobEvent(kind, job.id, host, done, total, text))


def _is(path: Path, entry: ShardEntry) -> bool:
    """Whether the file is there with the size and hash of the entry."""
    return path.is_file() and path.stat().st_size == entry.bytes and file_sha256(path) == entry.sha256
