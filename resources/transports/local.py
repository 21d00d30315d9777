"""The transport of this machine: job folders on its own disk, workers started here."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from resources.hosts.host import PASSPHRASE_VARIABLE, Host
from resources.transports.base import NO_SIZES
from ringrift.files import atomic_path
from ringrift.jobs.contract import OUT
from ringrift.jobs.folder import JobFolder
from ringrift.jobs.probe import probe
from ringrift.jobs.view import JobView


class LocalTransport(JobFolder):
    """This machine: jobs are detached processes of it. `root` is the folder that holds its jobs and slots."""

    max_poll_s, status_s = 2.0, 0.0  # looking costs no connection here

    def __init__(self, host: Host, root: Path, python: str | None = None, environment: dict[str, str] | None = None):
        super().__init__(
            root, host.max_parallel_jobs, python or host.python_path, environment, hidden=(PASSPHRASE_VARIABLE,)
        )
        self.host = host

    def where(self, job: str) -> str:
        return str(self.jobs / job)

    def fetch(self, job: str, names: Sequence[str], folder: Path, sizes: Mapping[str, int] = NO_SIZES) -> None:
        for name in names:
            source = self.jobs / job / OUT / name
            if source.is_file() and source.stat().st_size == sizes.get(name, source.stat().st_size):
                with atomic_path(folder / name) as temporary:
                    shutil.copyfile(source, temporary)

    def send(self, source: Path, name: str) -> bool:
        target = self.root / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            return False
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
        return True

    def skew_s(self) -> float:
        return 0.0

    def views(self, jobs: Sequence[str] | None = None) -> list[JobView]:
        return [replace(view, host=self.host.name) for view in super().views(jobs)]

    def probe(self) -> dict[str, Any]:
        return probe(self.root)

    def close(self) -> None:
        """There is no connection."""
