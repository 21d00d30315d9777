"""One attempt to open an SSH connection.

Host keys are checked against known_hosts; keys come from the host's ssh_key, from an agent, or from ~/.ssh.
"""

import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from resources.hosts.host import PASSPHRASE_VARIABLE, Host
from resources.ssh.faults import RefuseUnknown, fault_of, known_hosts_files
from resources.ssh.sftp import AHEAD_MAX
from resources.transports.base import HostRefused, HostUnreachable

KEEP_ALIVE_S = 15


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to open a connection, and without a byte on an open one before it counts as lost."""

    connect_s: float = 10.0
    stall_s: float = 20.0


def open_client(host: Host, timeouts: Timeouts, destination: str) -> paramiko.SSHClient:
    """A new connection to the host. Raises HostRefused or HostUnreachable, in which `destination` names it."""
    if host.address is None:
        raise HostRefused(f"{host.name} has no ssh_host; it is this machine")
    key = Path(host.ssh_key).expanduser() if host.ssh_key else None
    if key and not key.is_file():
        raise HostRefused(f"{host.name}: its ssh_key {host.ssh_key} does not exist here")
    client = paramiko.SSHClient()
    for file in known_hosts_files():
        if file.is_file():
            client.load_system_host_keys(str(file))
    client.set_missing_host_key_policy(RefuseUnknown(host))
    try:
        sock = socket.create_connection((host.address, host.ssh_port), timeouts.connect_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect(
            host.address,
            port=host.ssh_port,
            username=host.ssh_user,
            key_filename=str(key) if key else None,
            passphrase=os.environ.get(PASSPHRASE_VARIABLE) or None,
            look_for_keys=key is None,
            sock=sock,
            timeout=timeouts.connect_s,
            banner_timeout=timeouts.connect_s,
            auth_timeout=timeouts.connect_s,
            channel_timeout=timeouts.connect_s,
            transport_factory=_transport,
        )
    except Exception as error:
        with contextlib.suppress(Exception):
            client.close()
        raise fault_of(host, destination, error) from error
    transport = client.get_transport()
    if transport is None:
        raise HostUnreachable(host.name, "the connection was closed at once")
    transport.set_keepalive(KEEP_ALIVE_S)
    return client


def _transport(sock: socket.socket, **more: Any) -> paramiko.Transport:
    """A connection that prefers AES-GCM, encryption and check in one go, in OpenSSL, and lets a pull ask far ahead."""
    transport = paramiko.Transport(sock, default_window_size=AHEAD_MAX, **more)
    options = transport.get_security_options()
    options.ciphers = sorted(options.ciphers, key=lambda name: "gcm" not in name)
    return transport
