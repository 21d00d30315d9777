"""Workers that are forked from a process with Python, numba and the kernels loaded, instead of being started anew.

Loading takes a worker one to three seconds of CPU. So the first one of a user on a machine starts a warm process,
which loads once, listens on a socket that only this user can reach, and forks the workers after it. They are detached
workers like any other: own session, own locks, killed alone, and they live on when the warm process ends. It ends by
itself after a while without work, and when the package's files have changed.

RINGRIFT_WARM_S is that while in seconds; 0 starts every worker anew. So do Macs unless it is set: libraries of Apple's
that numpy calls may crash in a forked process.
"""

import contextlib
import fcntl
import hashlib
import importlib
import json
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from setproctitle import setproctitle

from ringrift.jobs.worker import BUSY, KINDS, THREAD_COUNTS, job_kinds

VARIABLE = "RINGRIFT_WARM_S"
IDLE_S = 0.0 if sys.platform == "darwin" else 600.0
LOAD_S = 30.0  # a worker does not wait longer for the warm process to be there; then it is started anew
ANSWER_S = 30.0  # the first worker of a kind may have to wait for what only that kind loads
LONGEST = 1 << 20  # bytes of a request
WARMUP = "ringrift.cli.warmup"  # it lies above this package, so it is found by its name
LATER = {"train": ("torch._dynamo",)}  # kinds that are loaded when the first is asked for, and what each then imports
LOADED_BY = (*THREAD_COUNTS, "NUMBA_", "PYTHON", "XDG_CACHE_HOME", "HOME", "LD_", "DYLD_", "CUDA_")
"""Beginnings of the variables that are read when modules are loaded: a warm process is for one set of values."""


class Started(Protocol):
    """What is needed of a worker that was started: `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it lives."""


class Forked:
    """A forked worker. Its connection is closed when both it and the warm process have ended or let go of it."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._answers = connection.makefile("r")
        self.returncode: int | None = None
        self.pid = int(self._answers.readline())  # ValueError without an answer

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it lives. A code that nobody could tell is that of SIGKILL."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if selector.select(0):
                    self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, once it has ended. Raises TimeoutError after `timeout` seconds."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        try:
            self.returncode = int(self._answers.readline() or -signal.SIGKILL)
        except ConnectionError:
            self.returncode = -signal.SIGKILL
        self._answers.close()
        self._connection.close()


def start(
    python: str, kind: str, arguments: Sequence[str], environment: Mapping[str, str], log: int, held: Sequence[int]
) -> Forked | None:
    """Fork a worker for a kind of job with these arguments, output to the file `log`, and these files held open.

    None where warm processes are off, or there is none within a moment: then start it anew.
    """
    idle_s = _idle_s(environment)
    if not idle_s or (place := _place(python, environment)) is None:
        return None
    end, process = time.monotonic() + LOAD_S, None
    request = {"kind": kind, "arguments": [*arguments], "environment": {**environment}, "folder": str(Path.cwd())}
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):  # not there, just ending, or told that its files have changed
            return _ask(place, json.dumps(request).encode() + b"\n", [log, *held])
        if process is not None and process.poll() not in (None, BUSY):
            return None  # it cannot load, or the interpreter is no Python with this package
        if process is None:
            process = subprocess.Popen(
                [python, "-m", __name__, str(place), str(idle_s)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                cwd="/",
                start_new_session=True,
            )
        time.sleep(0.05)
    return None


def _idle_s(environment: Mapping[str, str]) -> float:
    try:
        return float(environment.get(VARIABLE) or IDLE_S)
    except ValueError:
        return IDLE_S


def _place(python: str, environment: Mapping[str, str]) -> Path | None:
    """The socket of the warm process for this interpreter and these variables; None where no folder is this user's."""
    folder = Path(tempfile.gettempdir()) / f"ringrift-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        return None
    values = {name: value for name, value in environment.items() if name.startswith(LOADED_BY)}
    about_it = json.dumps([python, str(Path(__file__)), values], sort_keys=True)
    return folder / hashlib.sha256(about_it.encode()).hexdigest()[:16]


