"""Fixtures shared by the tests: a home of their own, and job hosts whose processes end with the test."""

import os

os.environ["RINGRIFT_EXTRA_CONFIGS"] = "hex8_2p,hex8_3p"  # read when partitions are declared, so before any import

from ringrift.jobs.worker import THREAD_COUNTS

os.environ["RINGRIFT_WARM_S"] = "60"  # the process that workers are forked from is not long behind the tests

# A process of the tests is one core, as a job is; before numpy is loaded.
os.environ.update({name: os.environ.get(name, "1") for name in THREAD_COUNTS})

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.store.home import Home
from resources.store.store import Store
from tests.sshd import Sshd, need_sshd


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home that every process of this test uses."""
    home = Home(tmp_path / "home").prepare()
    monkeypatch.setenv("RINGRIFT_HOME", str(home.root))
    for name in (
        "RINGRIFT_PIPELINE",
        "RINGRIFT_HOSTS",
        "RINGRIFT_GAMES_SCALE",
        "RINGRIFT_DAGSTER_CONFIG",
        "DAGSTER_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    """The store of that home."""
    yield Store(home.store)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An SSH server on loopback for the whole session; tests that break theirs start one of their own."""
    need_sshd()
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()
