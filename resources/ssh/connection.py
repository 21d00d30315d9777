"""One SSH connection to a host: opened when needed, kept, and opened again after a fault.

How one attempt is made stands in resources.ssh.opening; what a fault means is said by resources.ssh.faults.
"""

import contextlib
import getpass
import logging
import random
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import paramiko
import tenacity

from resources.hosts.host import Host
from resources.ssh.faults import ChannelLost, words_of
from resources.ssh.file_sessions import BROKEN, FileSessions
from resources.ssh.opening import Timeouts, open_client
from resources.ssh.retries import Result, delay_s
from resources.transports.base import HostRefused, HostUnreachable
from ringrift.planning.retry import RetryPolicy

DEFAULT_RETRY = RetryPolicy()  # of commands that have no pipeline
RETRY_WAIT_S = 1.0  # an attempt after a failure goes on without its callers after so long
REFUSED_FOR_S = 60.0  # after a refusal that needs a person; servers lock out who tries too often

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # every fault is told once, in our own words


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its own exit code, and what it printed."""

    code: int
    stdout: str
    stderr: str


def shell_path(path: str) -> str:
    """A path as a word for a POSIX shell; a leading `~/` is the home folder of whoever logs in."""
    return '"$HOME"/' + shlex.quote(path[2:]) if path.startswith("~/") else shlex.quote(path)


class SshConnection:
    """The connection to one host. Threads may share it; it opens itself again after a fault, but not at once.

    After a failure the next attempt is made a delay of `retry` later; until then every call raises HostUnreachable
    without waiting. An attempt after a failure goes on beside its callers, which wait for its first second only, so
    that a host that swallows packets does not hold up the others again and again.
    """

    def __init__(
        self,
        host: Host,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        retry: RetryPolicy | None = None,
    ):
        self.host = host
        self.timeouts = timeouts or Timeouts()
        self.retry = retry or DEFAULT_RETRY
        self.connected = 0  # how many times a connection was opened
        self._clock = clock
        self._lock = threading.RLock()
        self._client: paramiko.SSHClient | None = None
        self._files = FileSessions(host.name, self._open_files)
        self._files_checked = 0  # the number of the connection that was seen to carry files
        self._failures = 0
        self._closed_until = 0.0
        self._why: HostUnreachable | HostRefused | None = None
        self._retry: threading.Thread | None = None
        self._retry_began = 0.0

    @property
    def destination(self) -> str:
        """`user@address:port` of the first way to the host, as the hosts file has it."""
        return f"{self.host.ssh_user or getpass.getuser()}@{self.host.address}:{self.host.port}"

    # --- opening and closing ----------------------------------------------------------------------------

    def client(self) -> paramiko.SSHClient:
        """The open connection. Raises HostUnreachable or HostRefused."""
        with self._lock:
            if (client := self._living()) is not None:
                return client
            if self._why is None:
                return self._connect()
            retry = self._retrying()
        if retry is not None:
            retry.join(max(self._retry_began + RETRY_WAIT_S - time.monotonic(), 0.0))
        with self._lock:
            if (client := self._living()) is not None:
                return client
            raise self._again(self._why)

    def _living(self) -> paramiko.SSHClient | None:
        transport = self._client.get_transport() if self._client else None
        if transport is not None and transport.is_active():
            return self._client
        self._drop()
        return None

    def _connect(self) -> paramiko.SSHClient:
        try:
            self._client = self._open()
        except (HostRefused, HostUnreachable) as error:
            self.failed(error)
            raise
        self.connected += 1
        return self._client

    def _retrying(self) -> threading.Thread | None:
        """The attempt that is under way, or begins now; None before its time."""
        if self._retry is None or not self._retry.is_alive():
            if self._clock() < self._closed_until:
                return None
            self._retry, self._retry_began = threading.Thread(target=self._try_again, daemon=True), time.monotonic()
            self._retry.start()
        return self._retry

    def _try_again(self) -> None:
        try:
            client = self._open()
        except (HostRefused, HostUnreachable) as error:
            with self._lock:
                if self._retry is threading.current_thread():
                    self.failed(error)
            return
        with self._lock:
            if self._retry is threading.current_thread() and self._client is None:
                self._client = client
                self.connected += 1
                return
        client.close()  # nobody wants it any more

    def failed(self, error: HostRefused | HostUnreachable) -> None:
        """Note a fault: the connection is closed and opened again after a while."""
        with self._lock:
            self._drop()
            self._failures += 1
            wait = REFUSED_FOR_S if isinstance(error, HostRefused) else self._delay_s(self._failures)
            self._closed_until, self._why = self._clock() + wait, error

    def worked(self) -> None:
        """Note that the host answered."""
        with self._lock:
            self._failures, self._why = 0, None

    def patiently(self, work: Callable[[], Result], sleep: Callable[[float], None] = time.sleep) -> Result:
        """Do `work`, again after the delays of `retry` while the host cannot be reached. Raises its last error."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(HostUnreachable),
            stop=tenacity.stop_after_attempt(1 + self.retry.retries),
            wait=lambda state: self._patience_s(state.attempt_number),
            sleep=sleep,
            reraise=True,
        )
        return retrying(work)

    def _patience_s(self, attempt: int) -> float:
        """The delay after an attempt, longer if the connection opens later, but never above this attempt's longest."""
        pause = min(self._closed_until - self._clock(), delay_s(self.retry, attempt, 1.0))
        return max(self._delay_s(attempt), pause)

    def _delay_s(self, attempt: int) -> float:
        return delay_s(self.retry, attempt, random.random())

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            self._retry = None
            self._drop()

    def _again(self, why: HostRefused | HostUnreachable | None) -> HostRefused | HostUnreachable:
        if isinstance(why, HostRefused):
            return HostRefused(str(why))
        return HostUnreachable(self.host.name, why.why if why else "the connection was lost")

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # whatever a dead connection says at its end
                client.close()

    def _open(self) -> paramiko.SSHClient:
        return open_client(self.host, self.timeouts)

    # --- using it ---------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def guarded(self, sent: bool = True) -> Iterator[None]:
        """Turn a fault of the connection inside the `with` into HostUnreachable, and open it anew next time."""
        try:
            yield
        except (paramiko.SSHException, EOFError, TimeoutError, ConnectionError, ChannelLost) as error:
            fault = HostUnreachable(self.host.name, words_of(error), sent=sent)
            self.failed(fault)
            raise fault from error
        except BROKEN as error:
            broken = HostRefused(f"{self.host.name}: its SFTP server answers with something else ({words_of(error)})")
            self.failed(broken)
            raise broken from error
        except OSError as error:
            if "closed" not in str(error).lower():
                raise
            fault = HostUnreachable(self.host.name, "the connection was lost", sent=sent)
            self.failed(fault)
            raise fault from error

    @contextlib.contextmanager
    def hurried(self, client: paramiko.SSHClient, seconds: float) -> Iterator[None]:
        """Close the connection if what is in the `with` takes longer: paramiko waits without end for some answers."""
        timer = threading.Timer(seconds, client.close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def channel(self) -> paramiko.Channel:
        """A new session on the connection, whose reads and writes time out after `stall_s`."""
        client = self.client()
        with self.guarded(sent=False):
            transport = client.get_transport()
            if transport is None:
                raise ChannelLost("the connection was lost")
            channel = transport.open_session(timeout=self.timeouts.connect_s)
            channel.settimeout(self.timeouts.stall_s)
            return channel

    @contextlib.contextmanager
    def sftp(self) -> Iterator[paramiko.SFTPClient]:
        """A file session for the length of the `with`; a few at once, each used again. Raises as `client` does."""
        client = self.client()
        with self.guarded():
            try:
                session = self._files.begin(client)
            except HostRefused as fault:
                self.failed(fault)
                raise
            try:
                yield session
            finally:
                self._files.end(client, session)
        self.worked()

    def check_files(self) -> None:
        """See once a connection that it carries files. Raises HostRefused with the remedy, or HostUnreachable."""
        if self._files_checked != self.connected:
            with self.sftp():
                self._files_checked = self.connected

    def _open_files(self, client: paramiko.SSHClient) -> paramiko.SFTPClient:
        transport = client.get_transport()
        if transport is None:
            raise ChannelLost("the connection was lost")
        with self.hurried(client, self.timeouts.stall_s):
            session = paramiko.SFTPClient.from_transport(transport)
        if session is None:
            raise ChannelLost("the connection was lost")
        if (channel := session.get_channel()) is not None:
            channel.settimeout(self.timeouts.stall_s)
        return session

    def run(self, script: str, *, timeout_s: float, stdin: bytes = b"") -> Done:
        """Run a POSIX shell script to its end. A command's own failure is in `code`; the text stays out of any log.

        Raises HostUnreachable when the connection is lost or nothing comes for `timeout_s`.
        """
        client, channel = self.client(), self.channel()
        channel.settimeout(timeout_s)
        out, err = bytearray(), bytearray()
        with self.guarded(), channel:
            with self.hurried(client, self.timeouts.stall_s):
                channel.exec_command(f"exec sh -c {shlex.quote(script)}")
            if stdin:
                channel.sendall(stdin)
            channel.shutdown_write()
            reader = threading.Thread(target=_drain, args=(channel.recv_stderr, err), daemon=True)
            reader.start()
            _drain(channel.recv, out)
            reader.join(timeout_s)
            with self.hurried(client, timeout_s):
                code = channel.recv_exit_status()
            if code == -1:
                raise ChannelLost("the channel was lost before the command ended")
        self.worked()
        return Done(code, out.decode(errors="replace"), err.decode(errors="replace"))


def _drain(receive: Callable[[int], bytes], into: bytearray) -> None:
    while data := receive(1 << 16):
        into += data
