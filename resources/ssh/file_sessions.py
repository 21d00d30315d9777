"""SFTP sessions on one connection: several at once, each used again, and fewer where the server allows fewer."""

import contextlib
import queue
import struct
import threading
from collections.abc import Callable

import paramiko

from resources.ssh.faults import words_of
from resources.transports.base import HostRefused

SESSIONS = 4  # OpenSSH allows ten a connection; one is the agent's
BROKEN = (paramiko.SFTPError, struct.error)  # what paramiko makes of bytes that are no SFTP


class FileSessions:
    """The sessions of the connection to `host`. `opened` makes a new one on a client."""

    def __init__(self, host: str, opened: Callable[[paramiko.SSHClient], paramiko.SFTPClient]):
        self._host, self._opened = host, opened
        self._free = threading.Semaphore(SESSIONS)
        self._lock = threading.Lock()
        self._opening = threading.Lock()  # paramiko keeps one error a connection: of two at once, one would be lost
        self._allowed = SESSIONS
        self._idle: queue.SimpleQueue[tuple[paramiko.SSHClient, paramiko.SFTPClient]] = queue.SimpleQueue()

    def begin(self, client: paramiko.SSHClient) -> paramiko.SFTPClient:
        """A session on this client; waits while all that the server allows are in use. Whoever takes one ends it.

        Raises HostRefused where a person must mend something on the host, else what paramiko raises.
        """
        while True:
            self._free.acquire()
            try:
                kept = self._kept(client)
                return kept if kept is not None else self._new(client)
            except paramiko.ChannelException as error:
                self._one_less(error)  # the turn that was taken is not given back
            except BaseException:
                self._free.release()
                raise

    def end(self, client: paramiko.SSHClient, session: paramiko.SFTPClient) -> None:
        """Let the next one have a session, if it is still open."""
        channel = session.get_channel()
        if channel is not None and not channel.closed:
            self._idle.put((client, session))
        self._free.release()

    def _kept(self, client: paramiko.SSHClient) -> paramiko.SFTPClient | None:
        """A session of this client that nobody uses; those of earlier clients are forgotten."""
        with contextlib.suppress(queue.Empty):
            while True:
                of, session = self._idle.get_nowait()
                channel = session.get_channel()
                if of is client and channel is not None and not channel.closed:
                    return session
        return None

    def _new(self, client: paramiko.SSHClient) -> paramiko.SFTPClient:
        try:
            with self._opening:
                return self._opened(client)
        except paramiko.ChannelException:
            raise
        except (paramiko.SSHException, EOFError, *BROKEN) as error:
            transport = client.get_transport()
            if transport is None or not transport.is_active():
                raise
            raise HostRefused(
                f"{self._host}: no file can be sent or fetched, for its SFTP does not begin ({words_of(error)}). "
                "Either its login shell prints something: take out of ~/.bashrc there what prints (`ssh HOST true` "
                "must print nothing). Or its sshd has no SFTP: add `Subsystem sftp internal-sftp` to its sshd_config"
            ) from error

    def _one_less(self, error: paramiko.ChannelException) -> None:
        with self._lock:
            if self._allowed == 1:
                self._free.release()
                raise HostRefused(
                    f"{self._host} does not allow a session for files beside that of its agent ({error.text}); set "
                    "MaxSessions to 2 or more in its sshd_config"
                ) from error
            self._allowed -= 1
