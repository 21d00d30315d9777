"""The job contract over a transport: what a person may rely on when workers, orchestrators and files fail."""

import json
import os
import signal
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from resources.hosts.host import Host
from resources.runner.events import Cancelled, Control, Detached, JobEvent
from resources.runner.runner import JobRunner
from ringrift.jobs.contract import JobSpec
from tests.resources.conftest import Bench, in_background, wait_for


@pytest.fixture
def bench(either_bench: Bench) -> Bench:
    """The contract is the same for every kind of host."""
    return either_bench


def alone_digest(bench: Bench, spec: JobSpec) -> list[str]:
    """Contents of the shards of a job, in order."""
    return [path.read_text() for path in sorted((bench.folder / "inbox" / spec.job_id).glob("unit-*"))]


def test_jobs_run_to_their_end_and_their_results_keep_the_order_of_the_specs(bench):
    specs = [bench.spec(name, units=units) for name, units in (("long", 12), ("short", 1), ("middle", 4))]
    results = bench.runner().run(specs)
    assert [r.spec.name for r in results] == ["long", "short", "middle"]
    assert [r.status for r in results] == ["done"] * 3
    assert [len(r.shards) for r in results] == [12, 1, 4]
    assert results[0].manifest.result == {"units": 12} and results[0].attempts == 1
    assert all(path.is_file() for r in results for path in r.shards)
    progress = [(e.done, e.total) for e in bench.events if e.kind == "progress" and "long" in e.job]
    assert [e.total for e in bench.events if e.kind == "queued"] == [0, 0, 0]
    assert (12, 12) in progress


def test_a_waiting_job_tells_the_games_it_is_to_bring(bench):
    bench.runner().run([bench.spec("plays", units=1, games=7), bench.spec("reads", units=1)])
    assert [event.total for event in bench.events if event.kind == "queued"] == [7, 0]


def test_no_more_jobs_work_at_once_than_the_host_has_slots_over_all_its_users(bench):
    specs = [bench.spec(f"job{i}", units=3, seconds=0.5) for i in range(4)]
    first, box1 = in_background(bench.runner(slots=2), specs[:2])
    second, box2 = in_background(bench.runner(slots=2), specs[2:])
    first.join()
    second.join()
    assert [r.status for r in box1["results"] + box2["results"]] == ["done"] * 4
    moments = sorted((t, step) for line in bench.lines() for t, step in ((float(line[3]), 1), (float(line[4]), -1)))
    running, most = 0, 0
    for _, step in moments:
        running += step
        most = max(most, running)
    assert most == 2


def test_a_worker_killed_in_the_middle_is_started_again_and_goes_on_from_its_last_whole_shard(bench):
    spec = bench.spec(units=6, kill_at=4, seconds=0.15)
    [result] = bench.runner().run([spec])
    assert result.status == "done" and result.attempts == 2 and "lost" in bench.kinds()
    assert [(line[1], line[2]) for line in bench.lines()] == [
        ("0", "1"), ("1", "1"), ("2", "1"), ("3", "1"), ("4", "2"), ("5", "2"),
    ]  # fmt: skip
    whole = bench.spec("b", units=6)
    bench.runner().run([whole])
    assert [t.replace("of a", "") for t in alone_digest(bench, spec)] == [
        t.replace("of b", "") for t in alone_digest(bench, whole)
    ]


def test_a_worker_killed_from_outside_is_noticed_by_one_who_only_attached(bench):
    spec = bench.spec(units=40, seconds=0.1)
    control = Control()
    thread, box = in_background(bench.runner(control=control), [spec])
    wait_for(lambda: len(bench.lines()) >= 2)
    control.ask("detach")
    thread.join()
    assert isinstance(box["error"], Detached)
    again = bench.runner()
    state = bench.transports[0].read(spec.job_id, "state.json")
    thread, box = in_background(again, [spec])
    wait_for(lambda: "attached" in bench.kinds())
    os.kill(json.loads(state)["pid"], signal.SIGKILL)
    thread.join()
    [result] = box["results"]
    assert result.status == "done" and result.attempts == 1
    units = [line[1] for line in bench.lines()]
    assert len(set(units)) == 40 and len(units) <= 41, "at most the open unit was made twice"


