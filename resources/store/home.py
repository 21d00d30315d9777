"""RINGRIFT_HOME: the folder that holds everything a run leaves, and where its parts lie."""

import os
from pathlib import Path

from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import user_path, write_text

HOME_VARIABLE = "RINGRIFT_HOME"
INSTANCE_VARIABLE = "RINGRIFT_DAGSTER_CONFIG"
REPOSITORY = Path(__file__).resolve().parents[2]


class Home:
    """Everything a run leaves behind, under one absolute folder: RINGRIFT_HOME, else `./var`."""

    def __init__(self, root: Path | str | None = None):
        self.root = _root(root or os.environ.get(HOME_VARIABLE) or "var")
        self.store = self.root / "store"
        self.models = self.root / "models"
        self.logs = self.root / "logs"
        self.reports = self.root / "reports"
        self.dagster = self.root / "dagster"
        self.inbox = self.root / "inbox"  # shards pulled from hosts, one folder a job
        self.assignments = self.root / "assignments"  # which host has which job

    def prepare(self, dagster_yaml: Path | None = None) -> "Home":
        """Make the folders and write DAGSTER_HOME/dagster.yaml from its source. Repeatable.

        The source is `dagster_yaml`, else the file RINGRIFT_DAGSTER_CONFIG names, else config/dagster.yaml (SQLite).
        Raises MissingInput when there is no such file, InvalidInput when nothing can be written in the home.
        """
        named = os.environ.get(INSTANCE_VARIABLE)
        default = REPOSITORY / "config" / "dagster.yaml"
        dagster_yaml = dagster_yaml or (user_path(named, INSTANCE_VARIABLE) if named else default)
        if not dagster_yaml.is_file():
            remedy = (
                f"mend or unset {INSTANCE_VARIABLE}" if named else "restore config/dagster.yaml from the repository"
            )
            raise MissingInput(f"{dagster_yaml} is missing; {remedy}")
        for folder in (self.store, self.models, self.logs, self.reports, self.dagster, self.inbox):
            _make(folder)
        target, text = self.dagster / "dagster.yaml", dagster_yaml.read_text(encoding="utf-8")
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            write_text(target, text)
        return self


def _root(named: Path | str) -> Path:
    """The folder of a home, absolute; it need not be there. Raises InvalidInput for what can be no folder."""
    try:
        root = user_path(named, HOME_VARIABLE).resolve()
        if root.is_dir() or not root.exists():
            return root
        problem = f"{root} is not a folder"
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name that no system takes
        if isinstance(error, InvalidInput):
            raise
        problem = f"{named} cannot be a folder: {error}"
    raise InvalidInput(HOME_VARIABLE, str(named), "name a folder, new or there already", problem=problem)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError("nothing can be written there")
    except OSError as error:
        problem = f"{folder} cannot be made or used: {error.strerror or error}"
        raise InvalidInput(HOME_VARIABLE, str(folder), "name a folder that can be written", problem=problem) from error
