"""The content digest ignores order and provenance and sees every content column."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.gamesets import schema as games
from ringrift.gamesets.digest import content_digest


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 82), max_size=4))
def test_the_digest_ignores_order_chunks_and_provenance(table, seed, cuts):
    order = np.random.default_rng(seed).permutation(table.num_rows)
    shuffled = table.take(order)
    edges = [0, *sorted(cuts), table.num_rows]
    parts = [shuffled.slice(a, b - a) for a, b in pairwise(edges)]
    for name in games.PROVENANCE_COLUMNS:
        place = table.schema.get_field_index(name)
        parts = [p.set_column(place, name, pa.nulls(p.num_rows, p.schema.field(place).type)) for p in parts]
    assert content_digest(pa.concat_tables(parts)) == content_digest(table)


def test_the_digest_ignores_how_the_file_is_encoded(tmp_path, table):
    pq.write_table(table, tmp_path / "b.parquet", compression="none", row_group_size=7)
    assert content_digest(pq.read_table(tmp_path / "b.parquet")) == content_digest(table)


def test_the_digest_sees_every_content_column(rows):
    other = {
        "game_hash": "0" * 16,
        "config": "square8_4p",
        "iteration": 4,
        "source": "import",
        "job": "other",
        "game_index": 4_000_000,
        "seed": 5,
        "rules_version": "other",
        "options": "{}",
        "participants": ["a", "b"],
        "opening_plies": 3,
        "moves": [1],
        "winner": 3,
        "ranking": None,
        "victory": "other",
        "plies": 5,
        "capped": True,
        "search_plies": [],
        "search_codes": [[]],
        "search_visits": [[1]],
        "search_values": [0],
    }
    assert tuple(other) == games.CONTENT_COLUMNS
    digests = {content_digest(games.table_of(rows))}
    for name, value in other.items():
        digests.add(content_digest(games.table_of([rows[0] | {name: value}, *rows[1:]])))
    assert len(digests) == 1 + len(other)
