"""Work for several hosts at once: one listener on one thread, and no error lost."""

import threading

import pytest

from resources.runner.events import JobEvent
from resources.runner.fan_out import SideBySide


def test_the_listener_hears_every_event_on_the_thread_that_waits():
    heard = []
    hosts = SideBySide(lambda event: heard.append((event.job, threading.get_ident())))
    met = threading.Barrier(3, timeout=10)  # all three are at work at once, or this breaks

    def work(name: str) -> None:
        met.wait()
        for _ in range(20):
            hosts.tell(JobEvent("log", name, "-"))

    hosts.each([lambda name=name: work(name) for name in "abc"])
    hosts.tell(JobEvent("log", "d", "-"))
    assert {thread for _, thread in heard} == {threading.get_ident()}
    assert [sum(job == name for job, _ in heard) for name in "abcd"] == [20, 20, 20, 1]


def test_an_error_is_raised_after_the_others_have_ended():
    done = []

    def fail() -> None:
        raise ValueError("one host")

    with pytest.raises(ValueError, match="one host"):
        SideBySide(lambda event: None).each([fail, lambda: done.append(1), lambda: done.append(2)])
    assert sorted(done) == [1, 2]
