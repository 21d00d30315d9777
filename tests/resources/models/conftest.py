"""The registry of the home of a test."""

import pytest

from resources.models.registry import Registry
from resources.store.home import Home


@pytest.fixture
def registry(home: Home) -> Registry:
    return Registry(home)
