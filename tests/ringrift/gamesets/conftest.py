"""Random games as rows and as a table."""

import pyarrow as pa
import pytest

from ringrift.gamesets import schema as games
from tests.ringrift.gamesets.random_rows import played


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return played() + played("square8_3p", 20) + played("hexagonal_2p", 2)


@pytest.fixture(scope="module")
def table(rows) -> pa.Table:
    return games.table_of(rows)
