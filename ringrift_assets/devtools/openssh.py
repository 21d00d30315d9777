"""OpenSSH servers and clients on loopback for the fleet benchmark."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources.hosts.host import KNOWN_HOSTS_VARIABLE, Host
from ringrift_assets.devtools.sshd import Sshd, python_here

SLOTS = 2  # of each host


@contextmanager
def servers(folder: Path, count: int) -> Iterator[list[Host]]:
    """Hosts behind a server each; this process trusts them, and no other, for the length of the `with`."""
    started: list[Sshd] = []
    before = os.environ.get(KNOWN_HOSTS_VARIABLE)
    known, python = folder / "known_hosts", python_here(folder)
    try:
        for number in range(count):
            started.append(Sshd(folder / f"sshd{number}"))
        known.write_text("".join(server.known_hosts.read_text() for server in started))
        os.environ[KNOWN_HOSTS_VARIABLE] = str(known)
        yield [
            server.host(f"host{number}", folder / f"host{number}", python, max_parallel_jobs=SLOTS)
            for number, server in enumerate(started)
        ]
    finally:
        for server in started:
            server.stop()
        os.environ.pop(KNOWN_HOSTS_VARIABLE, None)
        if before is not None:
            os.environ[KNOWN_HOSTS_VARIABLE] = before


class _OpenSsh:
    """OpenSSH's clients over one shared connection, which is open already."""

    def __init__(self, host: Host, folder: Path):
        self._options = [
            *("-F", "none", "-o", f"ControlPath={folder / 'control'}", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
            *("-o", f"UserKnownHostsFile={folder / 'known_hosts'}", "-o", "IdentitiesOnly=yes"),
            *("-i", str(host.ssh_key), "-o", f"Port={host.ssh_port}"),
        ]
        self._to = f"{host.ssh_user}@{host.address}"

    def master(self, *more: str) -> None:
        """Open (`-MNf`) or close (`-O exit`) the shared connection."""
        subprocess.run(["ssh", *more, *self._options, self._to], check=True, stderr=subprocess.DEVNULL)

    def run(self, script: str, stdin: bytes) -> None:
        """Run a script there, with this input."""
        subprocess.run(["ssh", *self._options, self._to, script], input=stdin, check=True)

    def sftp(self, *words: object) -> None:
        """Start `sftp` with this one command, or none."""
        batch = " ".join(map(str, words)).encode() + b"\n"
        command = ["sftp", "-q", "-b", "-", *self._options, self._to]
        subprocess.run(command, input=batch, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _open_ssh(folder: Path, host: Host) -> Iterator[_OpenSsh]:
    client = _OpenSsh(host, folder)
    client.master("-MNf")
    try:
        yield client
    finally:
        client.master("-O", "exit")
