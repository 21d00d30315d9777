"""`logs/pipeline/errors_YYYYMMDD.log`: one entry for each command that failed on a worker."""

import fcntl
import os
import textwrap
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from shlex import join

from ringrift.files import lock

OUTPUT_CHARACTERS = 5000  # of stdout and of stderr, the last ones


class ErrorLog:
    """The error logs in one folder, one file a day of this machine's clock. Several processes may write at once."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, when: datetime) -> Path:
        """The file that an entry of this time is in."""
        return self.folder / f"errors_{when:%Y%m%d}.log"

    def write(
        self,
        *,
        worker: str,
        command: Sequence[str],
        return_code: int | None,
        stdout: str,
        stderr: str,
        when: datetime | None = None,
    ) -> Path:
        """Append an entry, whole and on disk before this returns; `return_code` None is one that nobody knows.

        Only what is given is written, nothing from the environment. Raises OSError if the disk refuses it.
        """
        when = when or datetime.now().astimezone()
        code = "unknown" if return_code is None else str(return_code)
        entry = (
            f"=== {when.isoformat(timespec='seconds')} ===\n"
            f"worker: {worker}\ncommand: {join(command)}\nreturn code: {code}\n"
            f"stdout:\n{_indented(stdout)}stderr:\n{_indented(stderr)}\n"
        )
        path = self.path(when)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as handle:
            lock(handle, fcntl.LOCK_EX)
            data = memoryview(entry.encode())
            while data:
                data = data[handle.write(data) :]
            os.fsync(handle.fileno())
        return path


def _indented(text: str) -> str:
    """The end of an output, each line set in, so that none of them looks like a heading."""
    lines = text[-OUTPUT_CHARACTERS:].splitlines()
    return textwrap.indent("\n".join(lines) + "\n" if lines else "(empty)\n", "  ", lambda line: True)
