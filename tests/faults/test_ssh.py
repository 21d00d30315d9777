"""Faults between here and a host, a real SSH server on loopback: nothing is lost and nothing is done twice."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.runner.assignments import Assignments
from resources.runner.error_log import ErrorLog
from resources.runner.events import Control, Detached, JobEvent
from resources.runner.watched import WatchedJob
from resources.ssh.opening import Timeouts
from resources.ssh.sftp import pull
from ringrift.jobs.contract import JobSpec, file_sha256
from ringrift.planning.retry import RetryPolicy
from tests.resources.conftest import Bench, closing, in_background, wait_for
from tests.sshd import Proxy, Sshd, known, need_sshd

QUICK = Timeouts(connect_s=3.0, stall_s=1.0)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A server of this test's own, to break."""
    need_sshd()
    server = Sshd(tmp_path / "sshd")
    known(monkeypatch, server)
    monkeypatch.setattr("resources.ssh.connection.DEFAULT_RETRY", RetryPolicy(base_delay_s=0.2))
    yield server
    server.stop()


@pytest.fixture
def proxy(server: Sshd) -> Iterator[Proxy]:
    """The way to that server."""
    proxy = Proxy(server.port)
    server.trust(proxy.port)
    yield proxy
    proxy.close()


@pytest.fixture
def bench(tmp_path: Path, server: Sshd) -> Iterator[Bench]:
    with closing(Bench(tmp_path, server)) as bench:
        yield bench


def whole(bench: Bench, job: JobSpec, result, folder: str = "host") -> bool:
    """Whether every shard is here as it lies on the host."""
    theirs = bench.path(job, folder) / "out"
    return len(result.shards) == job.params["units"] and all(
        file_sha256(path) == file_sha256(theirs / path.name) for path in result.shards
    )


def units(bench: Bench) -> list[str]:
    return [line[1] for line in bench.lines()]


def test_a_pull_that_is_reset_in_the_middle_goes_on_where_it_stopped(bench, proxy, monkeypatch):
    moved: list[int] = []
    monkeypatch.setattr("resources.ssh.transport.pull", lambda *a, **b: moved.append(pull(*a, **b)))
    job = bench.spec(units=1, lines=300_000)
    there = bench.transport(port=proxy.port, timeouts=QUICK)
    bench.runner(transports=[bench.transport()]).run([job])  # made by way of another connection
    size = (bench.path(job) / "out" / "unit-000.txt").stat().st_size
    inbox = bench.folder / "inbox" / job.job_id / "unit-000.txt"
    inbox.unlink()
    moved.clear()
    proxy.bytes_per_s = size / 5
    thread, box = in_background(bench.runner(transports=[there]), [job])
    wait_for(lambda: any(part.stat().st_size for part in inbox.parent.glob(".*.part")))
    proxy.bytes_per_s = None
    proxy.reset()
    thread.join()
    [result] = box["results"]
    assert result.status == "done" and whole(bench, job, result) and result.attempts == 0
    assert there.connection.connected >= 2 and 0 < moved[-1] < size, "the beginning was not sent again"
    assert not list(inbox.parent.glob(".*")), "no half file is left"


def test_a_stall_is_noticed_and_the_job_goes_on_meanwhile(bench, proxy):
    job = bench.spec(units=20, seconds=0.1)
    there = bench.transport(port=proxy.port, timeouts=QUICK)
    errors = ErrorLog(bench.folder / "logs")
    thread, box = in_background(bench.runner(transports=[there], errors=errors), [job])
    wait_for(lambda: "progress" in bench.kinds())
    proxy.stalled.set()
    wait_for(lambda: any("cannot be reached" in event.text for event in bench.events))
    wait_for(lambda: len(bench.lines()) == 20)
    proxy.stalled.clear()
    thread.join()
    [result] = box["results"]
    assert result.status == "done" and result.attempts == 1 and whole(bench, job, result)
    assert any("answers again" in event.text for event in bench.events)
    [log] = (bench.folder / "logs").glob("errors_*.log")
    assert "return code: 255" in log.read_text() and "worker: here" in log.read_text()


def test_a_host_that_is_far_away_only_takes_longer(bench, proxy):
    proxy.delay_s = 0.05  # each way
    jobs = [bench.spec(name, units=3) for name in ("a", "b")]
    results = bench.runner(transports=[bench.transport(port=proxy.port)]).run(jobs)
    assert all(r.status == "done" and r.attempts == 1 and whole(bench, r.spec, r) for r in results)


def test_a_server_that_is_killed_and_comes_back_finds_its_jobs_at_work(bench, server):
    job = bench.spec(units=25, seconds=0.1)
    thread, box = in_background(bench.runner(transports=[bench.transport(timeouts=QUICK)]), [job])
    wait_for(lambda: "progress" in bench.kinds())
    server.stop()
    wait_for(lambda: any("cannot be reached" in event.text for event in bench.events))
    server.start()
    thread.join()
    [result] = box["results"]
    assert result.status == "done" and result.attempts == 1 and whole(bench, job, result)
    assert sorted(units(bench)) == sorted(str(n) for n in range(25)), "each unit was made once"


