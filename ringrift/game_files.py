"""Finding files of a home: the inputs a job names, and game sets."""

import json
import os
from pathlib import Path

from ringrift.contract import file_sha256
from ringrift.errors import InvalidInput, MissingInput

RECORD = "partition.json"
GAMES_FILE = "games.parquet"
TRAINING_ASSET = "training_db"


def home_file(entry: dict[str, str]) -> Path:
    """The file an input `{"path", "sha256"}` of a job names, its path relative to RINGRIFT_HOME.

    Raises MissingInput or InvalidInput when it is not there or not the one that was meant.
    """
    home = os.environ.get("RINGRIFT_HOME")
    if not home:
        raise MissingInput("RINGRIFT_HOME is not set; a job that reads stored files runs beside the store")
    path = (Path(home) / entry["path"]).resolve()
    if not path.is_relative_to(Path(home).resolve()):
        raise InvalidInput("path", entry["path"], "use a path inside RINGRIFT_HOME")
    if not path.is_file():
        raise MissingInput(f"{path} is not there; materialize the step that writes it")
    if file_sha256(path) != entry["sha256"]:
        raise InvalidInput("path", entry["path"], "the file changed since this job was planned; start it again")
    return path


def default_store() -> Path:
    """The training data of the home: `$RINGRIFT_HOME/store/training_db`, the home being ./var by default."""
    home = Path(os.environ.get("RINGRIFT_HOME") or "var").expanduser()
    return home / "store" / TRAINING_ASSET


def find_game_sets(paths: list[Path]) -> list[Path]:
    """Game set files under `paths`, sorted: files as they are, of stored partitions the version in force.

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
