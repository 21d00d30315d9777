"""Real SSH servers on loopback, each with its own keys, and a proxy that delays, stalls and resets connections."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from resources.hosts import Host
from resources.ssh_connection import KNOWN_HOSTS_VARIABLE

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
INSTALL = "apt-get install -y --no-install-recommends openssh-server openssh-client"
REPOSITORY = Path(__file__).resolve().parents[1]
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
"""


def need_sshd() -> None:
    """Skip, in CI fail, where there is no SSH server to test with."""
    if Path(SSHD).is_file() and shutil.which("ssh-keygen"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"sshd is missing: {INSTALL}")
    pytest.skip(f"sshd is missing: {INSTALL}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, passphrase: str = "") -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True)


class Sshd:
    """One server: `key` opens it, `known_hosts` names it. Its folder holds everything."""

    def __init__(self, folder: Path):
        need_sshd()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.key = folder, free_port(), folder / "user_key"
        self.known_hosts = folder / "known_hosts"
        make_key(self.key)
        (folder / "authorized_keys").write_text((folder / "user_key.pub").read_text())
        self.new_host_key()
        self.trust(self.port)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def new_host_key(self) -> None:
        make_key(self.folder / "host_key")

    def trust(self, port: int) -> None:
        """Enter the host key for a port of 127.0.0.1."""
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        with self.known_hosts.open("a") as file:
            file.write(f"[127.0.0.1]:{port} {kind} {key}\n")

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder))
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "sshd.log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server and its connections at once, as a machine that loses power; the workers go on."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if child.name().startswith("sshd"):
                        child.kill()
        self.process.kill()
        self.process.wait()
        self.process = None

    def host(self, name: str, root: Path, python: Path | str, port: int | None = None, **more: Any) -> Host:
        """A host entry that leads here."""
        fields: dict[str, Any] = {
            "name": name,
            "ssh_host": "127.0.0.1",
            "ssh_port": port or self.port,
            "ssh_user": getpass.getuser(),
            "ssh_key": str(self.key),
            "ringrift_path": str(root),
            "python_path": str(python),
            "class": "aws",
            "role": "all",
        }
        return Host.model_validate({**fields, **more})


class Proxy:
    """A TCP proxy before a port of loopback. Every fault is for all connections that go through it."""

    def __init__(self, target: int):
        self.target, self.delay_s, self.stalled = target, 0.0, threading.Event()
        self.reset_after: int | None = None  # bytes to the client until all connections are reset, once
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
                if home and self.reset_after is not None:
                    self.reset_after -= len(data)
                    if self.reset_after < 0:
                        self.reset_after = None
                        self.reset()
                        return
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


def wrapper(path: Path, command: str) -> Path:
    """An executable script in the place of a Python interpreter, with this repository on its path."""
    path.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {command} "$@"\n')
    path.chmod(0o755)
    return path


def python_here(folder: Path) -> Path:
    """An interpreter for hosts on loopback: this one, with this repository."""
    return wrapper(folder / "python", sys.executable)


def hosts_file(path: Path, *hosts: Host) -> Path:
    """A hosts file with these hosts."""
    entries = {
        host.name: host.model_dump(mode="json", by_alias=True, exclude={"name"}, exclude_defaults=True)
        for host in hosts
    }
    path.write_text(yaml.safe_dump({"hosts": entries}))
    return path


def known(monkeypatch: pytest.MonkeyPatch, server: Sshd) -> None:
    """Let this test's connections trust the server."""
    monkeypatch.setenv(KNOWN_HOSTS_VARIABLE, str(server.known_hosts))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
