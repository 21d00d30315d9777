"""Which key is offered first, and what a person is told when none of them opens the host."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.hosts.host import PASSPHRASE_VARIABLE
from resources.ssh.authentication import KeyLocked, load_key, public_half
from resources.ssh.opening import Timeouts, open_client
from resources.transports.base import HostRefused
from tests.sshd import Sshd, known, make_key, need_sshd


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A server that takes three keys at most, and an agent that holds four strange ones."""
    need_sshd()
    server = Sshd(tmp_path / "sshd", "MaxAuthTries 3")
    known(monkeypatch, server)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.PIPE)
    assert agent.stdout is not None and agent.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    for number in range(4):
        make_key(tmp_path / f"k{number}")
        subprocess.run(["ssh-add", "-q", str(tmp_path / f"k{number}")], check=True)
    yield server
    agent.kill()
    agent.wait()
    server.stop()


def said(server: Sshd, **more: object) -> str:
    """What is said of an attempt; nothing when it succeeds."""
    try:
        open_client(server.host("lab", Path("/"), "python3", **more), Timeouts(5.0, 5.0)).close()
    except HostRefused as refusal:
        return str(refusal)
    return ""


def test_the_named_key_goes_before_those_of_the_agent(few, tmp_path, monkeypatch):
    assert said(few) == ""
    assert "closed the connection after 3 keys" in said(few, ssh_key=None) and "ssh_key" in said(few, ssh_key=None)
    make_key(tmp_path / "locked", "sesame")
    with (few.folder / "authorized_keys").open("a") as keys:
        keys.write((tmp_path / "locked.pub").read_text())
    asker = tmp_path / "asker"
    asker.write_text("#!/bin/sh\necho sesame\n")
    asker.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(asker))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    subprocess.run(["ssh-add", "-q", str(tmp_path / "locked")], check=True, stdin=subprocess.DEVNULL)
    assert said(few, ssh_key=str(tmp_path / "locked")) == "", "an encrypted one by the agent that holds it"


def test_a_second_factor_and_a_server_without_keys_are_refused_in_words_and_nobody_is_asked(tmp_path, monkeypatch):
    need_sshd()
    prompts = "KbdInteractiveAuthentication yes\nUsePAM yes\nPermitRootLogin yes\n"
    server = Sshd(tmp_path / "sshd", f"{prompts}AuthenticationMethods publickey,keyboard-interactive")
    try:
        known(monkeypatch, server)
        assert "second factor" in said(server)
        server.stop()
        server.options = f"{prompts}PubkeyAuthentication no"
        server.start()
        assert "lets nobody in by a key" in said(server) and "PubkeyAuthentication" in said(server)
    finally:
        server.stop()


def test_an_encrypted_file_tells_its_public_half(tmp_path, monkeypatch):
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    make_key(tmp_path / "locked", "sesame")
    beside = public_half(tmp_path / "locked")
    (tmp_path / "locked.pub").unlink()
    assert public_half(tmp_path / "locked") == beside and beside is not None
    with pytest.raises(KeyLocked):
        load_key(tmp_path / "locked")
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "sesame")
    assert load_key(tmp_path / "locked").asbytes() == beside


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"ssh-ed25519 AAAA me", b"-----BEGIN OPENSSH PRIVATE KEY-----\nxx"]
)
def test_a_file_that_is_no_key_is_named(tmp_path, sshd, monkeypatch, content):
    known(monkeypatch, sshd)
    (tmp_path / "id").write_bytes(content)
    words = said(sshd, ssh_key=str(tmp_path / "id"))
    assert f"{tmp_path}/id" in words and "cannot be used" in words
