"""Which host a job is on, and which one it is started on: every move is an entry in the assignments first."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from resources.hosts.requirements import DiskPolicy
from resources.runner.assignments import Assignment, Assignments
from resources.runner.fan_out import SideBySide
from resources.runner.outages import OUT_OF_REACH, Outages
from resources.runner.turns import WeightedRoundRobin
from resources.runner.watched import WatchedJob
from resources.transports.base import HostRefused, HostUnreachable, Transport
from ringrift.jobs.folder import FolderStatus


class NoHost(Exception):
    """No host can take the job, and none may answer later."""


class Placement:
    """Places the jobs of one run on its hosts."""

    def __init__(
        self,
        transports: Sequence[Transport],
        assignments: Assignments,
        disk: DiskPolicy,
        outages: Outages,
        hosts: SideBySide,
    ):
        self._transports = transports
        self._assignments = assignments
        self._disk = disk
        self._outages = outages
        self._hosts = hosts
        self._turns = WeightedRoundRobin()
        self._present: dict[Transport, set[str]] = {}  # the jobs that were on each host at the beginning
        self._seen: dict[Transport, tuple[float, FolderStatus | HostUnreachable | HostRefused]] = {}  # when, and what

    def begin(self) -> None:
        """Look anew at what the hosts have, once it is asked for."""
        self._present = {}

    def freed(self, transport: Transport) -> None:
        """A job has ended on a host: what is known of its slots is old."""
        self._seen.pop(transport, None)

    def held(self, job: WatchedJob) -> Assignment | None:
        """The current assignment, if somebody has the job; `job` follows it from now on."""
        held = self._assignments.get(job.id) or self._adopt(job)
        job.fence = held.fence if held else 0
        return held

    def own(self, job: WatchedJob, held: Assignment) -> Transport | None:
        """The host of an assignment: by the job's directory, else, in a home that was moved, by its name."""
        at_place = [t for t in self._transports if t.where(job.id) == held.place]
        named = [t for t in self._transports if t.host.name == held.host and job.id in self._ids(t)]
        return next(iter(at_place + named), None)

    def place(self, job: WatchedJob, held: Assignment | None, own: Transport | None) -> bool:
        """Start the job on a host with room and a free slot, its own before others. False: it waits. Raises NoHost."""
        refused: dict[Transport, str] = {}
        weights: dict[Transport, float] = {}
        hope = False  # some host may answer later
        for transport, said in self._statuses().items():
            said = self._outages.faulty(transport) or said
            if not isinstance(said, FolderStatus):
                self._outages.gone(job, transport, said)
                refused[transport] = str(said)
                hope = hope or self._outages.may_end(transport, self._assignments.lost_s)
                continue
            self._outages.back(job, transport)
            weights[transport] = said.free_slots * said.speed
            if why := self._disk.refusal(transport.host.name, said.free_bytes, job.spec):
                refused[transport] = why
                job.tell_once(f"no room: {why}")
        if len(refused) == len(self._transports):
            if not hope:
                raise NoHost(f"no host can take it now: {'; '.join(refused.values())}")
            return False
        try:
            candidates = self._candidates(job, held, own, own in refused, weights)
        except OUT_OF_REACH as error:  # its own host, which answered a moment ago
            self._outages.gone(job, job.at, error)
            job.transport = None
            return False
        for transport in candidates:
            if transport in refused or (not weights[transport] and transport is not own):
                continue
            try:
                if self._start(job, transport):
                    self._turns.took(transport, weights)
                    return True
            except OUT_OF_REACH as error:
                self._outages.gone(job, transport, error)
            job.transport = None
        return False

    def _statuses(self) -> dict[Transport, FolderStatus | HostUnreachable | HostRefused]:
        """The status of every host, or why it gave none. Those that must be asked anew are asked at once."""
        now = time.monotonic()
        old = [t for t in self._transports if t not in self._seen or now - self._seen[t][0] >= t.status_s]
        self._hosts.each([lambda t=t: self._ask(t, now) for t in old])  # type: ignore[misc]
        return {transport: self._seen[transport][1] for transport in self._transports}

    def _ask(self, transport: Transport, now: float) -> None:
        try:
            self._seen[transport] = now, transport.status()
        except OUT_OF_REACH as error:
            self._seen[transport] = now, error

    def _took(self, transport: Transport, started: bool) -> None:
        """A slot less is free, or none was."""
        when, said = self._seen[transport]
        if isinstance(said, FolderStatus):
            self._seen[transport] = when, replace(said, free_slots=max(said.free_slots - 1, 0) if started else 0)

    def _adopt(self, job: WatchedJob) -> Assignment | None:
        """Enter who has the job if a directory is there that no assignment names; the living one goes first."""
        if not self._present:
            self._hosts.each([lambda t=t: self._list(t) for t in self._transports])  # type: ignore[misc]
        having = [t for t in self._transports if job.id in self._ids(t)]
        if len(having) > 1:
            having.sort(key=lambda t: not self._alive(t, job.id))
        return self._assign(job, having[0], 0) if having else None

    def _alive(self, transport: Transport, job: str) -> bool:
        try:
            return transport.alive(job)
        except OUT_OF_REACH as error:
            self._outages.gone(None, transport, error)
            return False

    def _list(self, transport: Transport) -> None:
        try:
            self._present[transport] = set(transport.job_ids())
        except OUT_OF_REACH as error:
            self._present[transport] = set()
            self._outages.gone(None, transport, error)

    def _ids(self, transport: Transport) -> set[str]:
        """The jobs that were on a host when this run first looked; none on one that could not be reached."""
        if transport not in self._present:
            self._list(transport)
        return self._present[transport]

    def _assign(self, job: WatchedJob, transport: Transport, after: int, attempt: int = 1) -> Assignment | None:
        place = transport.where(job.id)
        return self._assignments.assign(job.id, transport.host.name, place, attempt, after)

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
        if own is not None and own in weights:
            job.go_to(own)
            state = job.state() if own.exists(job.id) else None
            job.transport = None
        if held.status == "done" or (state is not None and state.status != "running"):
            free = own is None or own_refused
        else:
            silent = self._assignments.silent_s(held, state.heartbeat if state else None)
            places = [t.where(job.id) for t in self._transports if self._outages.faulty(t)]
            free = silent >= self._assignments.lost_s or held.place in places
            if others and not free and (own is None or own_refused):
                job.tell_once(
                    f"{held.host} has this job and may still be at work on it; another host gets it once "
                    f"{held.host} gave no sign of life for {self._assignments.lost_s:g} s"
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
                self._assignments.withdraw(job.id, new.fence)
                raise
            started = True  # nobody knows: the job stays with this host until it answers or is lost
            self._outages.gone(job, transport, error)
        except BaseException:
            self._assignments.withdraw(job.id, new.fence)
            raise
        self._took(transport, started)
        if not started:
            self._assignments.withdraw(job.id, new.fence)
            return False
        job.fence, job.before = new.fence, before
        job.attempts += 1
        job.tell("started", text=f"attempt {before + 1}")
        return True

    def _was_there(self, job: WatchedJob, transport: Transport) -> bool:
        """Whether the job may have a directory on the host: it had one at the beginning, or was assigned there."""
        place = transport.where(job.id)
        return job.id in self._ids(transport) or any(e.place == place for e in self._assignments.history(job.id))
