"""Tables that tell most: the information is what it says, the uncertain play, against those of their strength."""

from collections import Counter
from itertools import combinations, permutations
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.errors import InvalidInput
from ringrift.stats.pairing import PRIOR_VARIANCE, choose_tables, expected_information, information_gain
from ringrift.stats.results import ELO_SCALE


def known(*errors: float) -> np.ndarray:
    """A covariance of independent ratings with these standard errors, Elo^2."""
    return np.diag(np.array(errors, dtype=float) ** 2)


def log_chance(eta: np.ndarray, order: tuple[int, ...]) -> float:
    """Log probability of an order (best first), by the definition."""
    return sum(eta[order[k]] - log(np.exp(eta[list(order[k:])]).sum()) for k in range(len(order)))


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_expected_information_is_the_covariance_of_the_score_over_all_orders(players):
    eta, step = np.array([0.3, -0.8, 1.1, 0.0])[:players], 1e-5
    total = np.zeros((players, players))
    for order in permutations(range(players)):
        slope = np.array(
            [(log_chance(eta + d, order) - log_chance(eta - d, order)) / (2 * step) for d in step * np.eye(players)]
        )
        total += np.exp(log_chance(eta, order)) * np.outer(slope, slope)
    assert expected_information(eta) == pytest.approx(total, abs=1e-6)


def test_the_gain_of_a_pair_is_that_of_its_difference():
    eta, covariance = np.array([0.0, 0.7, 5.0]), known(40, 90, 10) / ELO_SCALE**2
    p = 1 / (1 + np.exp(0.7))
    want = 0.5 * log(1 + 2 * p * (1 - p) * (covariance[0, 0] + covariance[1, 1]))
    assert information_gain(eta, covariance, np.array([0, 1]), 2) == pytest.approx(want)


@pytest.mark.parametrize(("players", "rounds"), [(2, 1), (2, 3), (3, 1), (4, 1), (4, 2)])
def test_where_nobody_is_known_every_set_meets_equally_often(players, rounds):
    count = rounds * comb(5, players)
    tables = choose_tables(np.full(5, 1500.0), np.eye(5) * PRIOR_VARIANCE, players=players, count=count)
    assert Counter(tables) == dict.fromkeys(combinations(range(5), players), rounds)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_who_is_least_known_plays_most_and_against_those_of_its_strength(players):
    ratings = np.array([900.0, 1400, 1450, 1500, 1550, 1500])
    tables = choose_tables(ratings, known(40, 40, 40, 40, 40, 300), players=players, count=5)
    seats = Counter(player for table in tables for player in table)
    assert seats[5] == max(seats.values()) and seats[5] >= 4 and 0 not in tables[0]
    assert len(set(tables)) == 5, "while there are other tables, none is chosen twice"


def test_results_that_are_certain_tell_nothing_and_the_known_are_left_alone():
    ratings = np.array([400.0, 3000.0, 1500.0, 1500.0])
    assert choose_tables(ratings, known(200, 200, 60, 60), players=2, count=1) == [(2, 3)]
    tables = choose_tables(np.full(4, 1500.0), known(1, 1, 200, 200), players=2, count=3)
    assert all(2 in table or 3 in table for table in tables)


def test_ratings_that_move_together_are_known_against_each_other():
    """Two who met often, both far from the anchor: each is uncertain, their difference is not."""
    covariance = np.array([[0, 0, 0], [0, 10_000, 9_990], [0, 9_990, 10_000.0]])
    assert choose_tables(np.full(3, 1500.0), covariance, players=2, count=2) == [(0, 1), (0, 2)]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(4, 9), st.integers(1, 12), st.integers(0, 1000))
def test_tables_are_of_different_players_and_the_same_again_for_the_same_ratings(players, entrants, count, seed):
    rng = np.random.default_rng(seed)
    ratings, root = rng.normal(1500, 300, entrants), rng.normal(0, 80, (entrants, entrants))
    tables = choose_tables(ratings, root @ root.T, players=players, count=count)
    assert len(tables) == count and all(len(set(table)) == players for table in tables)
    assert tables == choose_tables(ratings, root @ root.T, players=players, count=count)
    times = Counter(tables)
    assert max(times.values()) <= -(-count // comb(entrants, players))


def test_too_few_for_a_table_are_refused():
    with pytest.raises(InvalidInput, match="a table needs 3"):
        choose_tables(np.full(2, 1500.0), known(1, 1), players=3, count=1)
