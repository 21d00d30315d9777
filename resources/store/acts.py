"""What people do by hand: one append-only file of a home, an input of the derived views.

`acts.jsonl` holds one JSON object a line: `at` (Unix seconds), `act` and the fields of that act. A line is written
under a lock and flushed to the disk before the call returns; nothing is ever changed or removed. A last line without
its end was torn by a crash before the call returned: it does not count, and the next act takes its place.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from resources.store.home import Home
from resources.store.locks import locked
from resources.store.record import StoreDamaged
from ringrift.errors import InvalidInput

FILE, LOCK = "acts.jsonl", "acts.lock"


def record_act(home: Home, act: str, **fields: Any) -> dict[str, Any]:
    """Append an act and return it as it stands in the file.

    Raises InvalidInput for fields that JSON cannot hold, StoreDamaged if the file does not parse.
    """
    entry = {"at": time.time(), "act": act, **fields}
    try:
        line = json.dumps(entry, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput("act", act, "use values that JSON can hold", problem=str(error)) from error
    with locked(home.root / LOCK):
        acts_of(home)
        with (home.root / FILE).open("ab+") as handle:
            handle.truncate(len(_whole_lines(home.root / FILE)))
            handle.write(line.encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
    return entry


def acts_of(home: Home, *acts: str, upto: int | None = None) -> list[dict[str, Any]]:
    """The acts of some kinds (none given: all), oldest first; with `upto` only those among the first so many lines.

    Raises StoreDamaged naming the line.
    """
    path = home.root / FILE
    found = []
    for number, line in enumerate(_whole_lines(path).splitlines()[:upto], 1):
        try:
            entry = json.loads(line)
            if entry["act"] in acts or not acts:
                found.append(entry)
        except (ValueError, TypeError, KeyError) as error:
            raise StoreDamaged(f"{path} line {number} does not parse; mend that line or move the file aside") from error
    return found


def _whole_lines(path: Path) -> bytes:
    data = path.read_bytes() if path.is_file() else b""
    return data[: data.rfind(b"\n") + 1]
