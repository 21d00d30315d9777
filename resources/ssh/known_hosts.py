"""What known_hosts files say of a host's keys, read line by line as OpenSSH reads them (sshd(8), SSH_KNOWN_HOSTS)."""

import base64
import hashlib
import hmac
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import paramiko

from resources.hosts.host import KNOWN_HOSTS_VARIABLE, SSH_PORT, expanded

SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
REVOKED, AUTHORITY = "@revoked", "@cert-authority"
LINES_NAMED = 5  # of those that are not understood, in the warning


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its marker (empty for a plain key), the names it is for, the type of its key, and the key's bytes."""

    file: Path
    line: int
    marker: str
    names: str
    kind: str
    key: bytes


def known_hosts_files() -> list[Path]:
    """The file RINGRIFT_KNOWN_HOSTS names, else ~/.ssh/known_hosts and the system's."""
    named = os.environ.get(KNOWN_HOSTS_VARIABLE)
    return [expanded(named or "~/.ssh/known_hosts"), *([] if named else [SYSTEM_KNOWN_HOSTS])]


def known_name(address: str, port: int) -> str:
    """How known_hosts names a server: the address in lower case, `[address]:port` where the port is not 22."""
    return address.lower() if port == SSH_PORT else f"[{address.lower()}]:{port}"


def entries_for(files: Sequence[Path], name: str) -> list[Entry]:
    """The lines of the files that are for `name`, a known_name. The rest is skipped, with a warning for bad ones."""
    return [entry for file in files for entry in _entries(file) if matches(entry.names, name)]


def _entries(file: Path) -> Iterator[Entry]:
    bad: list[int] = []
    try:
        lines = file.read_bytes().split(b"\n") if file.is_file() else []
    except OSError as error:
        _warn(f"{file} cannot be read ({error.strerror}); it is skipped")
        return
    for number, raw in enumerate(lines, 1):
        words = raw.decode("latin-1").split()  # any bytes: names that are not ASCII match nobody
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        key = _key(words[1:3]) if marker in ("", REVOKED, AUTHORITY) else None
        if key is None:
            bad.append(number)
        else:
            yield Entry(file, number, marker, words[0], words[1], key)
    if bad:
        listed = ", ".join(map(str, bad[:LINES_NAMED])) + (", …" if len(bad) > LINES_NAMED else "")
        _warn(f"{file}: {len(bad)} of its lines hold no key that can be read and are skipped: {listed}")


def _key(words: Sequence[str]) -> bytes | None:
    """The bytes of a key from its type and its base64 text; None unless the bytes are of that type."""
    if len(words) < 2:
        return None
    try:
        key = base64.b64decode(words[1], validate=True)
    except ValueError:
        return None
    kind = words[0].encode("latin-1")
    whole = key.startswith(len(kind).to_bytes(4, "big") + kind) and _fields_end(key)
    return key if whole else None


def _fields_end(key: bytes) -> bool:
    """Whether the bytes are two or more length-prefixed fields up to their end; a line that was cut has fewer."""
    at, fields = 0, 0
    while at + 4 <= len(key):
        at += 4 + int.from_bytes(key[at : at + 4], "big")
        fields += 1
    return at == len(key) and fields > 1


def matches(names: str, name: str) -> bool:
    """Whether the names of a line, a hash or a comma-separated list of patterns, are for `name`."""
    if names.startswith("|"):
        return _hash_matches(names, name)
    patterns = names.lower().split(",")
    if any(_pattern(text[1:]).fullmatch(name) for text in patterns if text.startswith("!")):
        return False
    return any(_pattern(text).fullmatch(name) for text in patterns if not text.startswith("!"))


def _hash_matches(names: str, name: str) -> bool:
    try:
        _, version, salt, digest = names.split("|")
        wanted = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return version == "1" and hmac.compare_digest(wanted, base64.b64decode(digest))
    except ValueError:
        return False


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern in which `*` is any text and `?` any character; brackets, as around a port, are themselves."""
    parts = ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in re.sub(r"\*+", "*", text))
    return re.compile("".join(parts), re.DOTALL)


def preferred(algorithms: Sequence[str], entries: Sequence[Entry]) -> list[str]:
    """Host key algorithms with those first whose keys known_hosts has; a server with several shows the first."""
    kinds = {entry.kind for entry in entries if not entry.marker}
    return sorted(algorithms, key=lambda name: ("ssh-rsa" if name.startswith("rsa-sha2") else name) not in kinds)


def entries_about(files: Sequence[Path], address: str, port: int) -> list[Entry]:
    """The lines for a server; where none has a key for it with its port, also those for its address on port 22.

    Lines that revoke a key count under either name.
    """
    exact = entries_for(files, known_name(address, port))
    if port == SSH_PORT:
        return exact
    plain = entries_for(files, known_name(address, SSH_PORT))
    return exact + [entry for entry in plain if entry.marker == REVOKED or all(line.marker for line in exact)]


def revoked_by(entries: Sequence[Entry], key: paramiko.PKey) -> Entry | None:
    """The line that revokes the key, if there is one; it goes before any that trusts it."""
    return next((entry for entry in entries if entry.marker == REVOKED and entry.key == key.asbytes()), None)


def trusts(entries: Sequence[Entry], key: paramiko.PKey) -> bool:
    """Whether a plain line has the key."""
    return any(not entry.marker and entry.key == key.asbytes() for entry in entries)


@cache
def _warn(text: str) -> None:
    """A warning, once a process."""
    logging.getLogger("ringrift").warning("%s", text)
