"""Asking hosts for their status: all at once, not again and again, and anew once a job has ended there."""

import threading

import pytest

from resources.hosts.requirements import DiskPolicy
from resources.runner.assignments import Assignments
from resources.runner.fan_out import SideBySide
from resources.runner.outages import Outages
from resources.runner.placement import Placement
from resources.transports.base import HostUnreachable
from ringrift.jobs.folder import FolderStatus

STATUS = FolderStatus(free_bytes=2**40, free_slots=2, slots=2, speed=1.0)


class Asked:
    """A host that counts how often it is asked; with `met` it answers once all hosts were asked."""

    def __init__(self, status_s: float, met: threading.Barrier | None = None, dead: bool = False):
        self.status_s, self.times, self._met, self._dead = status_s, 0, met, dead

    def status(self) -> FolderStatus:
        self.times += 1
        if self._met:
            self._met.wait()
        if self._dead:
            raise HostUnreachable("dead", "it did not answer in time")
        return STATUS


@pytest.fixture
def placement_of(tmp_path):
    work = SideBySide(lambda event: None)
    return lambda hosts: Placement(hosts, Assignments(tmp_path), DiskPolicy(), Outages(), work)


def test_all_hosts_are_asked_at_once_and_a_dead_one_is_no_error(placement_of):
    met = threading.Barrier(3, timeout=10)
    hosts = [Asked(60.0, met, dead) for dead in (False, True, False)]
    said = placement_of(hosts)._statuses()
    assert [isinstance(said[host], HostUnreachable) for host in hosts] == [False, True, False]


def test_a_host_is_asked_again_when_its_answer_is_old_or_a_job_has_ended_there(placement_of):
    near, far = Asked(0.0), Asked(60.0)
    placement = placement_of([near, far])
    for _ in range(3):
        placement._statuses()
    assert (near.times, far.times) == (3, 1)
    placement.freed(far)
    placement._statuses()
    assert far.times == 2


def test_slots_that_were_taken_are_known_without_asking(placement_of):
    far = Asked(60.0)
    placement = placement_of([far])
    placement._statuses()
    placement._took(far, True)
    assert placement._statuses()[far].free_slots == 1
    placement._took(far, False)
    assert placement._statuses()[far].free_slots == 0 and far.times == 1
