"""Locks: held, free, and told in words where the file system has none."""

import errno
import fcntl

import pytest

from resources.hosts.host import Host
from resources.store.locks import locked
from resources.transports.local import LocalTransport
from ringrift.files import NoLocks, check_locks, lock
from ringrift.jobs.agent import greeting, main

NOW = fcntl.LOCK_EX | fcntl.LOCK_NB


def test_a_lock_is_taken_once_and_free_when_its_file_is_closed(tmp_path):
    with (tmp_path / "a").open("a") as one, (tmp_path / "a").open("a") as other:
        assert lock(one, NOW) and not lock(other, NOW)
        one.close()
        assert lock(other, NOW)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_told_in_one_line_with_what_to_move(tmp_path, monkeypatch, capsys, number):
    here = LocalTransport(Host(name="here"), tmp_path)

    def none(handle: object, how: int) -> None:
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    for ask in (
        lambda: check_locks(tmp_path),
        lambda: locked(tmp_path / "l").__enter__(),
        lambda: here._free_slot(),
        lambda: greeting(here),  # what `ringrift hosts check` asks for
    ):
        with pytest.raises(NoLocks, match=r"has no file locks .*RINGRIFT_HOME here, ringrift_path"):
            ask()
    assert main(["--root", str(tmp_path)]) == 1
    assert "has no file locks" in capsys.readouterr().err.splitlines()[-1]


def test_another_fault_is_no_lack_of_locks(tmp_path, monkeypatch):
    def broken(handle: object, how: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(OSError, match="Input/output error"):
        check_locks(tmp_path)
