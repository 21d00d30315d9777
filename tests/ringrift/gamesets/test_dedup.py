"""Deduplication keeps the first seen, whatever the order."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.errors import InvalidInput
from ringrift.gamesets import schema as games
from ringrift.gamesets.dedup import dedup, game_keys


@st.composite
def small_sets(draw) -> list[dict]:
    """Rows with few hashes, so that most are duplicates; each (config, iteration, job, index) stands once."""
    places = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["square8_2p", "hexagonal_2p"]),
                st.integers(0, 2),
                st.sampled_from(["b", "a"]),
                st.integers(0, 5),
            ),
            unique=True,
            max_size=30,
        )
    )
    plain = {"source": "selfplay", "seed": 1, "rules_version": "x", "participants": [], "opening_plies": 0}
    return [
        plain
        | {"config": config, "iteration": iteration, "job": job, "game_index": index}
        | {"moves": [], "plies": 0, "capped": False}
        | {"game_hash": f"{draw(st.integers(0, 6)):016x}", "options": draw(st.sampled_from(["{}", '{"a":1}']))}
        for config, iteration, job, index in places
    ]


def key(row: dict) -> tuple:
    return row["config"], row["options"], row["game_hash"]


def place(row: dict) -> tuple:
    return row["config"], row["iteration"], row["job"], row["game_index"]


@settings(max_examples=150, deadline=None)
@given(rows=small_sets(), seed=st.integers(0, 2**32), earlier=st.integers(0, 30))
def test_dedup_keeps_the_first_seen_whatever_the_order(rows, seed, earlier):
    ordered = sorted(rows, key=place)
    first: dict[tuple, dict] = {}
    for row in ordered:
        first.setdefault(key(row), row)
    shuffled = random.Random(seed).sample(rows, len(rows))
    unique, duplicates = dedup(games.table_of(shuffled))
    assert [place(r) for r in unique.to_pylist()] == [place(r) for r in ordered if first[key(r)] is r]
    assert [place(r) for r in duplicates.to_pylist()] == [place(r) for r in ordered if first[key(r)] is not r]

    again, none = dedup(unique)
    assert again.equals(unique) and none.num_rows == 0, "a second pass changes nothing"

    known = game_keys(games.table_of(shuffled[:earlier]))
    fresh, _ = dedup(games.table_of(shuffled), known)
    seen = {key(r) for r in shuffled[:earlier]}
    assert [key(r) for r in fresh.to_pylist()] == [key(r) for r in unique.to_pylist() if key(r) not in seen]


def test_dedup_of_an_iteration_after_itself_leaves_nothing_and_of_nothing_is_nothing(table):
    unique, _ = dedup(table)
    assert dedup(unique, game_keys(unique))[0].num_rows == 0
    assert dedup(table.slice(0, 0))[0].num_rows == 0


def test_the_same_moves_under_other_options_are_another_game(rows):
    other = rows[0] | {"game_index": 99, "options": games.options_text({"swap_rule": True})}
    assert dedup(games.table_of([rows[0], other]))[0].num_rows == 2


def test_a_bad_hash_is_refused(rows):
    with pytest.raises(InvalidInput, match="hex"):
        game_keys(games.table_of([rows[0] | {"game_hash": "ABC"}]))
