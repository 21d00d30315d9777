"""The jobs whose directories lie on this machine: what each is doing, and finding one by the start of its id."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resources.hosts import LOCAL, Host
from resources.transport import LocalTransport
from ringrift.contract import JOBS_FOLDER, MESSAGES, SPEC, JobSpec, JobState, JobStatus
from ringrift.errors import InvalidInput, MissingInput
from ringrift.job import read_state

LOADING_S = 10.0  # a worker needs so long at most to load and take its lock
TAIL_BYTES = 65536  # the last progress message lies in these, some hundred lines


@dataclass(frozen=True, slots=True)
class JobView:
    """One job directory. `heartbeat_age_s` is None before the worker's first word; `done` of `total` are its units."""

    id: str
    asset: str
    config: str
    iteration: int
    status: JobStatus
    host: str
    attempt: int
    done: int
    total: int
    heartbeat_age_s: float | None
    exit_code: int | None
    error: str | None
    folder: str

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return asdict(self)


def local_hosts(home: Path, hosts: Sequence[Host]) -> list[LocalTransport]:
    """One transport for each folder of jobs on this machine: the home's, and those of local hosts with a path.

    Folders that do not exist are left out and nothing is made.
    """
    found: dict[Path, LocalTransport] = {}
    for host in [*(host for host in hosts if host.is_local), LOCAL]:
        root = Path(host.ringrift_path).expanduser().resolve() if host.ringrift_path else home
        if root not in found and (root / JOBS_FOLDER).is_dir():
            found[root] = LocalTransport(host, root)
    return list(found.values())


def list_jobs(transports: Sequence[LocalTransport], now: float | None = None) -> list[JobView]:
    """Every job of some hosts, by id and host. `now` is in Unix seconds, the clock's when None."""
    now = time.time() if now is None else now
    views = [_view(transport, folder, now) for transport in transports for folder in _folders(transport)]
    return sorted((view for view in views if view), key=lambda view: (view.id, view.host))


def look(transport: LocalTransport, job: str, now: float | None = None) -> JobView | None:
    """One job of a host, None if its directory is not there (any more)."""
    return _view(transport, transport.jobs / job, time.time() if now is None else now)


def find_job(transports: Sequence[LocalTransport], text: str) -> tuple[LocalTransport, JobView]:
    """The job whose id is `text`, or the only one whose id begins with it; of several copies the living one.

    Without one that lives it is the copy heard of last. Raises MissingInput when nothing fits, InvalidInput when
    several jobs do.
    """
    named = [(t, folder.name) for t in transports for folder in _folders(t) if folder.name.startswith(text)]
    ids = sorted({job for _, job in named})
    if text in ids:
        ids = [text]
    if not ids:
        raise MissingInput(f"no job here has an id that begins with {text!r}; `ringrift jobs list` shows them")
    if len(ids) > 1:
        more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
        raise InvalidInput("job", text, f"it fits {len(ids)} jobs: {', '.join(ids[:5])}{more}")
    looked = [(t, look(t, job)) for t, job in named if job == ids[0]]
    copies = [(t, view) for t, view in looked if view]
    if not copies:
        raise MissingInput(f"{ids[0]} has no readable {SPEC}")
    return min(copies, key=lambda c: (c[1].status != "running", c[1].heartbeat_age_s or float("inf")))


def _folders(transport: LocalTransport) -> Iterator[Path]:
    if transport.jobs.is_dir():
        yield from (path for path in transport.jobs.iterdir() if not path.name.startswith("."))


def _view(transport: LocalTransport, folder: Path, now: float) -> JobView | None:
    try:
        spec = JobSpec.model_validate_json((folder / SPEC).read_bytes())
        age = now - (folder / SPEC).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise InvalidInput(str(folder / SPEC), "another contract or damaged", "move its directory aside") from error
    alive = transport.alive(folder.name)
    state, unreadable = _state(folder)
    done, total = _progress(folder / MESSAGES)
    return JobView(
        id=folder.name,
        asset=spec.asset,
        config=spec.config,
        iteration=spec.iteration,
        status=_status(alive, state, age),
        host=transport.host.name,
        attempt=state.attempt if state else 0,
        done=done,
        total=total,
        heartbeat_age_s=round(now - state.heartbeat, 1) if state else None,
        exit_code=None if alive or state is None else state.exit_code,
        error=unreadable if alive or state is None else state.error,
        folder=str(folder),
    )


def _status(alive: bool, state: JobState | None, age_s: float) -> JobStatus:
    """What the lock proves goes before what the worker said last."""
    if alive or (state is None and age_s < LOADING_S):
        return "running"
    if state is None or state.status == "running":
        return "lost"
    return state.status


def _state(folder: Path) -> tuple[JobState | None, str | None]:
    try:
        return read_state(folder), None
    except InvalidInput as error:
        return None, str(error)


def _progress(path: Path) -> tuple[int, int]:
    """`done` and `total` of the last progress message, zeros before the first."""
    try:
        with path.open("rb") as handle:
            size = handle.seek(0, 2)
            handle.seek(max(0, size - TAIL_BYTES))
            tail = handle.read()
    except FileNotFoundError:
        return 0, 0
    for line in reversed(tail.splitlines()):
        if not re.search(rb'"event": ?"progress"', line):
            continue
        try:
            payload = json.loads(line)["params"]["payload"]
            return int(payload["done"]), int(payload["total"])
        except (ValueError, KeyError, TypeError):
            continue  # the first line of the tail may be a half
    return 0, 0
