"""Workers that are forked from one process with the kernels loaded: all of a worker but the start of its interpreter.

A worker spends one to two seconds of CPU on imports and on loading kernels before it works for a tenth of that on a
test's few games. Tests of what is made from the games take this way; those of workers, hosts and kills start real ones.

The process listens on a socket. A request brings the arguments, the variables and the open files of a worker; the
answers are the number of the forked process, then its exit code.
"""

import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import IO, Any

import pytest

COMMAND = [sys.executable, "-m", "ringrift.jobs.worker"]
LONGEST = 1 << 20  # bytes of a request


class Forked:
    """What the callers of `subprocess.Popen` use of it, for a forked worker."""

    def __init__(self, connection: socket.socket):
        self._answers = connection.makefile("r")
        self._connection = connection
        self.returncode: int | None = None
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while the worker lives."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if selector.select(0):
                    self._read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, once the worker has ended. Raises TimeoutError after `timeout` seconds."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self._read()
        assert self.returncode is not None
        return self.returncode

    def _read(self) -> None:
        self.returncode = int(self._answers.readline() or -signal.SIGKILL)
        self._answers.close()
        self._connection.close()


class Forker:
    """The process that forks workers. Started by the first worker, ended by `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._server: socket.socket | None = None

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[int]) -> Forked:
        """Fork a worker. `files` become its standard output and error, and what else it is to hold open."""
        if self._process is None:
            self._server, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._process = subprocess.Popen(
                [COMMAND[0], "-m", "tests.forked_workers", str(other.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
            other.close()
        assert self._server is not None
        here, there = socket.socketpair()
        request = json.dumps({"arguments": list(arguments), "environment": dict(environment)}).encode()
        assert len(request) < LONGEST
        socket.send_fds(self._server, [request], [there.fileno(), *files])
        there.close()
        return Forked(here)

    def close(self) -> None:
        """End the process; workers that still run go on."""
        if self._process is not None:
            assert self._server is not None
            self._server.close()
            self._process.wait()


FORKER = Forker()


def start(
    command: list[str], *, env: Mapping[str, str], stdout: IO[bytes], pass_fds: Sequence[int], **more: Any
) -> Any:
    """`subprocess.Popen` for ringrift.jobs.folder: forks a worker of this Python, starts anything else as it is."""
    if command[: len(COMMAND)] != COMMAND:
        return subprocess.Popen(command, env=env, stdout=stdout, pass_fds=pass_fds, **more)
    return FORKER.start(command[len(COMMAND) :], env, [stdout.fileno(), *pass_fds])


def use_forked_workers(patch: pytest.MonkeyPatch) -> None:
    """Let the jobs of this process be worked on by forked workers."""
    import ringrift.jobs.folder

    patch.setattr(ringrift.jobs.folder, "subprocess", SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL))


# --- the forking process ------------------------------------------------------------------------------------


def serve(server: socket.socket) -> None:
    """Fork workers until the other end is closed."""
    living: dict[int, socket.socket] = {}
    wake, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is wake:
                    wake.recv(64)
                    _reap(living)
                    continue
                request, files, _, _ = socket.recv_fds(server, LONGEST, 8)
                if not request:
                    return
                told = socket.socket(fileno=files[0])
                pid = os.fork()
                if pid == 0:
                    _work(json.loads(request), files[1:])
                for file in files[1:]:
                    os.close(file)
                living[pid] = told
                told.sendall(f"{pid}\n".encode())


def _reap(living: dict[int, socket.socket]) -> None:
    for pid in list(living):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with living.pop(pid) as told, suppress(BrokenPipeError):
                told.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _work(request: dict[str, Any], files: list[int]) -> None:
    """What the interpreter does for `python -m ringrift.jobs.worker`; ends the process."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(files[0], 1)
        os.dup2(files[0], 2)
        os.environ.clear()
        os.environ.update(request["environment"])
        from ringrift.jobs import worker

        code = worker.main(request["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Load what workers load, then fork them."""
    from ringrift.cli.warmup import warm_up
    from ringrift.jobs import worker

    for name in worker.THREAD_COUNTS:
        os.environ.setdefault(name, "1")

    for kind in set(worker.job_kinds()) - {"train"}:  # torch is for those that train
        importlib.import_module(f"{worker.KINDS}.{kind}")
    warm_up(lambda text: None)
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
