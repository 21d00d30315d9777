"""Connecting: whose key is trusted, which key opens, and what a person is told when it does not."""

import contextlib
import itertools
import subprocess
import threading
import time
from pathlib import Path

import paramiko
import pytest

from resources.hosts.host import KNOWN_HOSTS_VARIABLE, PASSPHRASE_VARIABLE, Host
from resources.ssh.connection import SshConnection, shell_path
from resources.ssh.opening import Timeouts
from resources.transports.base import HostRefused, HostUnreachable
from ringrift.planning.retry import RetryPolicy
from tests.sshd import Proxy, Sshd, free_port, known, make_key, need_sshd

QUICK = Timeouts(connect_s=5.0, stall_s=5.0)


@pytest.fixture
def host(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    known(monkeypatch, sshd)
    return sshd.host("there", tmp_path, "python3")


def nobody() -> Host:
    """A host on whose port nothing listens."""
    return Host.model_validate({"name": "gone", "ssh_host": "u@127.0.0.1", "ssh_port": free_port(), "class": "aws"})


def said(host: Host) -> str:
    with pytest.raises((HostRefused, HostUnreachable)) as caught:
        SshConnection(host, QUICK).client()
    return str(caught.value)


def test_a_command_has_its_own_exit_code_output_and_arguments(host):
    connection = SshConnection(host, QUICK)
    name = "a b'c\"$HOME;`x`\\"
    done = connection.run(f"printf %s {shell_path(name)}; echo oops >&2; exit 7", timeout_s=10)
    assert (done.code, done.stdout, done.stderr) == (7, name, "oops\n")
    assert connection.run("cat", timeout_s=10, stdin=b"\xc3\xa4").stdout == "ä"
    assert connection.connected == 1, "one connection, many channels"
    connection.close()


def test_a_home_folder_is_the_hosts_own(host):
    connection = SshConnection(host, QUICK)
    assert connection.run(f"echo {shell_path('~/a b')}", timeout_s=10).stdout.endswith("/a b\n")
    assert shell_path("/a b") == "'/a b'"


def test_an_unknown_host_key_is_refused_with_its_fingerprint_and_the_command_that_enters_it(
    host, sshd, tmp_path, monkeypatch
):
    empty = tmp_path / "known hosts"
    monkeypatch.setenv(KNOWN_HOSTS_VARIABLE, str(empty))
    words = said(host)
    listed = subprocess.run(
        ["ssh-keygen", "-lf", str(sshd.folder / "host_key.pub")], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split()[1] in words, "the fingerprint as ssh-keygen shows it"
    command = words.partition("then: ")[2].partition(" >> ")[0]
    scanned = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    empty.write_text(scanned.stdout)
    SshConnection(host, QUICK).client().close()


def test_a_changed_host_key_is_refused_with_the_command_that_forgets_the_old_one(host, tmp_path, monkeypatch):
    make_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{host.ssh_port} {other}\n")
    monkeypatch.setenv(KNOWN_HOSTS_VARIABLE, str(file))
    words = said(host)
    assert "another host key" in words and "SHA256:" in words and "ssh-keygen -R '[127.0.0.1]:" in words
    assert "in between" in words


def test_a_key_the_host_does_not_know_is_refused_and_not_tried_again_at_once(host, tmp_path):
    make_key(tmp_path / "stranger")
    stranger = host.model_copy(update={"ssh_key": str(tmp_path / "stranger")})
    connection, now = SshConnection(stranger, QUICK, clock=lambda: now[0]), [0.0]
    for _ in range(2):
        with pytest.raises(HostRefused, match="authorized_keys"):
            connection.client()
    assert connection._failures == 1, "the second answer came without a connection"


def test_an_encrypted_key_needs_its_passphrase_which_is_in_no_message(host, sshd, tmp_path, monkeypatch):
    make_key(tmp_path / "locked", "sesame")
    with (sshd.folder / "authorized_keys").open("a") as keys:
        keys.write((tmp_path / "locked.pub").read_text())
    locked = host.model_copy(update={"ssh_key": str(tmp_path / "locked")})
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)
    assert "ssh-add" in said(locked) and PASSPHRASE_VARIABLE in said(locked)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "wrong word")
    assert "wrong word" not in said(locked)
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "sesame")
    SshConnection(locked, QUICK).client().close()


def test_keys_of_an_agent_and_paths_with_a_tilde_are_used(host, sshd, tmp_path, monkeypatch):
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        for _ in range(100):
            if subprocess.run(["ssh-add", "-q", str(sshd.key)], stderr=subprocess.DEVNULL).returncode == 0:
                break
        monkeypatch.setenv("HOME", str(tmp_path))  # no key files there
        SshConnection(host.model_copy(update={"ssh_key": None}), QUICK).client().close()
    finally:
        agent.kill()
        agent.wait()
    monkeypatch.delenv("SSH_AUTH_SOCK")
    (tmp_path / "id").write_bytes(sshd.key.read_bytes())
    SshConnection(host.model_copy(update={"ssh_key": "~/id"}), QUICK).client().close()


def test_a_missing_key_file_and_a_closed_port_are_told_apart(host):
    assert "/no/key does not exist here" in said(host.model_copy(update={"ssh_key": "/no/key"}))
    closed = host.model_copy(update={"ssh_port": free_port()})
    with pytest.raises(HostUnreachable, match="cannot be reached"):
        SshConnection(closed, QUICK).client()


