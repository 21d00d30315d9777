"""Choosing a host does not wait for one host after the other."""

import threading

from resources.assignments import Assignments
from resources.disk import DiskPolicy
from resources.outages import Outages
from resources.placement import Placement
from resources.side_by_side import SideBySide
from resources.transport import HostUnreachable


class Slow:
    """A host whose status is known once all hosts were asked."""

    def __init__(self, met: threading.Barrier, asked: list["Slow"], dead: bool):
        self._met, self._asked, self._dead = met, asked, dead

    def status(self) -> None:
        self._met.wait()
        self._asked.append(self)
        if self._dead:
            raise HostUnreachable("dead", "it did not answer in time")


def test_all_hosts_are_asked_at_once_and_a_dead_one_is_no_error(tmp_path):
    met, asked = threading.Barrier(3, timeout=10), []
    hosts = [Slow(met, asked, dead) for dead in (False, True, False)]
    work = SideBySide(lambda event: None)
    Placement(hosts, Assignments(tmp_path), DiskPolicy(), Outages(), work).look()
    assert set(asked) == set(hosts)
