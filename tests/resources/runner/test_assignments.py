"""Which host has a job: one at a time, elsewhere only after a stated silence, and late workers are not heard."""

import threading
from pathlib import Path

import pytest

from resources.hosts.requirements import MIB
from resources.runner.assignments import AssignmentDamaged, Assignments
from resources.runner.events import Control, Detached, JobEvent
from tests.resources.conftest import Bench, in_background, wait_for


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Assignments:
    return Assignments(tmp_path / "assignments", lost_s=120.0, clock=Clock())


def test_each_assignment_has_a_higher_number_and_the_history_is_kept(store):
    assert store.get("job") is None
    first = store.assign("job", "a", "/a/job", 1, after=0)
    second = store.assign("job", "b", "/b/job", 1, after=1)
    assert (first.fence, second.fence) == (1, 2) and store.get("job") == second
    assert [entry.host for entry in store.history("job")] == ["a", "b"]


def test_of_two_who_want_a_job_at_once_one_gets_it(store):
    got = []
    threads = [
        threading.Thread(target=lambda name=name: got.append(store.assign("job", name, f"/{name}", 1, after=0)))
        for name in "abcdefgh"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(entry is not None for entry in got) == 1 and len(store.history("job")) == 1


def test_an_older_number_can_neither_bring_shards_nor_a_result(store):
    store.assign("job", "a", "/a/job", 1, after=0)
    with store.in_force("job", 1) as mine:
        assert mine
    store.assign("job", "b", "/b/job", 1, after=1)
    with store.in_force("job", 1) as mine:
        assert not mine
    assert not store.finish("job", 1) and store.get("job").status == "open"
    assert store.finish("job", 2) and store.get("job").status == "done"
    store.withdraw("job", 1)
    assert store.get("job").fence == 2


def test_an_assignment_under_which_nothing_started_is_taken_back(store):
    store.assign("job", "a", "/a/job", 1, after=0)
    store.withdraw("job", 1)
    assert store.get("job") is None and store.assign("job", "b", "/b/job", 1, after=0).fence == 1


def test_silence_counts_from_the_last_sign_of_life(store):
    held = store.assign("job", "a", "/a/job", 1, after=0)
    store._clock.now += 60
    store.saw("job", 1)
    store._clock.now += 100
    assert store.silent_s(store.get("job")) == 100 and store.silent_s(held) == 160
    assert store.silent_s(held, heartbeat=1150.0) == 10


def test_a_damaged_file_is_an_error_and_never_a_free_job(store):
    store.assign("job", "a", "/a/job", 1, after=0)
    path = store.folder / "job.json"
    path.write_text(path.read_text()[:30])
    with pytest.raises(AssignmentDamaged, match="move it aside once no worker"):
        store.assign("job", "b", "/b/job", 1, after=0)


# --- two hosts with folders of their own ------------------------------------------------------------------


@pytest.fixture
def bench(either_bench: Bench) -> Bench:
    """The contract is the same for every kind of host."""
    return either_bench


def left_on(bench: Bench, name: str, job, assignments: Assignments) -> None:
    """Start the job on a host and stop watching it once two units are there."""
    control = Control()
    runner = bench.runner(
        control=control, transports=[bench.transport(name=name, folder=name)], assignments=assignments
    )
    thread, box = in_background(runner, [job])
    wait_for(lambda: len(bench.lines()) >= 2 and "progress" in bench.kinds())
    control.ask("detach")
    thread.join()
    assert isinstance(box["error"], Detached)


def test_another_host_gets_a_job_only_after_the_first_was_silent_for_the_stated_time(bench):
    assignments = Assignments(bench.folder / "assignments", lost_s=5.0)
    job = bench.spec(units=100, seconds=0.05)
    left_on(bench, "first", job, assignments)
    bench.kill(job, "first")
    held = assignments.get(job.job_id)
    second, control = bench.transport(name="second", folder="second"), Control()
    thread, _ = in_background(bench.runner(control=control, transports=[second], assignments=assignments), [job])
    wait_for(lambda: second.exists(job.job_id))
    moved = assignments.get(job.job_id)
    assert (moved.host, moved.fence) == ("second", 2) and moved.since - held.seen >= 5.0
    assert any("first has this job and may still be at work" in event.text for event in bench.events)
    control.ask("cancel")
    thread.join()


def test_a_host_that_comes_back_in_time_keeps_its_job(bench):
    assignments = Assignments(bench.folder / "assignments", lost_s=60.0)
    job = bench.spec(units=12, seconds=0.1)
    left_on(bench, "first", job, assignments)
    first, second = bench.transports[0], bench.transport(name="second", folder="second")
    [result] = bench.runner(transports=[second, first], assignments=assignments).run([job])
    assert result.host == "first" and result.attempts == 0 and not second.exists(job.job_id)


def test_a_late_worker_cannot_overwrite_what_its_successor_makes(bench, monkeypatch):
    """The first host only seemed lost: its worker lives on, and its watcher hears that the job is elsewhere."""
    monkeypatch.setattr("resources.runner.assignments.SEEN_EVERY_S", 0.0)
    patient = Assignments(bench.folder / "assignments", lost_s=60.0)
    hasty = Assignments(bench.folder / "assignments", lost_s=-1.0)
    job = bench.spec(units=16, seconds=0.15)
    first, second = bench.transport(name="first", folder="first"), bench.transport(name="second", folder="second")
    control = Control()

    def hear(event: JobEvent) -> None:
        if "this worker's shards are ignored" in event.text:
            control.ask("detach")  # at once: with its host alone it would do the job again

    late, box = in_background(bench.runner(control=control, transports=[first], assignments=patient, hear=hear), [job])
    wait_for(lambda: len(bench.lines()) >= 2)
    [result] = bench.runner(transports=[second], assignments=hasty).run([job])
    assert result.status == "done" and result.host == "second"
    wait_for(lambda: any("this worker's shards are ignored" in event.text for event in bench.events))
    late.join()
    ignored = [event for event in bench.events if "this worker's shards are ignored" in event.text]
    assert len(ignored) == 1 and ignored[0].host == "first"
    theirs = bench.path(job, "second") / "out"
    assert [path.read_bytes() for path in result.shards] == [
        (theirs / path.name).read_bytes() for path in result.shards
    ]
    assert patient.get(job.job_id).fence == 2 and patient.get(job.job_id).status == "done"
    assert "error" in box or box["results"]


def test_a_job_that_moves_takes_its_pulled_shards_along(bench):
    """A worker is killed and its disk is full by then: after the silence the other host goes on from its shards."""
    assignments = Assignments(bench.folder / "assignments", lost_s=0.5)
    first, second = bench.transport(name="first", folder="first"), bench.transport(name="second", folder="second")
    bench.leave_free(first, lambda: MIB if bench.lines() else 100 * 2**30)
    job = bench.spec(units=8, seconds=0.2, kill_at=5)
    [result] = bench.runner(transports=[first, second], assignments=assignments).run([job])
    assert result.status == "done" and result.host == "second"
    assert result.attempts == 3, "the toy dies once on each host"
    units = [line[1] for line in bench.lines()]
    assert sorted(set(units)) == [str(n) for n in range(8)] and len(units) <= 9, "at most the last shard is made again"


def test_a_job_that_failed_by_its_own_word_may_move_at_once_when_its_disk_is_full(bench):
    assignments = Assignments(bench.folder / "assignments", lost_s=600.0)
    first, second = bench.transport(name="first", folder="first"), bench.transport(name="second", folder="second")
    job = bench.spec(units=3, fail_at=1)
    [failed] = bench.runner(transports=[first], assignments=assignments).run([job])
    assert failed.status == "failed"
    bench.leave_free(first, lambda: 0)
    [result] = bench.runner(transports=[first, second], assignments=assignments).run([job])
    assert result.host == "second" and assignments.get(job.job_id).host == "second"