def test_a_tailscale_address_goes_first():
    host = Host.model_validate({"name": "aws", "ssh_host": "u@192.0.2.1:34567", "tailscale_ip": "192.0.2.9"})
    assert SshConnection(host).destination == "u@192.0.2.9:22"


def test_only_what_may_pass_is_tried_again_and_three_times_at_most():
    slept: list[float] = []
    tries: list[int] = []
    connection = SshConnection(nobody())

    def fail(error: Exception) -> None:
        tries.append(1)
        raise error

    with pytest.raises(HostUnreachable):
        connection.patiently(lambda: fail(HostUnreachable("a", "reset")), slept.append)
    assert len(tries) == 4
    assert all(0.75 * d <= s <= 1.25 * d for s, d in zip(slept, (2, 4, 8), strict=True))
    tries.clear()
    with pytest.raises(HostRefused):
        connection.patiently(lambda: fail(HostRefused("no")), slept.append)
    assert len(tries) == 1


@pytest.mark.parametrize(("retries", "base"), [(0, 1.0), (3, 2.0), (5, 0.5)])
def test_each_retry_of_the_policy_connects_and_none_more(monkeypatch, retries, base):
    policy = RetryPolicy(retries=retries, base_delay_s=base, factor=1.0, jitter=0.5)
    now, slept, opened = [0.0], [], []
    chances = itertools.cycle([0.0, 1.0, 1.0, 0.0])  # unlike each other, whoever draws first
    monkeypatch.setattr("random.random", lambda: next(chances))
    connection = SshConnection(nobody(), QUICK, clock=lambda: now[0], retry=policy)
    real = connection._open

    def counted():
        opened.append(now[0])
        return real()

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(connection, "_open", counted)
    with pytest.raises(HostUnreachable):
        connection.patiently(lambda: connection.run("true", timeout_s=5.0), sleep)
    assert len(opened) == 1 + retries == 1 + len(slept)
    assert all(0.5 * base <= seconds <= 1.5 * base for seconds in slept)


@pytest.mark.parametrize("what", ["command", "files"])
def test_a_host_that_falls_silent_before_its_first_answer_is_given_up_in_time(host, sshd, what, monkeypatch):
    proxy = Proxy(sshd.port)
    sshd.trust(proxy.port)
    connection = SshConnection(host.model_copy(update={"ssh_port": proxy.port}), Timeouts(connect_s=2.0, stall_s=0.5))
    client = connection.client()
    real = paramiko.Channel.invoke_subsystem if what == "files" else paramiko.Channel.exec_command

    def silent(*arguments):
        proxy.stalled.set()
        return real(*arguments)

    monkeypatch.setattr(paramiko.Channel, real.__name__, silent)
    started = time.monotonic()
    with pytest.raises(HostUnreachable):
        if what == "files":
            with connection.sftp():
                pass
        else:
            connection.run("true", timeout_s=5.0)
    assert time.monotonic() - started < 10.0
    proxy.close()
    client.close()


def test_after_a_failure_the_next_attempt_waits_for_its_time_and_succeeds_once_the_server_is_there(
    tmp_path, monkeypatch
):
    need_sshd()
    server = Sshd(tmp_path / "own")
    try:
        known(monkeypatch, server)
        now = [0.0]
        connection = SshConnection(server.host("there", tmp_path, "python3"), QUICK, clock=lambda: now[0])
        connection.client()
        server.stop()
        with pytest.raises(HostUnreachable):
            connection.run("true", timeout_s=5)
        server.start()
        with pytest.raises(HostUnreachable):
            connection.client()  # too early
        now[0] += 3.0
        assert connection.run("echo back", timeout_s=5).stdout == "back\n" and connection.connected == 2
    finally:
        server.stop()


@pytest.fixture
def silent(host, sshd):
    """A connection through a proxy that passes nothing on, with the clock its pauses go by."""
    proxy, now = Proxy(sshd.port), [0.0]
    sshd.trust(proxy.port)
    there = host.model_copy(update={"ssh_port": proxy.port})
    connection = SshConnection(there, Timeouts(connect_s=4.0, stall_s=5.0), clock=lambda: now[0])
    proxy.stalled.set()
    yield connection, proxy, now
    connection.close()
    proxy.close()


def test_after_a_failure_nobody_waits_long_for_a_silent_host_and_it_is_used_once_it_answers(silent):
    connection, proxy, now = silent
    with pytest.raises(HostUnreachable):
        connection.client()  # the first attempt is waited for to its end
    now[0] += 3.0
    started = time.monotonic()
    for _ in range(5):
        with pytest.raises(HostUnreachable):
            connection.client()
    assert time.monotonic() - started < 3.0, "five calls, and the attempt would end in four seconds"
    proxy.stalled.clear()
    while connection.connected == 0:
        assert time.monotonic() - started < 30.0
        time.sleep(0.05)
        now[0] += 3.0
        with contextlib.suppress(HostUnreachable):
            connection.client()
    assert connection.run("echo back", timeout_s=5).stdout == "back\n"


def test_an_attempt_that_ends_after_the_connection_was_closed_leaves_none_open(silent):
    connection, proxy, now = silent
    connection.failed(HostUnreachable("there", "reset"))
    now[0] += 3.0
    before = set(threading.enumerate())
    with pytest.raises(HostUnreachable):
        connection.client()
    [attempt] = [thread for thread in set(threading.enumerate()) - before if thread._target == connection._try_again]
    connection.close()
    proxy.stalled.clear()
    attempt.join(20.0)
    assert not attempt.is_alive() and connection.connected == 0
