"""Whose keys are offered to a host, in which order, and what its answer means. Nobody is ever asked for anything."""

import base64
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import paramiko

from resources.hosts.host import PASSPHRASE_VARIABLE, expanded
from resources.transports.base import HostRefused

DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")  # in ~/.ssh, in the order of OpenSSH
KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
MAGIC = b"openssh-key-v1\0"
BAD_FILE = (
    paramiko.SSHException,
    paramiko.UnknownKeyType,
    ValueError,
    TypeError,
    IndexError,
)  # what a damaged one raises


class KeyLocked(Exception):
    """A key file is encrypted and its passphrase is not known."""


class KeyLogin:
    """Logs in to a host with keys; paramiko calls it as its `auth_strategy`.

    `named` are the key files that the hosts file or ~/.ssh/config names: they go first, one that is encrypted through
    the agent that holds it. The agent's other keys follow, and the usual ones of ~/.ssh where no file is named.
    """

    def __init__(self, host: str, destination: str, user: str, named: Sequence[Path]):
        self._host, self._destination, self._user, self._named = host, destination, user, named
        self._locked: list[str] = []  # files whose passphrase is not known
        self._damaged: list[str] = []  # files with no key in them, and why

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Log in. Raises HostRefused when a person must mend something, TimeoutError, EOFError or SSHException."""
        try:
            methods = transport.auth_none(self._user)  # what the server asks for; a few ask for nothing
        except paramiko.BadAuthenticationType as error:
            methods = error.allowed_types
        except paramiko.AuthenticationException as error:
            raise (TimeoutError if "timeout" in str(error).lower() else EOFError) from error
        if not methods:
            return
        if "publickey" not in methods:
            raise HostRefused(
                f"{self._host} lets nobody in by a key: it asks {self._destination} for {', '.join(methods)}; set "
                "PubkeyAuthentication yes in its sshd_config"
            )
        tried = 0
        with _agent_keys() as held:
            for key in self._keys(held):
                tried += 1
                more = self._offer(transport, key)
                if more == []:
                    return
                if more:
                    raise HostRefused(
                        f"{self._host} asks for a second factor, more than a key ({', '.join(more)}), and nobody is "
                        f"there to give it; let its sshd take a key alone (AuthenticationMethods) for {self._user}"
                    )
                if not transport.is_active():
                    break
        if tried and not transport.is_active():
            if tried == 1:
                raise EOFError
            raise HostRefused(
                f"{self._host} closed the connection after {tried} keys that it does not accept (MaxAuthTries); name "
                "the right one with ssh_key in the hosts file"
            )
        raise HostRefused(self._why(tried))

    def _offer(self, transport: paramiko.Transport, key: paramiko.PKey) -> list[str] | None:
        """Offer a key: [] when it opens the host, what the server asks for besides, None when it is not accepted."""
        try:
            return list(transport.auth_publickey(self._user, key))
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error).lower():
                raise TimeoutError from error
            return None

    def _keys(self, held: Sequence[paramiko.PKey]) -> Iterator[paramiko.PKey]:
        """The keys in the order in which they are offered, each once."""
        offered: set[bytes] = set()
        home = expanded("~/.ssh")
        usual = [] if self._named else [path for name in DEFAULT_KEYS if (path := home / name).is_file()]
        for key in (*self._of_files(self._named, held), *held, *self._of_files(usual, held)):
            if key.asbytes() not in offered:
                offered.add(key.asbytes())
                yield key

    def _of_files(self, paths: Sequence[Path], held: Sequence[paramiko.PKey]) -> list[paramiko.PKey]:
        found = []
        for path in paths:
            try:
                found.append(load_key(path))
            except KeyLocked:
                twins = [key for key in held if key.asbytes() == public_half(path)]
                found += twins
                self._locked += [] if twins else [str(path)]
            except (OSError, *BAD_FILE) as error:
                self._damaged.append(f"{path} ({' '.join(str(error).split()) or type(error).__name__})")
        return found

    def _why(self, tried: int) -> str:
        """Why no key opened the host, with the remedy."""
        if self._locked:
            load = f"load it with ssh-add, or set {PASSPHRASE_VARIABLE}"
            return f"{self._host}: the key {self._locked[0]} is encrypted; {load}"
        if self._damaged:
            return f"{self._host}: the key {self._damaged[0]} cannot be used; is its passphrase right?"
        add = f"for {self._destination}; add it to its authorized_keys"
        if self._named:
            return f"{self._host}: the key {self._named[0]} was not accepted {add}"
        if tried:
            return f"{self._host}: no key of the agent or of ~/.ssh was accepted {add}"
        return f"{self._host}: there is no key in an agent or in ~/.ssh {add.replace('add it', 'make one and add it')}"


@contextlib.contextmanager
def _agent_keys() -> Iterator[Sequence[paramiko.PKey]]:
    """The keys of the SSH agent, none where no agent answers."""
    agent = None
    with contextlib.suppress(paramiko.SSHException, OSError):
        agent = paramiko.Agent()
    try:
        yield agent.get_keys() if agent else ()
    finally:
        if agent:
            agent.close()


def load_key(path: Path) -> paramiko.PKey:
    """The private key of a file, with its certificate `PATH-cert.pub` if there is one.

    Raises KeyLocked, OSError, or one of BAD_FILE.
    """
    passphrase = os.environ.get(PASSPHRASE_VARIABLE) or None
    problem: Exception = ValueError("no private key")
    for kind in KINDS:
        try:
            key = kind.from_private_key_file(str(path), passphrase)
        except paramiko.PasswordRequiredException as error:
            raise KeyLocked from error
        except BAD_FILE as error:
            problem = error
            continue
        certificate = Path(f"{path}-cert.pub")
        if certificate.is_file():
            key.load_certificate(str(certificate))
        return key
    raise problem


def public_half(path: Path) -> bytes | None:
    """The public key that belongs to a key file, encrypted or not: from `PATH.pub`, else from itself."""
    try:
        public = Path(f"{path}.pub")
        if public.is_file():
            return base64.b64decode(public.read_bytes().split()[1])
        body = b"".join(line for line in path.read_bytes().split(b"\n") if b"-----" not in line)
        blob = paramiko.Message(base64.b64decode(body))
        if blob.get_bytes(len(MAGIC)) != MAGIC:
            return None
        for _ in range(3):  # cipher, and what derives its key
            blob.get_string()
        return blob.get_string() if blob.get_int() == 1 else None
    except (OSError, ValueError, IndexError):
        return None
