import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.errors import InvalidInput
from ringrift.stats.elo import expected_score, sequential_elo, update_elo_rating
from tests.ringrift.stats.made_results import any_pool, fit, result

# --- Elo --------------------------------------------------------------------------------------------------


def test_elo_follows_the_documented_formula():
    table = sequential_elo(
        [result("ab", (1, 2), 0, timestamp="2025-12-13T10:30:00"), result("ba", (1, 1), 1)], pool="square8_2p"
    )
    expected = 1 / (1 + 10 ** ((1516 - 1484) / 400))  # of b against a, after a's win
    assert table.ratings == pytest.approx({"a": 1516 - 32 * (0.5 - expected), "b": 1484 + 32 * (0.5 - expected)})
    assert table.history[0].to_dict() == {
        "timestamp": "2025-12-13T10:30:00",
        "player_a": "a",
        "player_b": "b",
        "score_a": 1.0,
        "rating_a_before": 1500.0,
        "rating_b_before": 1500.0,
        "rating_a_after": 1516.0,
        "rating_b_after": 1484.0,
    }


def test_a_table_of_four_moves_every_pair_at_once_from_the_ratings_before():
    table = sequential_elo([result("abcd", (1, 2, 3, 4))], pool="square8_4p")
    step = 32 / 3 * 0.5
    assert table.ratings == pytest.approx(
        {"a": 1500 + 3 * step, "b": 1500 + step, "c": 1500 - step, "d": 1500 - 3 * step}
    )
    assert len(table.history) == 6
    assert all(row.rating_a_before == row.rating_b_before == 1500 for row in table.history)


def test_copies_of_an_opponent_share_one_rating_and_do_not_meet_each_other():
    table = sequential_elo([result("abbb", (1, 2, 3, 4))], pool="square8_4p")
    assert table.ratings == pytest.approx({"a": 1516, "b": 1484})
    assert len(table.history) == 3
    assert sequential_elo([result("aa", (1, 2))], pool="square8_2p").ratings == {"a": 1500}


@given(any_pool)
def test_elo_sum_is_conserved(games):
    ratings = sequential_elo(games, pool=games[0].pool).ratings
    assert sum(ratings.values()) == pytest.approx(1500 * len(ratings), abs=1e-6)


@given(any_pool, st.randoms())
def test_elo_is_applied_in_the_fixed_order_whatever_the_order_given(games, rng):
    shuffled = list(games)
    rng.shuffle(shuffled)
    assert sequential_elo(shuffled, pool=games[0].pool) == sequential_elo(games, pool=games[0].pool)


@given(any_pool, st.integers(0, 30))
def test_elo_goes_on_from_earlier_ratings(games, cut):
    pool = games[0].pool
    first = sequential_elo(games[:cut], pool=pool)
    whole = sequential_elo(games, pool=pool)
    assert sequential_elo(games[cut:], pool=pool, ratings=first.ratings).ratings == whole.ratings


@pytest.mark.parametrize("rate", [lambda g: sequential_elo(g, pool="square8_2p"), lambda g: fit(g, pool="square8_2p")])
def test_a_row_of_another_pool_is_refused_and_so_is_a_game_read_twice(rate):
    with pytest.raises(InvalidInput, match=r"pool: 'hexagonal_2p'.*square8_2p"):
        rate([result("ab", (1, 2)), result("ab", (1, 2), 1, pool="hexagonal_2p")])
    with pytest.raises(InvalidInput, match=r"place.*once"):
        rate([result("ab", (1, 2), 3), result("cd", (1, 2), 3)])


def test_update_elo_rating_applies_a_win_rate_as_one_game_and_leaves_its_input_alone():
    before = {"x": 1600.0}
    after, row = update_elo_rating(before, "x", "y", 0.65, timestamp="t")
    shift = 32 * (0.65 - 1 / (1 + 10 ** (-100 / 400)))
    assert after == pytest.approx({"x": 1600 + shift, "y": 1500 - shift})
    assert before == {"x": 1600.0}
    assert (row.timestamp, row.score_a, row.rating_b_before, row.rating_b_after) == ("t", 0.65, 1500, after["y"])
    for bad in (1.01, -0.1, math.nan, True, "1"):
        with pytest.raises(InvalidInput, match="win_rate"):
            update_elo_rating({}, "x", "y", bad)
    with pytest.raises(InvalidInput, match="itself"):
        update_elo_rating({}, "x", "x", 0.5)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_expected_scores_of_two_sum_to_one(a, b):
    assert expected_score(a, b) + expected_score(b, a) == pytest.approx(1)
    assert 0 <= expected_score(a, b) <= 1
