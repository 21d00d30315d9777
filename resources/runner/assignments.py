"""Which host has a job: the record that keeps two hosts from working on one job, and a late one from being heard.

`assignments/{job}.json` lists every assignment of a job; the last one is current. Each has a fencing number, higher
than all before it. Who pulls shards or takes a result shows the number under which the worker was started; with an
older one there is nothing to be had, however alive that worker is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from resources.store.locks import locked
from ringrift.errors import RingRiftError
from ringrift.files import write_json
from ringrift.strict import Strict

LOST_S = 120.0  # without a sign of life for so long, a job may go to another host
SEEN_EVERY_S = 20.0  # a living worker is noted at most so often


class AssignmentDamaged(RingRiftError):
    """An assignment file does not parse; never taken for a job that nobody has."""


class Assignment(Strict):
    """One host's turn at a job. Times are Unix seconds; `seen` is the last sign of life.

    `place` is the job's directory, which tells hosts apart however they are called; `host` is for people.
    """

    host: str
    place: str
    attempt: int = Field(ge=1)
    fence: int = Field(ge=1)
    since: float
    seen: float
    status: Literal["open", "done"] = "open"


class _File(Strict):
    assignments: Literal[1] = 1
    job: str
    history: list[Assignment]


class Assignments:
    """The assignments of one home. `lost_s` is how long a job must be without a sign of life to go elsewhere."""

    def __init__(self, folder: Path, lost_s: float = LOST_S, clock: Callable[[], float] = time.time):
        self.folder = folder
        self.lost_s = lost_s
        self._clock = clock

    def history(self, job: str) -> list[Assignment]:
        """Every assignment of a job, oldest first; empty if it never had one. Raises AssignmentDamaged."""
        path = self._path(job)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        try:
            file = _File.model_validate_json(text)
        except ValidationError as error:
            raise AssignmentDamaged(f"{path} does not parse; move it aside once no worker is on that job") from error
        return file.history

    def get(self, job: str) -> Assignment | None:
        """The current assignment, None if there is none. Raises AssignmentDamaged."""
        return next(reversed(self.history(job)), None)

    def recent(self, within_s: float) -> Iterator[tuple[str, Assignment]]:
        """(job, current assignment) of the jobs that were assigned or seen in the last `within_s` seconds."""
        oldest = time.time() - within_s
        for path in sorted(self.folder.glob("*.json")):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= oldest and (held := self.get(path.stem)):
                    yield path.stem, held

    def assign(self, job: str, host: str, place: str, attempt: int, after: int) -> Assignment | None:
        """Give the job to a host, if the current assignment still has the fencing number `after` (0: none).

        Returns the new assignment, or None if somebody else was faster.
        """
        with self._locked(job):
            history = self.history(job)
            if (history[-1].fence if history else 0) != after:
                return None
            now = self._clock()
            new = Assignment(host=host, place=place, attempt=attempt, fence=after + 1, since=now, seen=now)
            self._write(job, [*history, new])
            return new

    def withdraw(self, job: str, fence: int) -> None:
        """Take back an assignment under which no worker was started."""
        with self._locked(job):
            history = self.history(job)
            if history and history[-1].fence == fence:
                self._write(job, history[:-1])

    def saw(self, job: str, fence: int) -> None:
        """Note a sign of life of the worker with this number."""
        held = self.get(job)
        if held and held.fence == fence and self._clock() - held.seen >= SEEN_EVERY_S:
            self._change(job, fence, seen=self._clock())

    def finish(self, job: str, fence: int) -> bool:
        """Enter that the manifest made under this number verified; False if the number is not current."""
        return self._change(job, fence, status="done")

    @contextmanager
    def in_force(self, job: str, fence: int) -> Iterator[bool]:
        """Whether the number is current; it stays so inside the `with`, in which shards may be brought here."""
        with self._locked(job):
            held = self.get(job)
            yield held is not None and held.fence == fence

    def silent_s(self, held: Assignment, heartbeat: float | None = None) -> float:
        """Seconds since the last sign of life: the worker's own heartbeat if it is known, and what was noted."""
        return self._clock() - max(held.since, held.seen, heartbeat or 0.0)

    def _change(self, job: str, fence: int, **values: object) -> bool:
        with self._locked(job):
            history = self.history(job)
            if not history or history[-1].fence != fence:
                return False
            self._write(job, [*history[:-1], history[-1].model_copy(update=values)])
            return True

    def _write(self, job: str, history: list[Assignment]) -> None:
        write_json(self._path(job), _File(job=job, history=history).model_dump(mode="json"))

    def _locked(self, job: str) -> AbstractContextManager[None]:
        return locked(self.folder / ".locks" / job)

    def _path(self, job: str) -> Path:
        return self.folder / f"{job}.json"
