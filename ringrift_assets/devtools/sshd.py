"""SSH servers of this machine on loopback, each with keys of its own: for benchmarks and tests of the fleet."""

import contextlib
import getpass
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from socket import create_connection
from typing import Any

import psutil
import yaml

from resources.hosts.host import Host
from resources.store.home import REPOSITORY
from ringrift.errors import MissingInput
from ringrift_assets.devtools.webserver import free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
INSTALL = "apt-get install -y --no-install-recommends openssh-server openssh-client"
READY_S = 10.0
# SHLVL keeps bash from reading ~/.bashrc before every command.
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
SetEnv SHLVL=1
"""


def make_key(path: Path, passphrase: str = "") -> None:
    """A new ed25519 key pair, `path` and `path.pub`."""
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True)


class Sshd:
    """One server: `key` opens it, `known_hosts` names it. Its folder holds everything it has.

    `options` are lines of sshd_config that stand instead of those of CONFIG.
    """

    def __init__(self, folder: Path, options: str = ""):
        if SSHD is None:
            raise MissingInput(f"sshd is missing: {INSTALL}")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.key = folder, free_port(), folder / "user_key"
        self.known_hosts, self.options = folder / "known_hosts", options
        make_key(self.key)
        (folder / "authorized_keys").write_text((folder / "user_key.pub").read_text())
        self.new_host_key()
        self.trust(self.port)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def new_host_key(self) -> None:
        """Another host key, which the server shows after its next start."""
        make_key(self.folder / "host_key")

    def trust(self, port: int) -> None:
        """Enter the host key for a port of 127.0.0.1."""
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        with self.known_hosts.open("a") as file:
            file.write(f"[127.0.0.1]:{port} {kind} {key}\n")

    def start(self) -> None:
        """Start the server and wait until it listens."""
        assert SSHD is not None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        own = {line.split()[0] for line in self.options.splitlines() if line}
        usual = CONFIG.format(port=self.port, folder=self.folder).splitlines()
        config.write_text("\n".join([self.options, *(line for line in usual if line.split(" ")[0] not in own), ""]))
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while True:
            with contextlib.suppress(OSError), create_connection(("127.0.0.1", self.port), 1):
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise MissingInput(f"sshd does not start: {(self.folder / 'sshd.log').read_text()[-500:]}")
            time.sleep(0.02)

    def connections(self) -> list[psutil.Process]:
        """The server's processes for its open connections."""
        if self.process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [
                child
                for child in psutil.Process(self.process.pid).children(recursive=True)
                if child.name().startswith("sshd")
            ]
        return []

    def stop(self) -> None:
        """End the server and its connections at once, as a machine that loses its network; the workers go on."""
        if self.process is None:
            return
        for child in self.connections():
            with contextlib.suppress(psutil.NoSuchProcess):
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


def python_here(folder: Path) -> Path:
    """An interpreter for hosts on loopback: this one with this checkout, as a script in `folder`."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def hosts_file(path: Path, *hosts: Host) -> Path:
    """A hosts file with these hosts."""
    entries = {
        host.name: host.model_dump(mode="json", by_alias=True, exclude={"name"}, exclude_defaults=True)
        for host in hosts
    }
    path.write_text(yaml.safe_dump({"hosts": entries}, sort_keys=False))
    return path