def _ask(place: Path, request: bytes, files: Sequence[int]) -> Forked:
    """Send a request with its files. Raises OSError or ValueError when nobody answers."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(ANSWER_S)
        connection.connect(str(place))
        sent = socket.send_fds(connection, [request], files)
        connection.sendall(request[sent:])
        forked = Forked(connection)
        connection.settimeout(None)
        return forked
    except BaseException:
        connection.close()
        raise


# --- the warm process ---------------------------------------------------------------------------------------


def serve(place: Path, idle_s: float) -> int:
    """Load what workers load, then fork them; returns after `idle_s` seconds without one, or when files change.

    The exit code: 0, or BUSY where another one does it.
    """
    with place.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return BUSY  # there is one already
        before = _files()
        load()
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
            listener.listen(64)
            try:
                _Server(listener, lock, before, idle_s).run()
            finally:
                place.unlink(missing_ok=True)
    return 0


def load() -> None:
    """Import the job kinds, and load the kernels if they are compiled."""
    for name in THREAD_COUNTS:
        os.environ.setdefault(name, "1")
    for kind in sorted(set(job_kinds()) - set(LATER)):
        importlib.import_module(f"{KINDS}.{kind}")
    warmup = importlib.import_module(WARMUP)
    if warmup.is_warm():
        warmup.warm_up(lambda text: None)


def _files() -> list[tuple[str, int, int]]:
    """The package's files with sizes and times: other ones mean other code."""
    package = Path(__file__).parents[1]
    return sorted((str(path), (s := path.stat()).st_size, s.st_mtime_ns) for path in package.rglob("*.py"))


class _Server:
    """Forks workers, and tells their ends."""

    def __init__(self, listener: socket.socket, lock: IO[str], files: list[tuple[str, int, int]], idle_s: float):
        self._listener, self._lock, self._package, self._idle_s = listener, lock, files, idle_s
        self._living: dict[int, socket.socket] = {}

    def run(self) -> None:
        """Answer until nobody asked and no worker lived for the while, or this process is out of date."""
        wake, woken = socket.socketpair()
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            while ready := selector.select(None if self._living else self._idle_s):
                if any(key.fileobj is wake for key, _ in ready):
                    wake.recv(64)
                    self._reap()
                if any(key.fileobj is self._listener for key, _ in ready) and not self._answer():
                    return

    def _answer(self) -> bool:
        """Fork the worker that the next connection asks for. False when this process is out of date."""
        connection, _ = self._listener.accept()
        connection.settimeout(ANSWER_S)
        files: list[int] = []
        try:
            data, files, _, _ = socket.recv_fds(connection, LONGEST, 8)
            while data and not data.endswith(b"\n") and len(data) <= LONGEST:
                more = connection.recv(LONGEST)
                data = data + more if more else b""
            request = json.loads(data)
            current = _files() == self._package
            if current:
                for module in LATER.get(request["kind"], ()):
                    importlib.import_module(f"{KINDS}.{request['kind']}")
                    importlib.import_module(module)
                pid = os.fork()
                if pid == 0:
                    held: Any
                    for held in (self._listener, self._lock, *self._living.values()):  # else it outlives us as ours
                        held.close()
                    _work(request, files, connection)
                self._living[pid] = connection
                connection.sendall(f"{pid}\n".encode())
            else:
                connection.close()
            return current
        except (OSError, ValueError, ImportError):
            if connection not in self._living.values():
                connection.close()
            return True
        finally:
            for file in files:
                os.close(file)

    def _reap(self) -> None:
        for pid in list(self._living):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self._living.pop(pid) as told, contextlib.suppress(OSError):
                    told.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _work(request: dict[str, Any], files: list[int], connection: socket.socket) -> None:
    """What the interpreter does for `python -m ringrift.jobs.worker`; ends the process.

    The connection stays open with this process: it tells of its life when the warm process is gone.
    """
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.set_inheritable(connection.fileno(), False)
        os.dup2(files[0], 1)
        os.dup2(files[0], 2)
        arguments = request["arguments"]
        setproctitle(" ".join(["python", "-m", "ringrift.jobs.worker", *arguments]))
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        from ringrift.jobs import worker

        code = worker.main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    from ringrift.jobs import warm  # the module, not its copy named __main__

    sys.exit(warm.serve(Path(sys.argv[1]), float(sys.argv[2])))
