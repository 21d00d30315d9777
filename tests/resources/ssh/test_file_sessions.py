"""Servers that carry no files, or few at once: told in words before a job is started, or made do with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resources.ssh.transport import SshTransport
from resources.transports.base import HostRefused
from tests.sshd import Sshd, known, need_sshd, python_here

NOISY = 'Subsystem sftp /bin/sh -c "echo Welcome; exec /usr/lib/openssh/sftp-server"'


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], SshTransport]]:
    """Makes a transport to a server with these lines in its sshd_config."""
    need_sshd()
    server = Sshd(tmp_path / "sshd")
    made: list[SshTransport] = []

    def transport(options: str) -> SshTransport:
        server.stop()
        server.options = options
        server.start()
        made.append(SshTransport(server.host("lab", tmp_path / "root", python_here(tmp_path))))
        return made[-1]

    known(monkeypatch, server)
    yield transport
    for one in made:
        one.close()
    server.stop()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (NOISY, "its login shell prints something"),
        ("Subsystem sftp /bin/true", "its sshd has no SFTP"),
        ("Subsystem sftp /bin/sh -c 'printf 01234567890'", "no file can be sent or fetched"),
        ("MaxSessions 1", "set MaxSessions to 2 or more"),
    ],
)
def test_a_host_that_carries_no_files_is_refused_with_the_remedy_before_it_gets_a_job(at, options, words):
    there = at(options)
    for ask in (there.hello, there.status):
        with pytest.raises(HostRefused, match=words):
            ask()


def test_transfers_make_do_with_the_sessions_that_a_server_allows(at, tmp_path):
    there = at("MaxSessions 2")
    out = tmp_path / "root" / "jobs-v1" / "j" / "out"
    out.mkdir(parents=True)
    names = [f"s{number}" for number in range(8)]
    for name in names:
        (out / name).write_bytes(name.encode() * 1000)
    there.fetch("j", names, tmp_path / "in")
    assert all((tmp_path / "in" / name).read_bytes() == name.encode() * 1000 for name in names)
    assert there.connection.connected == 1


def test_a_file_that_the_host_does_not_give_is_its_fault(at, tmp_path):
    there = at("")
    (tmp_path / "root" / "jobs-v1" / "j" / "out" / "a_folder").mkdir(parents=True)
    with pytest.raises(HostRefused, match="lab did not give a_folder"):
        there.fetch("j", ["a_folder"], tmp_path / "in")


def test_a_file_of_another_size_than_announced_is_not_fetched(at, tmp_path):
    there = at("")
    out = tmp_path / "root" / "jobs-v1" / "j" / "out"
    out.mkdir(parents=True)
    with (out / "big").open("wb") as file:
        file.truncate(3 << 30)
    (out / "small").write_bytes(b"12")
    there.fetch("j", ["big", "small"], tmp_path / "in", {"big": 1, "small": 2})
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["small"]
