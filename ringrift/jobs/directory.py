"""A job directory while a worker runs it: messages, state, shards; and reading it back.

ringrift.jobs.contract says which files there are. This module knows nothing of the kinds of jobs.
"""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from dagster_pipes import PIPES_PROTOCOL_VERSION, PIPES_PROTOCOL_VERSION_FIELD

from ringrift.errors import InvalidInput
from ringrift.files import write_json
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec, JobState, JobStatus, Manifest, ShardEntry
from ringrift.strict import parse, read_document


class JobCancelled(Exception):
    """Someone asked the job to stop."""


class Messages:
    """messages.jsonl in the format of Dagster Pipes: one JSON object a line, only ever appended to.

    Each attempt writes `opened` and, unless it is killed, `closed`; their params carry the attempt.
    """

    def __init__(self, path: Path, attempt: int):
        self._attempt = attempt
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":  # a line torn by a crash stays alone
            os.write(self._file, b"\n")

    def send(self, method: str, params: dict[str, Any]) -> None:
        """Append one message; a single write, so that a reader never sees half a line."""
        message = {PIPES_PROTOCOL_VERSION_FIELD: PIPES_PROTOCOL_VERSION, "method": method, "params": params}
        os.write(self._file, json.dumps(message).encode() + b"\n")

    def opened(self) -> None:
        self.send("opened", {"extras": {"attempt": self._attempt}})

    def closed(self, exception: dict[str, Any] | None = None) -> None:
        params: dict[str, Any] = {"attempt": self._attempt}
        self.send("closed", params | {"exception": exception} if exception else params)


class Job:
    """What a job kind may use of its job directory."""

    def __init__(self, directory: Path, spec: JobSpec, messages: Messages, attempt: int):
        self.spec, self.attempt = spec, attempt
        self.out = directory / contract.OUT
        self.shards: list[ShardEntry] = []
        self.cancelled = threading.Event()
        self._messages = messages

    def log(self, text: str, level: str = "INFO") -> None:
        """A line for people, in log.txt and in the run that follows the job."""
        print(time.strftime("%Y-%m-%d %H:%M:%S"), level, text, flush=True)
        self._messages.send("log", {"message": text, "level": level})

    def report(self, event: str, **values: Any) -> None:
        """A message for programs: `{"event", "attempt", "time", ...values}`; values are JSON."""
        payload = {"event": event, "attempt": self.attempt, "time": time.time(), **values}
        self._messages.send("report_custom_message", {"payload": payload})

    def add_shard(self, name: str, rows: int) -> None:
        """Enter a whole file of `out/` into the manifest to come and announce it as the event `shard`."""
        path = self.out / name
        entry = ShardEntry(name=name, rows=rows, bytes=path.stat().st_size, sha256=contract.file_sha256(path))
        self.shards.append(entry)
        self.report("shard", **entry.model_dump())

    def check(self) -> None:
        """Call between units of work. Raises JobCancelled once someone asked the job to stop."""
        if self.cancelled.is_set():
            raise JobCancelled


class State:
    """state.json. The first final status wins: a heartbeat or a late signal never overwrites it."""

    def __init__(self, path: Path, attempt: int):
        now = time.time()
        self._path, self._lock = path, threading.Lock()
        self._value = JobState(attempt=attempt, pid=os.getpid(), status="running", heartbeat=now, started=now)
        write_json(path, self._value.model_dump())

    def beat(self) -> None:
        with self._lock:
            if self._value.status == "running":
                self._write(heartbeat=time.time())

    def finish(self, status: JobStatus, exit_code: int, error: str | None = None) -> bool:
        """Write the final status; False if there is one already."""
        with self._lock:
            if self._value.status != "running":
                return False
            self._write(status=status, exit_code=exit_code, error=error, heartbeat=time.time())
            return True

    def _write(self, **changes: Any) -> None:
        self._value = self._value.model_copy(update=changes)
        write_json(self._path, self._value.model_dump())


def read_state(directory: Path) -> JobState | None:
    """The worker's account of itself, None before the first attempt. Raises InvalidInput if unreadable."""
    path = directory / contract.STATE
    return parse(JobState, read_document(path), str(path)) if path.exists() else None


def read_manifest(directory: Path, job_id: str) -> Manifest | None:
    """The manifest of a done job, None if there is none yet.

    Raises InvalidInput if it is another job's, or a shard is missing or differs from its entry.
    """
    path = directory / contract.OUT / contract.MANIFEST
    if not path.exists():
        return None
    manifest = parse(Manifest, read_document(path), str(path))
    if manifest.job_id != job_id:
        raise InvalidInput(f"{path}: job_id", manifest.job_id, f"this is job {job_id}")
    for entry in manifest.shards:
        shard = path.with_name(entry.name)
        if not shard.is_file() or shard.stat().st_size != entry.bytes:
            raise InvalidInput(
                str(shard), shard.name, f"it should have {entry.bytes} bytes", problem="missing or of another size"
            )
        if contract.file_sha256(shard) != entry.sha256:
            raise InvalidInput(str(shard), shard.name, f"its SHA-256 should be {entry.sha256}", problem="damaged")
    return manifest
