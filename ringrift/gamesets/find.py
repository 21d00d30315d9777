"""Finding game sets on disk: files, folders, stored partitions."""

import json
import os
from pathlib import Path

from ringrift import names
from ringrift.errors import MissingInput
from ringrift.files import user_path

RECORD = names.RECORD_FILE
GAMES_FILE = names.GAMES_FILE
TRAINING_ASSET = names.TRAINING_DB


def default_home() -> Path:
    """The home: `$RINGRIFT_HOME`, ./var by default."""
    return user_path(os.environ.get("RINGRIFT_HOME") or "var", "RINGRIFT_HOME")


def default_store() -> Path:
    """The training data of the home."""
    return default_home() / "store" / TRAINING_ASSET


def find_game_sets(paths: list[Path]) -> list[Path]:
    """Game set files under `paths`, sorted: files as they are, of stored partitions the current version.

    Without paths the home's training data. Raises MissingInput where there is none.
    """
    found: list[Path] = []
    for path in paths or [default_store()]:
        if path.is_file():
            found.append(path)
            continue
        records = sorted(path.rglob(RECORD))
        current = [r.parent / f"v{json.loads(r.read_text())['version']:04d}" / GAMES_FILE for r in records]
        sets = [p for p in current if p.is_file()] if records else sorted(path.rglob("*.parquet"))
        if not sets:
            raise MissingInput(f"no game sets at {path}: `ringrift run` makes some, or name a file or folder")
        found += sets
    return found