def test_detaching_leaves_the_job_running_and_the_next_run_attaches_without_a_second_start(bench):
    spec = bench.spec(units=10, seconds=0.1)
    control = Control()
    thread, box = in_background(bench.runner(control=control), [spec])
    wait_for(lambda: len(bench.lines()) >= 2)
    control.ask("detach")
    thread.join()
    assert isinstance(box["error"], Detached) and "same command" in str(box["error"])
    [result] = bench.runner().run([spec])
    assert result.status == "done" and result.attempts == 0
    assert {line[2] for line in bench.lines()} == {"1"} and len(bench.lines()) == 10


def test_a_job_that_is_done_is_not_started_again(bench):
    spec = bench.spec()
    bench.runner().run([spec])
    bench.events.clear()
    [result] = bench.runner().run([spec])
    assert result.status == "done" and result.attempts == 0 and "started" not in bench.kinds()
    assert len(bench.lines()) == 3


def test_cancelling_ends_the_process_and_a_later_run_goes_on_from_the_whole_shards(bench):
    spec = bench.spec(units=20, seconds=0.1)
    control = Control()
    runner = bench.runner(control=control)
    thread, box = in_background(runner, [spec])
    wait_for(lambda: len(bench.lines()) >= 3)
    control.ask("cancel")
    thread.join()
    assert isinstance(box["error"], Cancelled)
    assert not bench.transports[0].alive(spec.job_id)
    assert bench.events[-1].kind == "cancelled"
    pulled = alone_digest(bench, spec)
    assert len(pulled) >= 3, "whole shards were brought home"
    [result] = bench.runner().run([spec])
    assert result.status == "done" and len(bench.lines()) == 20


def test_a_worker_that_does_not_listen_is_killed(bench, monkeypatch):
    monkeypatch.setattr("resources.transports.base.KILL_AFTER_S", 0.2)
    spec, control = bench.spec(units=2, seconds=30, deaf=True), Control()
    thread, box = in_background(bench.runner(control=control), [spec])
    wait_for(lambda: (bench.path(spec) / "state.json").exists())  # before that it would not be deaf yet
    time.sleep(0.2)
    control.ask("cancel")
    thread.join()
    assert isinstance(box["error"], Cancelled)
    assert bench.transports[0].exited(spec.job_id) == -signal.SIGKILL


def test_an_interrupt_of_the_run_cancels_its_jobs_and_any_other_exception_leaves_them_alone(bench):
    class Interrupted(BaseException):
        pass

    def raising(error: BaseException) -> Callable[[JobEvent], None]:
        def hear(event: JobEvent) -> None:
            if event.kind == "progress":
                raise error

        return hear

    stopped, left = bench.spec("stopped", units=50, seconds=0.1), bench.spec("left", units=8, seconds=0.1)
    with pytest.raises(Interrupted):
        bench.runner(hear=raising(Interrupted())).run([stopped], cancel_on=(Interrupted,))
    with pytest.raises(ZeroDivisionError):
        bench.runner(hear=raising(ZeroDivisionError())).run([left], cancel_on=(Interrupted,))
    assert not bench.transports[0].alive(stopped.job_id)
    assert bench.transports[1].alive(left.job_id)
    [result] = bench.runner().run([left])
    assert result.status == "done" and result.attempts == 0


def test_when_time_runs_out_whole_shards_are_kept_and_the_rest_is_cancelled(bench, monkeypatch):
    short, long = bench.spec("short", units=2), bench.spec("long", units=200, seconds=0.1)

    def now() -> float:
        """The hour is over once the short job is done and the long one has made a few of its units."""
        late = "done" in bench.kinds() and [name for name, *_ in bench.lines()].count("long") >= 5
        return time.monotonic() + (3600 if late else 0)

    monkeypatch.setattr("resources.runner.runner.time", SimpleNamespace(monotonic=now, sleep=time.sleep))
    results = bench.runner().run([short, long], timeout_s=3600)
    assert [r.status for r in results] == ["done", "cancelled"]
    assert results[1].manifest is None and results[1].shards
    assert "not finished within 3600 s" in results[1].error