def test_a_host_that_is_gone_for_good_loses_its_job_to_another_and_is_not_heard_when_it_comes_back(
    bench, proxy, monkeypatch
):
    monkeypatch.setattr("resources.runner.assignments.SEEN_EVERY_S", 0.1)
    assignments = Assignments(bench.folder / "assignments", lost_s=1.0)
    gone = bench.transport(name="gone", folder="gone", port=proxy.port, timeouts=QUICK)
    job = bench.spec(units=30, seconds=0.1)
    control = Control()

    def hear(event: JobEvent) -> None:
        if "are ignored" in event.text:
            control.ask("detach")

    runner = bench.runner(transports=[gone], assignments=assignments, control=control, hear=hear)
    late, box = in_background(runner, [job])
    wait_for(lambda: len(list((bench.folder / "inbox").glob("*/unit-*"))) >= 3)
    proxy.stalled.set()
    other = bench.transport(name="other", folder="other")
    [result] = bench.runner(transports=[gone, other], assignments=assignments).run([job])
    assert result.status == "done" and result.host == "other" and whole(bench, job, result, "other")
    held = assignments.history(job.job_id)
    assert [entry.host for entry in held] == ["gone", "other"] and held[1].since - held[0].seen >= 1.0
    proxy.stalled.clear()
    late.join()
    assert isinstance(box["error"], Detached), "its watcher heard that the job is elsewhere"
    assert assignments.get(job.job_id).fence == 2 and assignments.get(job.job_id).status == "done"


def test_while_one_host_does_not_answer_the_others_work_on(bench, proxy):
    proxy.stalled.set()
    slow, good = (
        bench.transport(name="slow", folder="slow", port=proxy.port, timeouts=Timeouts(connect_s=0.5, stall_s=0.5)),
        bench.transport(name="good"),
    )
    results = bench.runner(transports=[slow, good]).run([bench.spec(name) for name in "abc"])
    assert [r.host for r in results] == ["good"] * 3


def test_when_no_host_answers_for_the_stated_time_the_job_fails_and_names_them(bench, server):
    server.stop()
    assignments = Assignments(bench.folder / "assignments", lost_s=0.5)
    [result] = bench.runner(transports=[bench.transport()], assignments=assignments).run([bench.spec()])
    assert result.status == "failed" and "here cannot be reached" in result.error


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_clock_that_is_an_hour_off_changes_nothing(bench, ahead_s):
    bench.use(f"TOY_CLOCK={ahead_s}")
    there = bench.transport()
    job = bench.spec(units=30, seconds=0.1)
    control = Control()
    thread, _ = in_background(bench.runner(transports=[there], control=control), [job])
    wait_for(lambda: "progress" in bench.kinds())
    assert abs(there.skew_s() - ahead_s) < 5.0
    watched = WatchedJob(job, job.job_id, bench.folder, Assignments(bench.folder / "a"), bench.events.append, there)
    assert abs(watched.state().heartbeat - time.time()) < 10.0, "by our clock"
    [view] = there.views()
    assert view.status == "running" and 0 <= view.heartbeat_age_s < 10.0
    control.ask("cancel")
    thread.join()
    [result] = bench.runner(transports=[there]).run([job.model_copy(update={"params": {**job.params, "units": 2}})])
    assert result.status == "done" and result.attempts == 1


def test_a_worker_of_another_version_is_refused_with_the_remedy_and_its_jobs_go_elsewhere(bench):
    good = bench.transport(name="good", folder="good")
    bench.use("TOY_CONTRACT=2")
    old = bench.transport(name="old", folder="old")
    [alone] = bench.runner(transports=[old]).run([bench.spec()])
    assert alone.status == "failed" and "contract 2" in alone.error
    assert "ringrift hosts bootstrap old" in alone.error
    [result] = bench.runner(transports=[old, good]).run([bench.spec("b")])
    assert result.status == "done" and result.host == "good"


def test_a_host_without_the_package_or_the_interpreter_is_refused_with_the_remedy(bench, server):
    from resources.ssh.transport import SshTransport
    from resources.transports.base import HostRefused

    for python, words in (("/no/python", "no worker's interpreter"), ("/usr/bin/python3", "has no ringrift")):
        bare = SshTransport(server.host("bare", bench.folder / "bare", python))
        bench.transports.append(bare)
        with pytest.raises(HostRefused, match=f"{words}.*ringrift hosts bootstrap bare"):
            bare.hello()


def test_a_host_key_that_changed_stops_the_host_and_nothing_else(bench, server, proxy):
    job = bench.spec(units=2)
    good = bench.transport(name="good", folder="good")
    changed = bench.transport(name="changed", folder="changed", port=proxy.port)
    kept = server.known_hosts.read_text()
    server.stop()
    server.new_host_key()
    server.trust(server.port)  # the direct way is confirmed anew, the other is not
    lines = [line for line in kept.splitlines() if f":{proxy.port}" in line]
    fresh = server.known_hosts.read_text().splitlines()[-1]
    server.known_hosts.write_text("\n".join([*lines, fresh]) + "\n")
    server.start()
    [alone] = bench.runner(transports=[changed]).run([job])
    assert alone.status == "failed" and "another host key" in alone.error and "ssh-keygen -R" in alone.error
    assert not (bench.folder / "changed").exists(), "nothing was sent there"
    [result] = bench.runner(transports=[changed, good]).run([job])
    assert result.status == "done" and result.host == "good"


def test_jobs_are_spread_over_hosts_in_proportion_to_their_slots(bench):
    hosts = [bench.transport(slots=n, name=f"h{n}", folder=f"h{n}") for n in (1, 3)]
    jobs = [bench.spec(f"j{n}", units=1, seconds=0.3) for n in range(8)]
    results = bench.runner(transports=hosts).run(jobs)
    counts = {name: sum(r.host == name for r in results) for name in ("h1", "h3")}
    assert all(r.status == "done" for r in results) and counts["h3"] > counts["h1"] >= 1
