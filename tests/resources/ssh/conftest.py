"""Here a bench is one behind an SSH server."""

import pytest

from tests.resources.conftest import Bench


@pytest.fixture
def bench(ssh_bench: Bench) -> Bench:
    return ssh_bench
