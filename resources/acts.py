"""What people do by hand: one append-only file of a home, an input of the derived views.

`acts.jsonl` holds one JSON object a line: `at` (Unix seconds), `act` and the fields of that act. A line is written
under a lock and flushed to the disk before the call returns; nothing is ever changed or removed.
"""

import json
import os
import time
from typing import Any

from resources.locks import locked
from resources.storage import Home, StoreDamaged

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
