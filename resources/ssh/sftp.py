"""Files over SFTP: pulls that go on where they stopped, pushes that appear whole."""

import contextlib
import os
import posixpath
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import paramiko
from paramiko.sftp import CMD_DATA, CMD_READ, int64

# Bytes asked for ahead: what a fast line carries in a round trip. More would lie in buffers that paramiko moves about.
AHEAD_MIN, AHEAD_MAX = 1 << 20, 8 << 20
LINE_BYTES_PER_S = 2.5e8
# Bytes of a request: what any server takes, and the most that OpenSSH takes; before 8.5 it answers a read in part.
SMALL_REQUEST, LARGE_REQUEST = 1 << 15, 261_120
LARGE_READS_SINCE = (8, 5)

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

    def ahead(self, trip_s: float) -> int:
        """Bytes to ask for ahead on a line with this round trip; about a second's worth when the pace is limited."""
        fast = min(max(int(trip_s * LINE_BYTES_PER_S), AHEAD_MIN), AHEAD_MAX)
        return fast if self.bytes_per_s is None else max(min(fast, int(self.bytes_per_s)), SMALL_REQUEST)


def part_path(target: Path, size: int, changed: int | None) -> Path:
    """Where the beginning of a file waits; another version of the remote file has another name."""
    return target.with_name(f".{target.name}.{size}-{changed or 0}.part")


def pull(
    client: paramiko.SFTPClient,
    remote: str,
    target: Path,
    pace: Pace,
    progress: Progress = lambda done, total: None,
    *,
    expected: int | None = None,
) -> int:
    """Copy a remote file to `target`, which appears whole; returns the bytes that were moved.

    What an interrupted pull of the same version left is gone on from. Nothing is moved of a file that has not the
    `expected` bytes (None: any number). Raises FileNotFoundError, and what the connection raises. Whoever calls checks
    the content.
    """
    asked = time.monotonic()
    facts = client.stat(remote)
    ahead = pace.ahead(time.monotonic() - asked)
    size = facts.st_size or 0
    if expected is not None and size != expected:
        return 0
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
                done = start
                for data in _Reader(client, source).pieces(start, size, ahead):
                    out.write(data)
                    done += len(data)
                    pace.wait(len(data))
                    progress(done, size)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)
    return size - start


def request_bytes(client: paramiko.SFTPClient, since: tuple[int, int] = (0, 0)) -> int:
    """How much to move at once: large requests halve the work, where the server is an OpenSSH that takes them."""
    channel = client.get_channel()
    version = channel.get_transport().remote_version if channel is not None else ""
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", version)
    new = found is not None and (int(found[1]), int(found[2])) >= since
    return LARGE_REQUEST if new else SMALL_REQUEST


class _Reader:
    """Reads a file in order with several requests under way; paramiko's own `prefetch` cannot bound them, or sleeps."""

    def __init__(self, client: paramiko.SFTPClient, source: paramiko.SFTPFile):
        self._client, self._source = client, source
        self._answers: dict[int, bytes] = {}

    def pieces(self, start: int, size: int, ahead: int) -> Iterator[bytes]:
        """The bytes from `start` to `size`, with about `ahead` bytes asked for and not given out. Raises EOFError."""
        length = min(request_bytes(self._client, LARGE_READS_SINCE), ahead)
        asked: deque[tuple[int, int, int]] = deque()  # offset, length, number of the request
        position = start
        while position < size or asked:
            while position < size and (not asked or position + length - asked[0][0] <= ahead):
                count = min(length, size - position)
                asked.append((position, count, self._ask(position, count)))
                position += count
            offset, count, number = asked.popleft()
            data = self._take(number)
            if len(data) > count:
                raise paramiko.SSHException("the server sent more than was asked for")
            yield data
            if len(data) < count:  # a server may answer in part
                rest = offset + len(data), count - len(data)
                asked.appendleft((*rest, self._ask(*rest)))

    def _ask(self, offset: int, count: int) -> int:
        handle = self._source.handle
        return int(self._client._async_request(self, CMD_READ, handle, int64(offset), count))

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        """What paramiko calls with each answer."""
        if kind != CMD_DATA:
            self._client._convert_status(message)
            raise paramiko.SSHException("the server answered a read request with something else")
        self._answers[number] = message.get_string()

    def _take(self, number: int) -> bytes:
        while number not in self._answers:
            self._client._read_response()
        data = self._answers.pop(number)
        if not data:
            raise EOFError("the remote file became shorter")
        return data


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
            out.MAX_REQUEST_SIZE = request_bytes(client)
            while piece := data.read(out.MAX_REQUEST_SIZE):
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
