"""What an agent's answers may be: how long, and of which types. Whatever else comes is a fault of its host."""

import base64
import errno
from typing import Annotated, Any

import pydantic_core
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
)

from resources.transports.base import HostRefused
from ringrift.jobs.contract import MOST_SHARDS
from ringrift.jobs.folder import READ_BYTES, FolderStatus
from ringrift.jobs.view import JobView

LINE_BYTES = 1 << 16  # of an answer, unless it brings what was asked for
LIST_BYTES = 1 << 26  # of an answer that lists the jobs of a host
WHOLE_BYTES = 1 << 26  # of a file that is asked for to its end
ENTRY_BYTES = 512  # of one shard in a manifest
WORDS = 500  # characters of an answer's own error that are told
DISK_FULL = "its disk is full; free some space there"


class BadAnswer(Exception):
    """The answer cannot be; the message says why."""


class _Plain(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class Greeting(_Plain):
    """The hand-shake; see ringrift.jobs.agent.greeting."""

    contract: int
    protocol: int
    host: str
    version: str
    python: str
    machine: str
    kinds: list[str]
    code: str
    clock: float
    root: str
    system: str
    pid: int
    free_bytes: int
    free_slots: int
    slots: int
    speed: float


class Use(_Plain):
    """How busy a machine is; see ringrift.jobs.probe."""

    cpu: float
    mem: float
    disk: float
    gpu: float | None
    cores: int | None
    memory_gb: float
    disk_free_gb: float


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("bytes come as base64 text")
    return base64.b64decode(text, validate=True)


def _positive(status: FolderStatus) -> FolderStatus:
    if min(status.free_bytes, status.free_slots, status.slots, status.speed) < 0:
        raise ValueError("a number is below zero")
    return status


Data = Annotated[bytes, BeforeValidator(_decoded)]


class LookAnswer(_Plain):
    """See ringrift.jobs.folder.Look."""

    alive: StrictBool
    messages: Data
    manifest: Data | None


RESULTS: dict[str, TypeAdapter[Any]] = {
    "exists": TypeAdapter(StrictBool),
    "job_ids": TypeAdapter(list[StrictStr]),
    "read": TypeAdapter(Data | None),
    "look": TypeAdapter(LookAnswer),
    "alive": TypeAdapter(StrictBool),
    "exited": TypeAdapter(StrictInt | None),
    "views": TypeAdapter(list[JobView]),
    "status": TypeAdapter(Annotated[FolderStatus, AfterValidator(_positive)]),
    "start": TypeAdapter(StrictBool),
    "signal": TypeAdapter(None),
    "quarantine": TypeAdapter(None),
    "probe": TypeAdapter(Use),
}
"""Verb → what its result must be."""


def most_bytes(verb: str, arguments: dict[str, Any]) -> int:
    """The longest line that can answer a request, in bytes."""
    if verb in ("views", "job_ids"):
        return LIST_BYTES
    if verb == "look":
        return LINE_BYTES + _as_text(READ_BYTES) + _as_text(MOST_SHARDS * ENTRY_BYTES)
    if verb == "read":
        limit = arguments.get("limit", -1)
        return LINE_BYTES + _as_text(limit if limit >= 0 else WHOLE_BYTES)
    return LINE_BYTES


def _as_text(count: int) -> int:
    return 4 * count // 3 + 4


def read_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line. Raises BadAnswer."""
    try:
        found = pydantic_core.from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise BadAnswer(f"no JSON: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise BadAnswer("no JSON object")
    return found


def result_of(host: str, verb: str, answer: dict[str, Any]) -> Any:
    """The result in an answer of `host`, of its type. Raises HostRefused when it is an error, BadAnswer."""
    error = answer.get("error")
    if error is None:
        if "result" not in answer:
            raise BadAnswer(f"no result of {verb}")
        return checked(RESULTS[verb], answer["result"], f"the result of {verb}")
    if not isinstance(error, dict) or not isinstance(error.get("text"), str):
        raise BadAnswer("an error without words")
    words = " ".join(error["text"].split())[:WORDS]
    raise HostRefused(f"{host}: {DISK_FULL if error.get('errno') == errno.ENOSPC else words}")


def checked(adapter: TypeAdapter[Any], value: object, what: str) -> Any:
    """A value of the adapter's type. Raises BadAnswer."""
    try:
        return adapter.validate_python(value)
    except pydantic_core.ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f".{part}" for part in first["loc"])
        raise BadAnswer(f"{what}{place}: {first['msg'][:WORDS]}") from error
