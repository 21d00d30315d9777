"""One job while it is being watched: what its directory says, and its shards on their way home."""

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from resources.hosts.requirements import DiskFull
from resources.runner.assignments import Assignments
from resources.runner.events import EventKind, JobEvent, JobResult
from resources.transports.base import HostFaulty, HostRefused, HostUnreachable, Transport
from ringrift.jobs.contract import (
    LOG,
    MANIFEST,
    MESSAGES,
    MOST_SHARDS,
    STATE,
    JobSpec,
    JobState,
    Manifest,
    ShardEntry,
    file_sha256,
)
from ringrift.jobs.folder import READ_BYTES

LINE_BYTES = 1 << 24  # the longest message
WORDS = 200  # characters of a fault in a message that are told


class Damaged(Exception):
    """Files of the job's `out` folder, `names`, are not what they should be."""

    def __init__(self, names: list[str], why: str):
        super().__init__(why)
        self.names = names


@dataclass(slots=True, eq=False)
class WatchedJob:
    """A job, where it is, and what of it is here. `listener` hears its events, `inbox` is its own folder."""

    spec: JobSpec
    id: str
    inbox: Path
    assignments: Assignments
    listener: Callable[[JobEvent], None]
    transport: Transport | None = None
    place: str = ""  # where the shards entered below come from
    fence: int = 0  # number of the assignment that is followed
    attempts: int = 0  # started by this run
    before: int = 0  # attempt number in state.json when this run started a worker
    looked: bool = False  # hosts were asked once whether they have it
    warned: set[str] = field(default_factory=set)  # why it waits, each reason logged once
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

    def go_to(self, transport: Transport) -> None:
        """Look at the job on this host from now on; what another one announced counts no more."""
        place = transport.where(self.id)
        if place != self.place:
            self.place, self.offset = place, 0
            self.announced.clear()
            self.pulled.clear()
        self.transport = transport

    def shards(self) -> list[Path]:
        """The verified shards that are here, by name."""
        return [self.inbox / name for name in sorted(self.pulled)]

    def tell(self, kind: EventKind, *, done: int = 0, total: int = 0, text: str = "") -> None:
        """Let the listener hear an event of the job."""
        host = self.transport.host.name if self.transport else "-"
        self.listener(JobEvent(kind, self.id, host, done, total, text))

    def tell_once(self, text: str) -> None:
        """A warning for people, which is not repeated."""
        if text not in self.warned:
            self.warned.add(text)
            self.tell("log", text=f"WARNING: {text}")

    # --- reading ----------------------------------------------------------------------------------------

    def messages(self, data: bytes | None = None) -> bool:
        """Pass on the whole lines of messages.jsonl that were not read yet. True when there were any.

        `data` is what a look at the job found behind the offset; without it, and after a full look, they are read.
        """
        limit, news = READ_BYTES, False
        while True:
            if data is None:
                data = self.at.read(self.id, MESSAGES, self.offset, limit) or b""
            whole = data[: data.rfind(b"\n") + 1]
            self.offset += len(whole)
            for line in whole.splitlines():
                self._line(line)
            news = news or bool(whole)
            if len(data) < limit:
                return news
            if limit == LINE_BYTES and not whole:
                raise self._faulty(f"a line of more than {LINE_BYTES} bytes")
            limit, data = (READ_BYTES if whole else LINE_BYTES), None  # a longer line is read at once

    def _line(self, line: bytes) -> None:
        """Pass on one message; a line torn by a crash is left out. Raises HostFaulty if it says what cannot be."""
        try:
            message = json.loads(line)
        except ValueError:
            return
        except RecursionError:
            raise self._faulty("values nested without end") from None
        try:
            self._message(message)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise self._faulty(f"{type(error).__name__}: {' '.join(str(error).split())[:WORDS]}") from error

    def _faulty(self, why: str) -> HostFaulty:
        return HostFaulty(f"{self.at.host.name}: the messages of {self.id} cannot be: {why}")

    def _message(self, message: dict[str, Any]) -> None:
        params = message["params"] or {}
        if message["method"] == "log":
            self.tell("log", text=f"{params['level']}: {params['message']}")
        elif message["method"] == "report_custom_message":
            payload = params["payload"]
            if payload["event"] == "progress":
                self.tell("progress", done=int(payload["done"]), total=int(payload["total"]))
            elif payload["event"] == "shard":
                entry = ShardEntry(**{name: payload[name] for name in ShardEntry.model_fields})
                if not entry.name.startswith("."):
                    self.announced[entry.name] = entry
                if len(self.announced) > MOST_SHARDS:
                    raise ValueError(f"more than {MOST_SHARDS} shards")

    def state(self) -> JobState | None:
        """The worker's account of itself, its times by our clock. Raises HostFaulty when it speaks another contract."""
        data = self.at.read(self.id, STATE)
        if data is None:
            return None
        try:
            state = JobState.model_validate_json(data)
        except ValidationError as error:
            raise HostFaulty(
                f"{self.at.host.name}: the {STATE} of {self.id} is of another contract version or damaged; "
                "update ringrift on that host, or move the job's directory aside"
            ) from error
        skew = self.at.skew_s()
        return state.model_copy(update={"heartbeat": state.heartbeat - skew, "started": state.started - skew})

    def log_tail(self, characters: int) -> str:
        """The end of what the worker printed, nothing while its host is out of reach."""
        try:
            data = self.at.read(self.id, LOG, -4 * characters) or b""
        except (HostUnreachable, HostRefused):
            return ""
        return data.decode(errors="replace")[-characters:].strip()

    # --- bringing home ----------------------------------------------------------------------------------

    def pull(self) -> bool:
        """Bring announced shards here and verify them. True when one was new."""
        new = [entry for name, entry in self.announced.items() if self.pulled.get(name) != entry]
        have = self._have(new)
        self.pulled.update((entry.name, entry) for entry in have)
        for entry in new:
            if entry not in have:  # not what was announced: the manifest, or another announcement, says what it is
                self.announced.pop(entry.name, None)
        return bool(have)

    def manifest(self, data: bytes | None) -> Manifest | None:
        """The manifest in `data` once all its shards are here, None before the job is done. Raises Damaged."""
        if data is None:
            return None
        try:
            manifest = Manifest.model_validate_json(data)
            if manifest.job_id != self.id:
                raise ValueError(f"it is the manifest of {manifest.job_id}")
            if any(entry.name.startswith(".") for entry in manifest.shards):  # `..` would leave the folder
                raise ValueError("a shard's name begins with a dot")
            if len(manifest.shards) > MOST_SHARDS:
                raise ValueError(f"more than {MOST_SHARDS} shards")
        except ValueError as error:
            problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise Damaged([MANIFEST], f"the manifest does not parse: {problem}") from error
        self.messages()
        have = {entry.name for entry in self._have(manifest.shards)}
        bad = [entry.name for entry in manifest.shards if entry.name not in have]
        if bad and self.is_mine():
            raise Damaged([MANIFEST, *bad], f"{', '.join(bad)} differ from the manifest")
        return None if bad else manifest

    def is_mine(self) -> bool:
        """Whether the assignment that is followed is still current."""
        held = self.assignments.get(self.id)
        return held is not None and held.fence == self.fence

    def _have(self, entries: Sequence[ShardEntry]) -> list[ShardEntry]:
        """Those shards that are here, or could be fetched, with the size and hash their entries say.

        A shard of an assignment that is not current any more is not fetched. Raises DiskFull.
        """
        want = [entry for entry in entries if not _is(self.inbox / entry.name, entry)]
        if want:
            with self.assignments.in_force(self.id, self.fence) as mine:
                if not mine:
                    return [entry for entry in entries if entry not in want]
                try:
                    sizes = {entry.name: entry.bytes for entry in want}
                    self.at.fetch(self.id, list(sizes), self.inbox, sizes)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    full = f"the disk of {self.inbox} is full; free some space and run the same again"
                    raise DiskFull(full) from error
        return [entry for entry in entries if entry not in want or _is(self.inbox / entry.name, entry)]

    def forget(self, names: list[str]) -> None:
        """Drop files that turned out damaged."""
        for name in names:
            (self.inbox / name).unlink(missing_ok=True)
            self.pulled.pop(name, None)
            self.announced.pop(name, None)


def _is(path: Path, entry: ShardEntry) -> bool:
    """Whether the file is there with the size and hash of the entry."""
    return path.is_file() and path.stat().st_size == entry.bytes and file_sha256(path) == entry.sha256
