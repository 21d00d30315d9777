"""SSH servers for tests, and a proxy before one that delays, stalls and resets connections."""

import contextlib
import os
import socket
import threading
import time

import pytest

from resources.hosts.host import KNOWN_HOSTS_VARIABLE
from ringrift_assets.devtools.sshd import INSTALL, SSHD, Sshd, hosts_file, make_key, python_here
from ringrift_assets.devtools.webserver import free_port

__all__ = ["Proxy", "Sshd", "free_port", "hosts_file", "known", "make_key", "need_sshd", "python_here"]


def need_sshd() -> None:
    """Skip, in CI fail, where there is no SSH server to test with."""
    if SSHD is not None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"sshd is missing: {INSTALL}")
    pytest.skip(f"sshd is missing: {INSTALL}")


class Proxy:
    """A TCP proxy before a port of loopback. Every fault is for all connections that go through it."""

    def __init__(self, target: int):
        self.target, self.delay_s, self.stalled = target, 0.0, threading.Event()
        self.bytes_per_s: float | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.append((client, server))
            for source, sink, home in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, home), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, home: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                while self.stalled.is_set():
                    time.sleep(0.02)
                if self.delay_s:
                    time.sleep(self.delay_s)
                if home and self.bytes_per_s:
                    time.sleep(len(data) / self.bytes_per_s)
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.close()

    def reset(self) -> None:
        """Reset every connection."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    one.shutdown(socket.SHUT_RDWR)
                    one.close()

    def close(self) -> None:
        self._server.close()
        self.stalled.clear()
        self.reset()


def known(monkeypatch: pytest.MonkeyPatch, server: Sshd) -> None:
    """Let this test's connections trust the server."""
    monkeypatch.setenv(KNOWN_HOSTS_VARIABLE, str(server.known_hosts))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
