"""A lock file that the operating system frees when its holder ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringrift.files import lock


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; waits for whoever holds it now. Raises NoLocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        lock(handle, fcntl.LOCK_EX)
        yield
