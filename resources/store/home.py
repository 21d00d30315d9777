"""RINGRIFT_HOME: the folder that holds everything a run leaves, and where its parts lie."""

import os
from pathlib import Path

from ringrift.errors import MissingInput
from ringrift.files import write_text

HOME_VARIABLE = "RINGRIFT_HOME"
INSTANCE_VARIABLE = "RINGRIFT_DAGSTER_CONFIG"
REPOSITORY = Path(__file__).resolve().parents[2]


class Home:
    """Everything a run leaves behind, under one absolute folder: RINGRIFT_HOME, else `./var`."""

    def __init__(self, root: Path | str | None = None):
        self.root = Path(root or os.environ.get(HOME_VARIABLE) or "var").expanduser().resolve()
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
        Raises MissingInput when there is no such file.
        """
        named = os.environ.get(INSTANCE_VARIABLE)
        dagster_yaml = dagster_yaml or Path(named or REPOSITORY / "config" / "dagster.yaml")
        if not dagster_yaml.is_file():
            remedy = (
                f"mend or unset {INSTANCE_VARIABLE}" if named else "restore config/dagster.yaml from the repository"
            )
            raise MissingInput(f"{dagster_yaml} is missing; {remedy}")
        for folder in (self.store, self.models, self.logs, self.reports, self.dagster, self.inbox):
            folder.mkdir(parents=True, exist_ok=True)
        target, text = self.dagster / "dagster.yaml", dagster_yaml.read_text(encoding="utf-8")
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            write_text(target, text)
        return self
