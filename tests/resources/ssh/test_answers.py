"""Answers of an agent that cannot be are a fault of its host, told in one line."""

import base64
import json
import time

import pytest

from resources.ssh.agent_client import CHATTER_BYTES, GREETING, Agent
from resources.ssh.answers import LINE_BYTES, BadAnswer, checked, most_bytes, result_of
from resources.transports.base import HostFaulty, HostRefused
from ringrift.jobs.agent import HELLO_MARK, greeting
from ringrift.jobs.folder import READ_BYTES, FolderStatus, JobFolder


class Channel:
    """A channel on which the other side has said `data`."""

    def __init__(self, data: bytes):
        self.data, self.sent = data, b""

    def settimeout(self, seconds: float) -> None: ...

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, count: int) -> bytes:
        data, self.data = self.data[:count], self.data[count:]
        return data


def agent(data: bytes) -> Agent:
    return Agent(None, Channel(data), 1.0)


@pytest.mark.parametrize(
    "line",
    [b"[" * 100_000, b'{"id": 1, "result": Infinity}', b"", b"7", b"\xff", b'{"id": 2, "result": null}', b'{"id":'],
)
def test_a_line_that_is_no_answer_is_bad(line):
    with pytest.raises(BadAnswer) as caught:
        agent(line + b"\n").ask("exists", {"job": "j"})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("alive", {}),
        ("alive", {"result": None}),
        ("exists", {"result": 1}),
        ("job_ids", {"result": "ab"}),
        ("job_ids", {"result": [1]}),
        ("read", {"result": "!"}),
        ("look", {"result": {"alive": True, "manifest": None}}),
        ("look", {"result": {"alive": "yes", "messages": "", "manifest": None}}),
        ("exited", {"result": 1.5}),
        ("status", {"result": {"free_bytes": -1, "free_slots": 1, "slots": 1, "speed": 1.0}}),
        ("status", {"result": [1, 2, 3, 4]}),
        ("views", {"result": [{}]}),
        ("probe", {"result": {"cpu": "x"}}),
        ("start", {"error": "no"}),
        ("start", {"error": {"text": 3}}),
    ],
)
def test_a_result_of_another_type_is_bad(verb, answer):
    with pytest.raises(BadAnswer):
        result_of("lab", verb, answer)


def test_results_have_their_types_and_errors_their_words():
    text = base64.b64encode(b"x\n").decode()
    assert result_of("lab", "look", {"result": {"alive": False, "messages": text, "manifest": None}}).messages == b"x\n"
    status = {"free_bytes": 1, "free_slots": 2, "slots": 3, "speed": 4.0}
    assert result_of("lab", "status", {"result": status}) == FolderStatus(**status)
    with pytest.raises(HostRefused, match="lab: two lines"):
        result_of("lab", "start", {"error": {"text": "two\nlines", "errno": None}})
    with pytest.raises(HostRefused, match="disk is full"):
        result_of("lab", "start", {"error": {"text": "", "errno": 28}})


def test_an_answer_is_as_long_as_what_was_asked_for_and_no_longer():
    assert most_bytes("alive", {}) == most_bytes("start", {}) == LINE_BYTES
    assert (
        READ_BYTES
        < most_bytes("read", {"limit": READ_BYTES})
        < 2 * READ_BYTES
        < most_bytes("look", {})
        < 16 * READ_BYTES
    )
    for line in (b"x" * (LINE_BYTES + 1) + b"\n", b"x" * 10 * LINE_BYTES):
        with pytest.raises(BadAnswer, match="a line of more than 65536 bytes"):
            agent(line).ask("alive", {})


def test_the_hand_shake_may_follow_a_greeting_and_must_be_one(tmp_path):
    said = json.loads(json.dumps(greeting(JobFolder(tmp_path))))
    mark = HELLO_MARK.encode()
    shaken = agent(b"Welcome\n\xff\n" + mark + json.dumps(said).encode() + b"\n")
    shaken.shake(1.0)
    assert shaken.greeting == said and abs(shaken.skew_s) < 60.0 and said["clock"] - time.time() < 1.0
    for wrong in ({"clock": "now"}, {"root": None}, {"pid": [1]}):
        with pytest.raises(BadAnswer, match="the hand-shake"):
            agent(mark + json.dumps(said | wrong).encode() + b"\n").shake(1.0)
    other = agent(mark + b'{"contract": 2}\n')
    other.shake(1.0)
    assert other.greeting == {"contract": 2}, "another version is told as such"
    with pytest.raises(BadAnswer):
        agent(b"Welcome\n" * CHATTER_BYTES).shake(1.0)
    with pytest.raises(BadAnswer):
        checked(GREETING, {}, "the hand-shake")


def test_a_transport_tells_its_host_and_asks_no_more_for_a_while(ssh_bench, monkeypatch):
    there = ssh_bench.transport()
    there.hello()
    monkeypatch.setattr(Agent, "ask", lambda *_: {"id": 1, "result": "maybe"})
    with pytest.raises(HostFaulty, match="here: its agent answers with what cannot be: the result of alive"):
        there.alive("j")
    with pytest.raises(HostRefused, match="what cannot be"):
        there.alive("j")
