"""The ways to a host: its Tailscale address, then its ssh_host as ~/.ssh/config has it."""

import getpass
import logging
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import paramiko

from resources.hosts.host import SSH_PORT, Host, expanded
from ringrift.errors import cut, printable

CONFIG = "~/.ssh/config"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a host: where to connect and as whom, the key files to offer, and what known_hosts calls the server.

    `command` (None: connect to the address) is a program that passes the connection through its input and output.
    """

    address: str
    port: int
    user: str
    keys: tuple[Path, ...]
    known_address: str
    known_port: int
    command: str | None = None

    @property
    def text(self) -> str:
        """`user@address:port`."""
        return f"{self.user}@{self.address}:{self.port}"


def ways_to(host: Host) -> list[Way]:
    """The ways to a host, in the order in which they are tried; none to this machine.

    What the hosts file says goes before ~/.ssh/config, of which HostName, Port, User, IdentityFile, HostKeyAlias,
    ProxyCommand and ProxyJump are used. Tailscale is reached at port 22.
    """
    named = (expanded(host.ssh_key),) if host.ssh_key else ()
    ways = []
    if host.tailscale_ip:
        user = host.ssh_user or getpass.getuser()
        ways.append(Way(host.tailscale_ip, SSH_PORT, user, named, host.tailscale_ip, SSH_PORT))
    if host.ssh_host:
        ways.append(_configured(host, host.ssh_host, named))
    return ways


def _configured(host: Host, name: str, named: tuple[Path, ...]) -> Way:
    own = [f"Port {host.ssh_port}"] if "ssh_port" in host.model_fields_set else []
    own += [f"User {host.ssh_user}"] if host.ssh_user else []
    found = _lookup(expanded(CONFIG), name, "\n".join(["Host *", *own, ""]))
    text = found.get("port", str(host.ssh_port))
    port = int(text) if text.isdecimal() else host.ssh_port
    address, user = found.get("hostname", name), found.get("user") or host.ssh_user or getpass.getuser()
    files = tuple(path for text in found.get("identityfile", ()) if (path := expanded(text)).is_file())
    alias = found.get("hostkeyalias")
    known = (alias, SSH_PORT) if alias else (address, port)
    return Way(address, port, user, named or files, *known, _proxy(found, address, port))


def _proxy(found: paramiko.SSHConfigDict, address: str, port: int) -> str | None:
    """The command the connection goes through: ProxyCommand as it stands, ProxyJump by OpenSSH's own client."""
    if command := found.get("proxycommand"):
        return str(command)
    jumps = found.get("proxyjump", "none")
    if jumps.lower() == "none":
        return None
    *before, last = [jump.strip() for jump in jumps.split(",")]
    target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    through = ["-J", ",".join(before)] if before else []
    last = last if last.startswith("ssh://") else f"ssh://{last}"  # the one form that may hold a port
    return shlex.join(["ssh", "-o", "BatchMode=yes", *through, "-W", target, last])


def _lookup(file: Path, name: str, own: str) -> paramiko.SSHConfigDict:
    """What ~/.ssh/config has for a name, behind the lines `own`, which win; nothing but those without the file."""
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        text = ""
    return _read(own + text, name, file)


@cache
def _read(text: str, name: str, file: Path) -> paramiko.SSHConfigDict:
    try:
        return paramiko.SSHConfig.from_text(text).lookup(name)
    except Exception as error:  # whatever paramiko makes of a file that OpenSSH understands
        problem = printable(f"{file} is not understood ({error}) and not used for {name}")
        logging.getLogger("ringrift").warning("%s", cut(problem))
        return paramiko.SSHConfigDict()
