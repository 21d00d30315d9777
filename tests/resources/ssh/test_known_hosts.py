"""known_hosts as OpenSSH reads it: markers, patterns, hashes, several keys; what cannot be read is skipped."""

import base64
import subprocess
from pathlib import Path

import paramiko
import pytest

from resources.hosts.host import Host
from resources.ssh import known_hosts
from resources.ssh.faults import HostKeyPolicy
from resources.ssh.known_hosts import entries_about, known_name, matches, preferred, trusts
from resources.ssh.ways import ways_to
from resources.transports.base import HostRefused

KEYS = [paramiko.ECDSAKey.generate() for _ in range(3)]
RSA = "ssh-rsa " + base64.b64encode(b"\0\0\0\7ssh-rsa" + b"\0\0\0\1\3" + b"\0\0\0\2\0\7").decode()


def line(names: str, key: paramiko.PKey = KEYS[0], marker: str = "") -> str:
    return f"{marker} {names} {key.get_name()} {key.get_base64()}".strip()


def verdict(tmp_path: Path, *lines: str | bytes, port: int = 22, key: paramiko.PKey = KEYS[0]) -> str:
    """What is said of a server at a.example that shows a key; nothing when it is trusted."""
    file = tmp_path / "known_hosts"
    file.write_bytes(b"\n".join(text if isinstance(text, bytes) else text.encode() for text in lines))
    host = Host.model_validate({"name": "aws-1", "ssh_host": "u@A.example", "ssh_port": port})
    [way] = ways_to(host)
    policy = HostKeyPolicy("aws-1", way, entries_about([file], way.known_address, way.known_port))
    try:
        policy.missing_host_key(paramiko.SSHClient(), "", key)
    except HostRefused as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize(
    "before",
    [
        line("*", KEYS[1], "@cert-authority"),
        line("*", KEYS[1], "@revoked"),
        line("*", KEYS[0], "@unheard-of"),
        line("a.example", KEYS[1]),
        "a.example  ecdsa-sha2-nistp256\t" + KEYS[1].get_base64(),
        "a.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINjhpIHxZ",
        "a.example ssh-ed25519 " + KEYS[0].get_base64(),
        "a.example 1024 35 1381932",
        "a.example",
        "|1|no|hash " + RSA,
        b"\xff\xfe\x00 b\xe4r \xa0",
        b"m\xe4r.example " + RSA.encode(),
        "# a comment",
    ],
)
def test_a_good_line_counts_whatever_stands_before_it(tmp_path, before):
    assert verdict(tmp_path, before, line("a.example") + " a comment\r") == ""


@pytest.mark.parametrize(
    ("names", "name", "found"),
    [
        ("b.example,A.Example", "a.example", True),
        ("*.example", "a.example", True),
        ("?.example", "ab.example", False),
        ("*,!a.example", "a.example", False),
        ("!b.example,*", "a.example", True),
        ("!b.example", "a.example", False),
        ("[a.example]:22*", "[a.example]:2222", True),
        ("[ab].example", "a.example", False),
        ("a.example", "[a.example]:2222", False),
        ("2001:db8::7", "2001:db8::7", True),
    ],
)
def test_names_are_patterns_as_openssh_has_them(names, name, found):
    assert matches(names, name) is found


def test_hashed_names_are_those_that_ssh_keygen_makes(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(f"{line('[a.example]:2222')}\n{line('b.example')}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "example" not in file.read_text()
    found = [entries_about([file], *server) for server in (("a.example", 2222), ("b.example", 22), ("c.example", 22))]
    assert [trusts(entries, KEYS[0]) for entries in found] == [True, True, False]


def test_a_revoked_key_is_refused_though_another_line_trusts_it(tmp_path):
    for revoked in (line("*", marker="@revoked"), line("a.example", marker="@revoked")):
        words = verdict(tmp_path, line("[a.example]:2222"), line("a.example"), revoked, port=2222)
        assert "revokes in line 3" in words and "known_hosts" in words


def test_a_key_without_a_port_holds_for_other_ports_unless_those_have_their_own(tmp_path):
    assert verdict(tmp_path, line("a.example"), port=2222) == ""
    words = verdict(tmp_path, line("a.example"), line("[a.example]:2222", KEYS[1]), port=2222)
    assert "another host key" in words and "line 2" in words and "ssh-keygen -R '[a.example]:2222' -f " in words


def test_an_authority_is_no_key_and_is_named(tmp_path):
    words = verdict(tmp_path, line("*.example", marker="@cert-authority"))
    assert "not in known_hosts" in words and "certificates are not read" in words and "ssh-keyscan" in words


def test_keys_that_known_hosts_has_are_asked_for_first(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(f"a.example {RSA}\n")
    names = ["ssh-ed25519", "rsa-sha2-512"]
    assert preferred(names, entries_about([file], "a.example", 22)) == ["rsa-sha2-512", "ssh-ed25519"]
    assert preferred(names, entries_about([file], "b.example", 22)) == names
    assert known_name("A.example", 22) == "a.example"


def test_lines_and_files_that_cannot_be_read_are_told_once_a_file(tmp_path, caplog):
    known_hosts._warn.cache_clear()
    file = tmp_path / "known_hosts"
    file.write_text("\n".join(["a ssh-rsa x"] * 7))
    for _ in range(2):
        entries_about([file, tmp_path, tmp_path / "none"], "a", 22)
    assert caplog.messages == [f"{file}: 7 of its lines hold no key that can be read and are skipped: 1, 2, 3, 4, 5, …"]