@pytest.mark.parametrize("damage", ["truncated manifest", "manifest of another job", "corrupt shard", "no shard"])
def test_damaged_results_are_set_aside_and_made_again(bench, damage):
    spec = bench.spec(units=3)
    [before] = bench.runner().run([spec])
    contents = [path.read_bytes() for path in before.shards]
    out = bench.path(spec) / "out"
    inbox = bench.folder / "inbox" / spec.job_id
    for path in inbox.iterdir():
        path.unlink()
    manifest = out / "manifest.json"
    if damage == "truncated manifest":
        manifest.write_bytes(manifest.read_bytes()[:40])
    elif damage == "manifest of another job":
        manifest.write_text(manifest.read_text().replace(spec.job_id, "another"))
    elif damage == "corrupt shard":
        (out / "unit-001.txt").write_text("something else")
    else:
        (out / "unit-001.txt").unlink()
    [after] = bench.runner().run([spec])
    assert after.status == "done" and after.attempts == 1
    assert [path.read_bytes() for path in after.shards] == contents
    made_again = len(bench.lines()) - 3
    assert made_again == (1 if "shard" in damage else 0)
    assert any("set aside" in event.text for event in bench.events)


def test_a_shard_damaged_here_is_fetched_again(bench):
    spec = bench.spec(units=2)
    bench.runner().run([spec])
    (bench.folder / "inbox" / spec.job_id / "unit-000.txt").write_text("bit rot")
    [result] = bench.runner().run([spec])
    assert result.attempts == 0 and result.shards[0].read_text().startswith("unit 0")


def test_a_failed_job_is_not_tried_again_by_itself_and_its_message_has_its_own_words(bench):
    spec = bench.spec(units=3, fail_at=1)
    [result] = bench.runner().run([spec])
    assert result.status == "failed" and result.attempts == 1
    assert "it was told to fail" in result.error and "log.txt" in result.error
    [again] = bench.runner().run([spec])  # a person says so: the second attempt goes on from the first shard
    assert again.status == "done" and [line[2] for line in bench.lines()] == ["1", "2", "2"]


def test_a_worker_that_dies_again_and_again_is_given_up(bench):
    [result] = bench.runner().run([bench.spec(units=1, kill_at=0, until=99)])
    assert result.status == "lost" and result.attempts == 3 and "disappeared 3 times" in result.error


def test_an_interpreter_that_cannot_start_the_worker_fails_with_its_output(bench):
    bench.python.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    [result] = bench.runner().run([bench.spec()])
    assert result.status == "failed" and "code 3" in result.error and "no such module" in result.error


def test_a_worker_of_another_contract_is_refused_with_the_remedy(bench):
    spec = bench.spec()
    bench.runner().run([spec])
    folder = bench.path(spec)
    (folder / "out" / "manifest.json").unlink()
    (folder / "state.json").write_text('{"contract": 2}')
    [result] = bench.runner().run([spec])
    assert result.status == "failed" and "update ringrift on that host" in result.error


def test_half_a_line_of_messages_waits_for_its_other_half(bench):
    class Feed:
        """A host whose job has said only what `data` holds."""

        host = Host(name="feed")
        slots, max_poll_s = 1, 1.0
        data = b""

        def read(self, job: str, name: str, offset: int = 0, limit: int = -1) -> bytes | None:
            return self.data[offset:] if name == "messages.jsonl" else None

    feed, spec = Feed(), bench.spec()
    runner = JobRunner([feed], bench.folder, bench.events.append)
    job = runner._watched(spec)
    job.transport = feed
    payload = {"event": "progress", "done": 1, "total": 2}
    line = json.dumps({"method": "report_custom_message", "params": {"payload": payload}}).encode() + b"\n"
    feed.data = b"\xff not json \n" + line[:20]
    job.messages()
    assert bench.events == []
    feed.data = b"\xff not json \n" + line
    job.messages()
    job.messages()
    assert [(event.done, event.total) for event in bench.events] == [(1, 2)]


def test_a_shard_name_that_leaves_the_folder_is_never_fetched(bench):
    spec = bench.spec()
    bench.runner().run([spec])
    out = bench.path(spec) / "out"
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["shards"][0]["name"] = ".."
    (out / "manifest.json").write_text(json.dumps(manifest))
    [again] = bench.runner().run([spec])
    assert again.status == "done" and again.attempts == 1, "the manifest was refused and written anew"
