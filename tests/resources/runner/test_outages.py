"""A host whose answers cannot be loses its jobs to the others at once, and gets none any more in this run."""

import json
from dataclasses import replace

import pytest

from resources.ssh.answers import BadAnswer
from resources.transports.base import HostFaulty
from ringrift.jobs.contract import MOST_SHARDS


def said(**payload: object) -> bytes:
    return json.dumps({"method": "report_custom_message", "params": {"payload": payload}}).encode() + b"\n"


SHARD = {"event": "shard", "rows": 1, "bytes": 1, "sha256": "0" * 64}
BAD_MESSAGES = {
    "infinity": said(event="progress", done=float("inf"), total=1),
    "types": said(event="progress", done=[], total=1),
    "deep": b"[" * 100_000 + b"\n",
    "no object": b"7\n",
    "shards": b"".join(said(**SHARD, name=f"s{number}") for number in range(MOST_SHARDS + 1)),
}


@pytest.mark.parametrize("what", ["answer", *BAD_MESSAGES])
def test_its_jobs_are_lost_and_placed_again_elsewhere_with_one_line_that_names_it(bench, what):
    bad, good = bench.transport(name="bad", folder="bad"), bench.transport(name="good", folder="good")
    look, started = bad.look, bad.start

    def wrong(job, offset):
        if what == "answer":
            raise HostFaulty(f"bad: its agent answers with what cannot be: {BadAnswer('no JSON')}")
        return replace(look(job, offset), messages=BAD_MESSAGES[what], manifest=None)

    bad.look = wrong
    calls: list[str] = []
    bad.start = lambda spec, shards=(): calls.append(spec.name) or started(spec, shards)
    results = bench.runner(transports=[bad, good]).run([bench.spec(name, units=1) for name in "abcd"])
    assert [(result.status, result.host) for result in results] == [("done", "good")] * 4
    warnings = [event.text for event in bench.events if event.text.startswith("WARNING")]
    assert len(warnings) == 1 and warnings[0].startswith("WARNING: bad: ") and "cannot be" in warnings[0]
    assert calls and len(calls) == len(set(calls)), "none was started there a second time"


def test_alone_it_fails_the_job_in_its_words(bench):
    bad = bench.transport(name="bad")
    bad.look = lambda job, offset: (_ for _ in ()).throw(HostFaulty("bad: its agent answers with what cannot be: x"))
    [result] = bench.runner(transports=[bad]).run([bench.spec()])
    assert result.status == "failed" and "bad: its agent answers with what cannot be" in result.error
