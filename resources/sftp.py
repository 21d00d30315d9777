"""Files over SFTP: pulls that go on where they stopped, pushes that appear whole."""

import contextlib
import os
import posixpath
import re
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import paramiko

WINDOW_BYTES = 8 << 20  # asked for ahead; bounds the memory of a pull
LARGE_REQUEST, SMALL_REQUEST = 1 << 17, 1 << 15  # bytes of a read request
LARGE_SINCE = (8, 5)  # the OpenSSH that answers a large one whole; a part would be asked for again, one by one
PIECE_BYTES = 1 << 18

Progress = Callable[[int, int], None]


class Pace:
    """Keeps a transfer at or below `bytes_per_s` (None: as fast as it goes)."""

    def __init__(self, bytes_per_s: float | None, clock: Callable[[], float] = time.monotonic):
        self.bytes_per_s, self._clock, self._free_at = bytes_per_s, clock, 0.0

    def wait(self, count: int, sleep: Callable[[float], None] = time.sleep) -> None:
        """Account for `count` bytes that were moved; sleeps when that was too fast."""
        if self.bytes_per_s is None:
            return
        now = self._clock()
        self._free_at = max(self._free_at, now) + count / self.bytes_per_s
        if self._free_at > now:
            sleep(self._free_at - now)

    @property
    def window(self) -> int:
        """Bytes to ask for ahead: about a second's worth when the pace is limited."""
        if self.bytes_per_s is None:
            return WINDOW_BYTES
        return int(min(max(self.bytes_per_s, PIECE_BYTES), WINDOW_BYTES))


def part_path(target: Path, size: int, changed: int | None) -> Path:
    """Where the beginning of a file waits; another version of the remote file has another name."""
    return target.with_name(f".{target.name}.{size}-{changed or 0}.part")


def pull(
    client: paramiko.SFTPClient, remote: str, target: Path, pace: Pace, progress: Progress = lambda done, total: None
) -> int:
    """Copy a remote file to `target`, which appears whole; returns the bytes that were moved.

    What an interrupted pull of the same version left is gone on from. Raises FileNotFoundError, and what the
    connection raises. Whoever calls checks the content.
    """
    facts = client.stat(remote)
    size = facts.st_size or 0
    part = part_path(target, size, facts.st_mtime)
    target.parent.mkdir(parents=True, exist_ok=True)
    for old in target.parent.glob(f".{target.name}.*.part"):
        if old != part:
            old.unlink(missing_ok=True)
    with part.open("ab") as out:
        start = out.tell()
        if start > size:
            out.truncate(0)
            start = 0
        if start < size:
            with client.open(remote, "rb") as source:
                source.MAX_REQUEST_SIZE = request_bytes(client)
                _copy(source, out, start, size, pace, progress)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)
    return size - start


def request_bytes(client: paramiko.SFTPClient) -> int:
    """How much to ask for at once: large requests halve the work of a pull, where the server answers them whole."""
    channel = client.get_channel()
    version = channel.get_transport().remote_version if channel is not None else ""
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", version)
    new = found is not None and (int(found[1]), int(found[2])) >= LARGE_SINCE
    return LARGE_REQUEST if new else SMALL_REQUEST


def _copy(source: paramiko.SFTPFile, out: object, start: int, size: int, pace: Pace, progress: Progress) -> None:
    source.seek(start)
    done = start
    while done < size:
        end = min(size, done + pace.window)
        source.prefetch(end)
        while done < end:
            data = source.read(min(PIECE_BYTES, end - done))
            if not data:
                raise EOFError("the remote file became shorter")
            out.write(data)  # type: ignore[attr-defined]
            done += len(data)
            pace.wait(len(data))
            progress(done, size)


def push(
    client: paramiko.SFTPClient, source: Path, remote: str, pace: Pace, progress: Progress = lambda done, total: None
) -> int:
    """Copy a file to a remote place, where it appears whole; its folders are made. Returns the bytes moved."""
    make_folders(client, posixpath.dirname(remote))
    draft = f"{posixpath.dirname(remote)}/.{uuid4().hex}.tmp"
    size, done = source.stat().st_size, 0
    try:
        with source.open("rb") as data, client.open(draft, "wb") as out:
            out.set_pipelined(True)
            while piece := data.read(PIECE_BYTES):
                out.write(piece)
                done += len(piece)
                pace.wait(len(piece))
                progress(done, size)
        if client.stat(draft).st_size != size:
            raise EOFError("the copy is shorter than the file")
        client.posix_rename(draft, remote)
    except BaseException:
        with contextlib.suppress(Exception):
            client.remove(draft)
        raise
    return size


def make_folders(client: paramiko.SFTPClient, folder: str) -> None:
    """Make a remote folder and those above it."""
    missing = []
    while folder not in ("", "/") and not exists(client, folder):
        missing.append(folder)
        folder = posixpath.dirname(folder)
    for path in reversed(missing):
        with contextlib.suppress(OSError):  # somebody else was faster; what follows fails if it is not there
            client.mkdir(path)


def exists(client: paramiko.SFTPClient, path: str) -> bool:
    """Whether there is a remote file or folder."""
    try:
        client.stat(path)
    except FileNotFoundError:
        return False
    return True


def holds(client: paramiko.SFTPClient, path: str, content: bytes) -> bool:
    """Whether there is a remote file with exactly this content."""
    try:
        if client.stat(path).st_size != len(content):
            return False
        with client.open(path, "rb") as file:
            return file.read() == content
    except FileNotFoundError:
        return False
