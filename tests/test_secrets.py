"""No secret, no address of a machine and no path of one lies in the repository."""

import re
import subprocess
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECRETS = {  # what secrets look like, as the services that give them out say
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/]{40}",
    "AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})\b",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "PyPI token": r"\bpypi-[A-Za-z0-9_-]{40,}",
    "API key": r"\bsk-[A-Za-z0-9_-]{32,}\b",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "password in an address": r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"{}<>$]+:[^\s:/@'\"{}<>$]{4,}@(?!localhost|127\.0\.0\.1|host\b)",
}
FOR_EXAMPLES = [ip_network(text) for text in (
    "0.0.0.0/32", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.1/32", "100.64.0.9/32"
)]  # fmt: skip
ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
HOMES = re.compile(r"/(?:root|Users/(?!you\b|me\b)\w+|home/(?!ubuntu\b|you\b|me\b|user\b)\w+)/\w")


def texts() -> list[tuple[str, str]]:
    """(path, content) of each tracked file that is text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content[:4096]:
            found.append((name, content.decode(errors="replace")))
    return found


def strange_addresses(text: str) -> list[str]:
    """IPv4 addresses that are neither loopback's nor kept for examples (RFC 5737)."""
    found = []
    for address in ADDRESS.findall(text):
        if all(int(part) < 256 for part in address.split(".")):
            if not any(IPv4Address(".".join(str(int(part)) for part in address.split("."))) in n for n in FOR_EXAMPLES):
                found.append(address)
    return found


def test_no_file_holds_a_secret_an_address_or_a_path_of_a_machine():
    files = texts()
    assert len(files) > 300
    held = [f"{name}: {kind}" for name, text in files for kind, shape in SECRETS.items() if re.search(shape, text)]
    held += [f"{name}: address {address}" for name, text in files for address in strange_addresses(text)]
    held += [f"{name}: {path[0]}" for name, text in files for path in HOMES.finditer(text)]
    assert held == []


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAA",
        "AKIA" + "Z" * 16,
        "ghp_" + "a" * 36,
        "hf_" + "b" * 34,
        "postgresql://me:hun" + "ter22@db.example/x",
    ],
)
def test_secrets_are_seen(secret):
    assert any(re.search(shape, f"key = {secret}") for shape in SECRETS.values())


def test_addresses_and_homes_are_seen():
    assert strange_addresses("ssh 127.0.0.1 or 192.0.2.7, not 8.8." + "4.4:22") == ["8.8." + "4.4"]
    assert strange_addresses("version 1.2.3.4.5, 300.1.1.1") == []
    assert HOMES.search("/ho" + "me/alice/x") and not HOMES.search("/home/ubuntu/x")
