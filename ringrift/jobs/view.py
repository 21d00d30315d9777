"""What the jobs in a folder are doing, as the machine that holds the folder sees it."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ringrift.errors import InvalidInput
from ringrift.jobs.contract import MESSAGES, SPEC, JobSpec, JobState, JobStatus
from ringrift.jobs.directory import read_state

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


def view_job(folder: Path, host: str, alive: Callable[[str], bool], now: float | None = None) -> JobView | None:
    """The job of a directory, None without a spec in it. `now` is in Unix seconds, the clock's when None.

    Raises InvalidInput when the spec is of another contract or damaged.
    """
    now = time.time() if now is None else now
    try:
        spec = JobSpec.model_validate_json((folder / SPEC).read_bytes())
        age = now - (folder / SPEC).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise InvalidInput(
            str(folder / SPEC), SPEC, "move its directory aside", problem="of another contract version, or damaged"
        ) from error
    living = alive(folder.name)
    state, unreadable = _state(folder)
    done, total = _progress(folder / MESSAGES)
    return JobView(
        id=folder.name,
        asset=spec.asset,
        config=spec.config,
        iteration=spec.iteration,
        status=_status(living, state, age),
        host=host,
        attempt=state.attempt if state else 0,
        done=done,
        total=total,
        heartbeat_age_s=round(now - state.heartbeat, 1) if state else None,
        exit_code=None if living or state is None else state.exit_code,
        error=unreadable if living or state is None else state.error,
        folder=str(folder),
    )


def view_or_fault(folder: Path, host: str, alive: Callable[[str], bool]) -> JobView | None:
    """As `view_job`, but a job whose spec cannot be read is a lost one, of no config, with the words in `error`."""
    try:
        return view_job(folder, host, alive)
    except InvalidInput as error:
        return JobView(folder.name, "", "", 0, "lost", host, 0, 0, 0, None, None, str(error), str(folder))


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
