"""Which games a model is trained on, and which judge it."""

import numpy as np
import pytest

from ringrift.config import Config
from ringrift.errors import MissingInput
from ringrift.gamesets.schema import table_of
from ringrift.network.training.window import WindowShape, held_out, select_window
from tests.ringrift.conftest import HEX8, play


def test_the_window_grows_as_a_power_of_all_rows():
    shape = WindowShape(rows=1000, alpha=0.75, beta=0.4)
    assert [shape.size(n) for n in (0, 1, 999, 1000)] == [0, 1, 999, 1000]
    assert shape.size(2000) == round(1000 * (1 + 0.4 * (2**0.75 - 1) / 0.75))
    assert shape.size(16_000) == 1000 + round(1000 * 0.4 * 7 / 0.75)


def test_the_newest_games_are_taken_and_their_identity_does_not_hang_on_the_order_of_files():
    old, new = play(HEX8, 4), play(HEX8, 4, root_seed=9, iteration=1)
    plies = sum(new["plies"].to_pylist())
    shape = WindowShape(rows=plies + 1, alpha=1.0, beta=0.0001)
    window = select_window([old, new], HEX8, shape)
    assert window.total_rows == plies + sum(old["plies"].to_pylist())
    assert set(window.games["game_hash"].to_pylist()) >= set(new["game_hash"].to_pylist())
    assert window.games.num_rows == 5 and window.rows > plies
    assert select_window([old, new], HEX8, WindowShape(plies, 1.0, 0.0001)).rows == plies
    assert select_window([new, old], HEX8, shape).digest == window.digest
    assert select_window([old, new], HEX8, WindowShape()).digest != window.digest
    assert window.summary()["first_iteration"] == 0 and window.summary()["last_iteration"] == 1


def test_games_that_do_not_belong_are_left_out_and_counted():
    rows = play(HEX8, 4).to_pylist()
    rows[0]["rules_version"] = "canonical-0"
    rows[1]["options"] = rows[1]["options"].replace('"lps_rounds":3', '"lps_rounds":2')
    other = play(Config("hex8", 3), 1).to_pylist()
    capped = play(HEX8, 1, root_seed=8, decision_cap=9).to_pylist()
    window = select_window([table_of([*rows, rows[2], *other, *capped])], HEX8, WindowShape())
    expected = {"capped": 1, "duplicate": 1, "other_config": 1, "other_options": 1, "other_rules": 1}
    assert window.left_out == expected and window.games.num_rows == 2
    with pytest.raises(MissingInput, match="hex8_2p"):
        select_window([table_of(other)], HEX8, WindowShape())


def test_games_of_other_jobs_are_left_out_where_sources_are_named_and_the_digest_says_so():
    old, new = play(HEX8, 3), play(HEX8, 2, root_seed=9, iteration=1)
    rows = [row | {"job": "b_job"} for row in new.to_pylist()]
    rows += [row | {"iteration": 2} for row in rows[:1]] + [rows[1] | {"job": "a_job"}]  # a copy of each, one elsewhere
    tables = [old, table_of(rows)]
    everything, one, both = (
        select_window(tables, HEX8, WindowShape(), s) for s in (None, ["b_job"], {"b_job", "a_job"})
    )
    assert one.left_out == {"duplicate": 1, "other_job": 4} and one.games.num_rows == 2
    assert one.summary()["sources"] == ["b_job"] and everything.summary()["sources"] is None
    assert set(one.games["job"].to_pylist()) == {"b_job"}, "a copy in a job that is left out takes no place"
    assert both.games.num_rows == everything.games.num_rows == 5
    assert len({window.digest for window in (everything, one, both)}) == 3, "the choice is part of the digest"
    with pytest.raises(MissingInput, match="no game of hex8_2p of the jobs c_job"):
        select_window(tables, HEX8, WindowShape(), ["c_job"])


def test_the_seats_of_the_window_are_counted_by_participant():
    games = play(HEX8, 4)
    window = select_window([games], HEX8, WindowShape())
    seats = [name for names in games["participants"].to_pylist() for name in names]
    assert window.players() == {name: seats.count(name) for name in set(seats)} and sum(window.players().values()) == 8


def test_games_are_held_out_by_their_hash_alone():
    hashes = [f"{value:016x}" for value in np.random.default_rng(1).integers(2**63, size=2000)]
    held = held_out(hashes, 0.2)
    assert 0.08 < held.mean() / 2 < 0.22
    shuffled = np.random.default_rng(2).permutation(2000)
    assert np.array_equal(held_out([hashes[i] for i in shuffled], 0.2), held[shuffled])
    assert held_out(["ffffffff00000000", "8000000000000000"], 0.1).tolist() == [False, True]
