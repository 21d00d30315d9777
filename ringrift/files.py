"""Atomic file writes: a reader sees the old content or the new, never half of either. And locks on files."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from ringrift.errors import InvalidInput, RingRiftError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)  # what file systems without locks answer


class NoLocks(RingRiftError):
    """The file system of a folder has no locks; the message says what to move."""


def lock(handle: IO[Any], how: int) -> bool:
    """Take a lock on an open file: fcntl.LOCK_EX or LOCK_SH, with LOCK_NB to not wait for its holder.

    False when somebody else holds it. Raises NoLocks.
    """
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise NoLocks(
            f"the file system of {handle.name} has no file locks ({error.strerror}); put this folder on another disk: "
            "RINGRIFT_HOME here, ringrift_path of a host in the hosts file"
        ) from error
    return True


def check_locks(folder: Path) -> None:
    """Try a lock in a folder. Raises NoLocks."""
    with (folder / ".lock").open("ab") as handle:
        lock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


def user_path(path: str | Path, field: str) -> Path:
    """`path` with `~` or `~user` looked up. Raises InvalidInput, naming `field`, for a user who is not there."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InvalidInput(field, str(path), "write the folder in full", problem=f"{path}: no such user") from None


def check_target(path: Path, field: str) -> None:
    """Raise InvalidInput, naming `field`, unless a file can be put at `path`: nothing is there yet, or a plain file."""
    try:
        if not path.is_file() and (path.exists() or path.is_symlink()):
            raise InvalidInput(
                field, str(path), "name a file", problem=f"{path} is a folder, a device or a link to none"
            )
        parent = next(parent for parent in path.absolute().parents if parent.exists())
    except (OSError, ValueError) as error:
        problem = f"{path} cannot be looked at: {error}"
        raise InvalidInput(field, str(path), "name a file", problem=problem) from error
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InvalidInput(field, str(path), "name another file", problem=f"nothing can be written in {parent}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it over `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted keys, indented, newline at the end."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1) + "\n")
