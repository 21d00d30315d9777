"""What people do by hand: one append-only file of a home, an input of the derived views.

`acts.jsonl` holds one JSON object a line: `at` (Unix seconds), `act` and the fields of that act. A line is written
under a lock and flushed to the disk before the call returns; nothing is ever changed or removed.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from resources.store.home import Home
from resources.store.locks import locked
from resources.store.record import StoreDamaged, digest_of
from ringrift.errors import InvalidInput

FILE = "acts.jsonl"


def record_act(home: Home, act: str, **fields: Any) -> dict[str, Any]:
    """Append an act and return it as it stands in the file. Raises StoreDamaged if the file does not parse."""
    with locked(home.root / "acts.lock"):
        acts_of(home)
        entry = {"at": time.time(), "act": act, **fields}
        with (home.root / FILE).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry, sort_keys=True, allow_nan=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
    return entry


def acts_of(home: Home, *acts: str, upto: int | None = None) -> list[dict[str, Any]]:
    """The acts of some kinds (none given: all), oldest first; with `upto` only those among the first so many lines.

    Raises StoreDamaged naming the line.
    """
    path = home.root / FILE
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[:upto], 1):
        try:
            entry = json.loads(line)
            if not acts or entry["act"] in acts:
                found.append(entry)
        except (ValueError, TypeError, KeyError) as error:
            raise StoreDamaged(f"{path} line {number} does not parse; mend that line or move the file aside") from error
    return found


LEDGER_FILE, LEDGER_LOCK = "ledger.jsonl", "ledger.lock"


class Entry(NamedTuple):
    """An event with its content hash (16 hex digits) and when it was first told (Unix seconds)."""

    id: str
    at: float
    event: dict[str, Any]


def append(home: Home, event: dict[str, Any]) -> str:
    """Add an event, a JSON object with a `kind`; returns its id. One that is there already is left as it is.

    Raises InvalidInput for an event without a kind or that JSON cannot hold, StoreDamaged as `read` does.
    """
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str) or not event["kind"]:
        raise InvalidInput("event", event, "use a dict with a text under `kind`")
    try:
        name = digest_of(event)[:16]
    except (TypeError, ValueError) as error:
        raise InvalidInput("event", sorted(map(str, event)), f"use values that JSON can hold ({error})") from error
    path = home.root / LEDGER_FILE
    with locked(home.root / LEDGER_LOCK):
        if any(entry.id == name for entry in read(home)):
            return name
        line = json.dumps({"id": name, "at": time.time(), "event": event}, sort_keys=True)
        with path.open("ab+") as handle:
            handle.truncate(_whole(path.read_bytes()))  # a line torn by a crash was never acknowledged
            handle.write(line.encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
    return name


def read(home: Home) -> list[Entry]:
    """All events in the order in which they were told.

    Raises StoreDamaged naming the line that does not parse or whose content is not what its id says.
    """
    path = home.root / LEDGER_FILE
    if not path.is_file():
        return []
    data = path.read_bytes()
    lines = data[: _whole(data)].splitlines()
    return [_entry(path, number, line) for number, line in enumerate(lines, 1)]


def _whole(data: bytes) -> int:
    """Bytes up to the end of the last whole line."""
    return data.rfind(b"\n") + 1


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        entry = Entry(**json.loads(line))
        if entry.id == digest_of(entry.event)[:16]:
            return entry
    except (ValueError, TypeError):
        pass
    raise StoreDamaged(f"{path}, line {number} is damaged; restore the file from a copy, or move that line aside")
