"""Files over SFTP: resumed pulls, the size of requests, how far ahead, the pace."""

import os

import pytest

from resources.ssh.sftp import (
    AHEAD_MAX,
    AHEAD_MIN,
    LARGE_READS_SINCE,
    LARGE_REQUEST,
    SMALL_REQUEST,
    Pace,
    part_path,
    pull,
    push,
    request_bytes,
)


def test_a_pull_goes_on_from_what_is_there_and_never_from_another_version(bench, tmp_path):
    source, target = tmp_path / "source", tmp_path / "in" / "target"
    source.write_bytes(os.urandom(3_000_000))
    with bench.transport().connection.sftp() as client:
        facts = client.stat(str(source))
        part = part_path(target, facts.st_size, facts.st_mtime)
        part.parent.mkdir()
        part.write_bytes(source.read_bytes()[:2_000_000])
        assert pull(client, str(source), target, Pace(None)) == 1_000_000
        assert target.read_bytes() == source.read_bytes() and not part.exists()
        target.unlink()
        part.write_bytes(b"of an older version" * 10)
        source.write_bytes(os.urandom(1_000_001))
        assert pull(client, str(source), target, Pace(None)) == 1_000_001
        assert target.read_bytes() == source.read_bytes() and list(part.parent.iterdir()) == [target]
        source.write_bytes(b"")
        assert pull(client, str(source), target, Pace(None)) == 0 and target.read_bytes() == b""
        with pytest.raises(FileNotFoundError):
            pull(client, str(tmp_path / "none"), target, Pace(None))


def test_a_server_that_answers_with_less_than_was_asked_for_still_gives_the_whole_file(bench, tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(5_000_000))
    with bench.transport().connection.sftp() as client:
        monkeypatch.setattr("resources.ssh.sftp.request_bytes", lambda client, since: 1 << 20)  # OpenSSH gives 255 KB
        assert pull(client, str(source), target, Pace(None)) == 5_000_000
        assert target.read_bytes() == source.read_bytes()


def test_only_servers_that_are_known_to_take_large_requests_get_them(bench, tmp_path, monkeypatch):
    source, there, back = tmp_path / "source", tmp_path / "there", tmp_path / "back"
    source.write_bytes(os.urandom(300_000))
    with bench.transport().connection.sftp() as client:
        for version, write, read in (
            ("SSH-2.0-OpenSSH_9.2p1", LARGE_REQUEST, LARGE_REQUEST),
            ("SSH-2.0-OpenSSH_7.4", LARGE_REQUEST, SMALL_REQUEST),
            ("SSH-2.0-dropbear_2022.83", SMALL_REQUEST, SMALL_REQUEST),
        ):
            monkeypatch.setattr(client.get_channel().get_transport(), "remote_version", version)
            assert (request_bytes(client), request_bytes(client, LARGE_READS_SINCE)) == (write, read)
            push(client, source, str(there), Pace(None))
            pull(client, str(there), back, Pace(None))
            assert back.read_bytes() == source.read_bytes()


def test_a_far_host_is_asked_further_ahead_within_bounds_and_within_the_pace():
    assert Pace(None).ahead(0.0) == AHEAD_MIN < Pace(None).ahead(0.01) < Pace(None).ahead(0.2) == AHEAD_MAX
    assert Pace(2e5).ahead(0.2) == 200_000 and Pace(10.0).ahead(0.2) == SMALL_REQUEST


def test_a_pull_of_a_file_that_became_shorter_says_so_and_the_session_goes_on(bench, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(3_000_000))
    with bench.transport().connection.sftp() as client:
        facts = client.stat(str(source))
        source.write_bytes(b"short")
        client.stat = lambda path: facts
        with pytest.raises(EOFError):
            pull(client, str(source), target, Pace(None))
        del client.stat
        assert pull(client, str(source), target, Pace(None)) == 5 and target.read_bytes() == b"short"


def test_a_pace_spreads_bytes_over_time():
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(1000.0, clock=lambda: now[0])
    for _ in range(4):
        pace.wait(500, sleep)
    assert sum(slept) == pytest.approx(2.0)
    Pace(None).wait(10**9, sleep)
    assert len(slept) == 4
