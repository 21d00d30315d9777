"""Opening an SSH connection: the ways to the host one after the other, the server's key checked, a key offered."""

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import paramiko

from resources.hosts.host import Host, expanded
from resources.ssh.authentication import KeyLogin
from resources.ssh.faults import HostKeyPolicy, fault_of
from resources.ssh.known_hosts import entries_about, known_hosts_files, preferred
from resources.ssh.sftp import AHEAD_MAX
from resources.ssh.ways import Way, ways_to
from resources.transports.base import HostRefused, HostUnreachable

KEEP_ALIVE_S = 15
PROXY_WORDS = 2000  # bytes of what a proxy command said, of which the last line is told


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to open a connection, and without a byte on an open one before it counts as lost."""

    connect_s: float = 10.0
    stall_s: float = 20.0


def open_client(host: Host, timeouts: Timeouts) -> paramiko.SSHClient:
    """A new connection to the host, on the first of its ways that answers. Raises HostRefused or HostUnreachable."""
    ways = ways_to(host)
    if not ways:
        raise HostRefused(f"{host.name} has no ssh_host; it is this machine")
    if host.ssh_key and not expanded(host.ssh_key).is_file():
        raise HostRefused(f"{host.name}: its ssh_key {host.ssh_key} does not exist here")
    silent: list[str] = []
    for way in ways:
        try:
            return _open(host, way, timeouts)
        except HostUnreachable as error:
            silent.append(error.why if len(ways) == 1 else f"{way.address} port {way.port}: {error.why}")
            last = error
    raise HostUnreachable(host.name, "; ".join(silent)) from last


def _open(host: Host, way: Way, timeouts: Timeouts) -> paramiko.SSHClient:
    """A new connection on this way. Raises HostRefused or HostUnreachable."""
    client = paramiko.SSHClient()
    said: IO[bytes] | None = None
    try:
        known = entries_about(known_hosts_files(), way.known_address, way.known_port)
        client.set_missing_host_key_policy(HostKeyPolicy(host.name, way, known))
        if way.command is None:
            sock = socket.create_connection((way.address, way.port), timeouts.connect_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            sock, said = _through(way.command)
        client.connect(
            way.address,
            port=way.port,
            sock=sock,
            timeout=timeouts.connect_s,
            banner_timeout=timeouts.connect_s,
            auth_timeout=timeouts.connect_s,
            channel_timeout=timeouts.connect_s,
            transport_factory=_transport_for(lambda names: preferred(names, known)),
            auth_strategy=KeyLogin(host.name, way.text, way.user, way.keys),
        )
        transport = client.get_transport()
        if transport is None:
            raise EOFError
        transport.set_keepalive(KEEP_ALIVE_S)
        return client
    except Exception as error:
        with contextlib.suppress(Exception):
            client.close()
        raise fault_of(host, way, error, _last_line(said)) from error


def _through(command: str) -> tuple[socket.socket, IO[bytes]]:
    """A socket whose other end is the standard input and output of a command, and the file of what it says besides."""
    here, there = socket.socketpair()
    said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the last of its readers
    with there:
        end = there.fileno()
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], stdin=end, stdout=end, stderr=said, start_new_session=True
        )
    threading.Thread(target=process.wait, daemon=True).start()  # it ends with the connection, and is buried then
    return here, said


def _last_line(said: IO[bytes] | None) -> str:
    """The last line a proxy command printed, nothing without one."""
    if said is None:
        return ""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(size - PROXY_WORDS, 0))
    lines = said.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _transport_for(order: Callable[[Any], list[str]]) -> Callable[..., paramiko.Transport]:
    """Makes connections that ask for host keys in this order, prefer AES-GCM, and let a pull ask far ahead.

    AES-GCM is encryption and check in one go, in OpenSSL.
    """

    def made(sock: socket.socket, **more: Any) -> paramiko.Transport:
        transport = paramiko.Transport(sock, default_window_size=AHEAD_MAX, **more)
        options = transport.get_security_options()
        options.ciphers = sorted(options.ciphers, key=lambda name: "gcm" not in name)
        options.key_types = order(options.key_types)
        return transport

    return made
