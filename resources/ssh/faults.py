"""What a fault of an SSH connection means, in words that have the remedy.

Faults are of two sorts: HostUnreachable may pass (refused, reset, time-out, channel lost), HostRefused needs a person.
"""

import shlex
import socket
from collections.abc import Sequence

import paramiko

from resources.hosts.host import Host
from resources.ssh.known_hosts import AUTHORITY, Entry, known_hosts_files, known_name, matches, revoked_by, trusts
from resources.ssh.ways import CONFIG, Way
from resources.transports.base import HostRefused, HostUnreachable


class ChannelLost(Exception):
    """The server closed a channel without saying how its command ended."""


def fault_of(host: Host, way: Way, error: Exception, proxy_words: str = "") -> HostRefused | HostUnreachable:
    """What a failed attempt to connect means; `proxy_words` are the last that the way's command said."""
    if isinstance(error, HostRefused | HostUnreachable):
        return error
    if isinstance(error, socket.gaierror | UnicodeError):
        return HostUnreachable(
            host.name, f"the name {way.address} is not known here ({words_of(error)}); mend ssh_host, or {CONFIG}"
        )
    if isinstance(error, paramiko.IncompatiblePeer):
        return HostRefused(f"{host.name}: its SSH server is too old or too strict for this one: {words_of(error)}")
    if way.command is not None:
        return HostUnreachable(host.name, f"{proxy_words or words_of(error)} (through: {way.command})")
    return HostUnreachable(host.name, words_of(error))


class HostKeyPolicy(paramiko.MissingHostKeyPolicy):
    """Takes a key that a line of known_hosts has, and refuses any other with its fingerprint and the remedy.

    paramiko is given no known_hosts of its own, so that it asks here for every key.
    """

    def __init__(self, name: str, way: Way, known: Sequence[Entry]):
        self._name, self._way, self._known = name, way, known

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        shown = f"{key.get_name()} {key.fingerprint}"
        if (line := revoked_by(self._known, key)) is not None:
            raise HostRefused(
                f"{self._name} shows {shown}, a key that {line.file} revokes in line {line.line}: somebody else may "
                "have it; do not use this host until its owner has made a new one"
            )
        if trusts(self._known, key):
            return
        name = known_name(self._way.known_address, self._way.known_port)
        here = [entry for entry in self._known if matches(entry.names, name)]
        others = [entry for entry in here if not entry.marker and entry.kind == key.get_name()]
        if others:
            forget = ["ssh-keygen", "-R", name, "-f", str(others[0].file)]
            raise HostRefused(
                f"{self._name} shows another host key than known_hosts has: {shown}, not that of {others[0].file} line "
                f"{others[0].line}. If its owner confirms that fingerprint, run {shlex.join(forget)} and enter the new "
                "key; else somebody is in between"
            )
        authority = next((entry for entry in self._known if entry.marker == AUTHORITY), None)
        note = ""
        if authority is not None:
            note = f" (the authority of {authority.file} line {authority.line} is not used: certificates are not read)"
        raise HostRefused(
            f"{self._name} is not in known_hosts{note}; it shows {shown}. Compare that with the host's own (ssh-keygen "
            f"-lf on its key), then: {self._enter(name, key)} >> {known_hosts_files()[0]}"
        )

    def _enter(self, name: str, key: paramiko.PKey) -> str:
        """The command that prints the line to enter: ssh-keyscan's, or an echo where that cannot get there."""
        way = self._way
        if way.command is not None or (way.known_address, way.known_port) != (way.address, way.port):
            return shlex.join(["echo", f"{name} {key.get_name()} {key.get_base64()}"])
        return shlex.join(["ssh-keyscan", "-p", str(way.port), "-t", _scan_type(key.get_name()), way.address])


def _scan_type(name: str) -> str:
    """ssh-keyscan's word for a key type: `ssh-ed25519` → `ed25519`, `ecdsa-sha2-nistp256` → `ecdsa`."""
    return {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}.get(name, name.partition("-")[0])


def words_of(error: Exception) -> str:
    """One line of a fault."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, EOFError):
        return "the connection was closed"
    return " ".join(str(error).split()) or type(error).__name__
