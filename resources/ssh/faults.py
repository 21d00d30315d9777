"""What a fault of an SSH connection means, in words that have the remedy.

Faults are of two sorts: HostUnreachable may pass (refused, reset, time-out, channel lost), HostRefused needs a person.
"""

import os
import shlex
from pathlib import Path

import paramiko

from resources.hosts.host import KNOWN_HOSTS_VARIABLE, PASSPHRASE_VARIABLE, Host
from resources.transports.base import HostRefused, HostUnreachable

SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


class ChannelLost(Exception):
    """The server closed a channel without saying how its command ended."""


def known_hosts_files() -> list[Path]:
    """The file RINGRIFT_KNOWN_HOSTS names, else ~/.ssh/known_hosts and the system's."""
    named = os.environ.get(KNOWN_HOSTS_VARIABLE)
    return [Path(named).expanduser()] if named else [Path("~/.ssh/known_hosts").expanduser(), SYSTEM_KNOWN_HOSTS]


def fault_of(host: Host, destination: str, error: Exception) -> HostRefused | HostUnreachable:
    """What a failed attempt to connect means; `destination` is `user@address:port`."""
    if isinstance(error, HostRefused):
        return error
    if isinstance(error, paramiko.BadHostKeyException):
        name = _known_name(host)
        return HostRefused(
            f"{host.name} shows another host key than known_hosts has: {error.key.get_name()} "
            f"{error.key.fingerprint}. If its owner confirms that fingerprint, run "
            f"{shlex.join(['ssh-keygen', '-R', name])} and enter the new key; else somebody is in between"
        )
    if isinstance(error, paramiko.PasswordRequiredException):
        return HostRefused(
            f"{host.name}: the key {host.ssh_key or 'in ~/.ssh'} is encrypted; load it with ssh-add, or set "
            f"{PASSPHRASE_VARIABLE}"
        )
    if isinstance(error, paramiko.AuthenticationException) and "timeout" not in str(error).lower():
        given = f"the key {host.ssh_key}" if host.ssh_key else "no key of the agent or of ~/.ssh"
        verb = "was not accepted" if host.ssh_key else "was accepted"
        return HostRefused(f"{host.name}: {given} {verb} for {destination}; add it to its authorized_keys")
    if isinstance(error, ValueError | paramiko.UnknownKeyType) or str(error) == "Invalid key":
        return HostRefused(f"{host.name}: the key {host.ssh_key} cannot be used ({error}); is its passphrase right?")
    return HostUnreachable(host.name, words_of(error))


class RefuseUnknown(paramiko.MissingHostKeyPolicy):
    """A key that no known_hosts file has is refused, with its fingerprint and the command that enters it."""

    def __init__(self, host: Host):
        self._host = host

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        host, file = self._host, known_hosts_files()[0]
        scan = ["ssh-keyscan", "-p", str(host.ssh_port), "-t", _scan_type(key.get_name()), str(host.address)]
        raise HostRefused(
            f"{host.name} is not in known_hosts; it shows {key.get_name()} {key.fingerprint}. Compare that with the "
            f"host's own (ssh-keygen -lf on its key), then: {shlex.join(scan)} >> {file}"
        )


def _scan_type(name: str) -> str:
    """ssh-keyscan's word for a key type: `ssh-ed25519` → `ed25519`, `ecdsa-sha2-nistp256` → `ecdsa`."""
    return {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}.get(name, name.partition("-")[0])


def _known_name(host: Host) -> str:
    return str(host.address) if host.ssh_port == 22 else f"[{host.address}]:{host.ssh_port}"


def words_of(error: Exception) -> str:
    """One line of a fault."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, EOFError):
        return "the connection was closed"
    return " ".join(str(error).split()) or type(error).__name__
