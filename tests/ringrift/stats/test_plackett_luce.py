"""The batch fit: ratings with covariance, against independent oracles."""

import itertools
import math
import random
import time

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openskill.models import PlackettLuce

from ringrift.errors import InvalidInput
from ringrift.stats.elo import expected_score
from ringrift.stats.plackett_luce import fit_ratings, fit_tables, set_weights
from ringrift.stats.results import ELO_SCALE
from tests.ringrift.stats.made_results import PLAYERS, any_pool, fit, games_of, played, result


@settings(max_examples=60, deadline=None)
@given(any_pool, st.randoms())
def test_batch_fit_gives_the_same_bits_for_any_order_of_the_games(games, rng):
    shuffled = list(games)
    rng.shuffle(shuffled)
    one, two = fit(games), fit(shuffled)
    assert np.array_equal(one.ratings, two.ratings) and np.array_equal(one.covariance, two.covariance)


@settings(max_examples=60, deadline=None)
@given(any_pool, st.sampled_from([*PLAYERS, "z"]))
def test_anchor_stands_at_1500_and_everything_is_finite(games, anchor):
    found = fit(games, anchor=anchor)
    assert found.rating(anchor) == 1500 and found.interval(anchor) == (1500, 1500)
    assert np.isfinite(found.ratings).all() and np.isfinite(found.covariance).all() and np.isfinite(found.seats).all()
    assert found.seats.sum() == pytest.approx(0, abs=1e-6)
    assert (np.linalg.eigvalsh(found.covariance) > -1e-6).all()
    for a, b in itertools.combinations(found.participants, 2):
        assert found.superiority(a, b) + found.superiority(b, a) == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(games_of(2), st.integers(2, 8))
def test_intervals_shrink_with_more_of_the_same_games(games, times):
    """Each game with its opposite: every rating stays at 1500, so only the knowledge of it grows."""
    both = [(g.participants, g.ranking) for g in games] + [
        (g.participants, g.ranking and g.ranking[::-1]) for g in games
    ]
    few, many = (fit([result(*row, i) for i, row in enumerate(both * n)]) for n in (1, times))
    assert many.ratings == pytest.approx(1500)
    met = np.diag(few.covariance) > 0
    assert (np.diag(many.covariance)[met] <= np.diag(few.covariance)[met] + 1e-6).all()
    assert np.diag(many.covariance).sum() < np.diag(few.covariance).sum() or not both_ways(games)


def both_ways(games):
    """True if two participants met at all."""
    return any(len(set(g.participants)) == 2 for g in games)


def test_intervals_shrink_with_the_root_of_the_games():
    rng = np.random.default_rng(1)
    strengths = {"a": 0, "b": 80, "c": -60}
    widths = []
    for games in (400, 1600, 6400):
        low, high = fit(list(played(rng, strengths, games, 2))).interval("b")
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.1)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_undefeated_and_the_unconnected_have_finite_ratings(players):
    who = "bcde"[:players]
    found = fit([result(who, range(1, players + 1), i) for i in range(5000)])
    ratings = [found.rating(key) for key in who]
    assert ratings == sorted(ratings, reverse=True) and ratings[0] < 4000
    assert found.superiority(who[0], who[1]) > 0.9
    low, high = found.interval("b")
    assert high - low > 500, "a participant that never lost is hardly known"
    apart = fit([result("bc", (1, 2), 0), result("de", (1, 2), 1)])
    assert apart.rating("b") == pytest.approx(apart.rating("d"))


def test_true_strengths_and_seats_are_found_again():
    rng = np.random.default_rng(2)
    strengths = np.array([0.0, 100, -100, 200, 50, -250])
    seats = np.array([60.0, -10, -50])
    seated = rng.permuted(np.tile(np.arange(6), (30_000, 1)), axis=1)[:, :3]
    utility = (strengths[seated] + seats) / ELO_SCALE + rng.gumbel(size=seated.shape)
    found = fit_tables(seated, 1 + (utility[:, None, :] > utility[:, :, None]).sum(2), 6, 0)
    assert ELO_SCALE * found.theta == pytest.approx(strengths, abs=12)
    assert ELO_SCALE * found.seats == pytest.approx(seats, abs=5)


def test_a_seat_advantage_is_not_taken_for_strength():
    always_first = [result("bc", (1, 2), i) for i in range(60)]
    both_seats = [result("bc" if i % 2 else "cb", (1, 2), i) for i in range(60)]
    assert fit(both_seats).difference("b", "c")[0] == pytest.approx(0, abs=1e-6)
    assert fit(both_seats).seats[0] > 150
    assert fit(always_first).difference("b", "c")[0] < 900


def test_superiority_is_the_normal_probability_of_the_difference():
    found = fit(list(played(np.random.default_rng(3), {"a": 0, "b": 30, "c": 60}, 200, 2)))
    i, j = found.participants.index("b"), found.participants.index("c")
    v = found.covariance
    elo, error = found.difference("c", "b")
    assert elo == pytest.approx(found.rating("c") - found.rating("b"))
    assert error == pytest.approx(math.sqrt(v[i, i] + v[j, j] - 2 * v[i, j]))
    assert found.superiority("c", "b") == pytest.approx(0.5 + 0.5 * math.erf(elo / error / math.sqrt(2)))
    assert found.superiority("b", "b") == 0.5
    with pytest.raises(InvalidInput, match="participant"):
        found.rating("x")


def test_no_games_are_no_ratings():
    with pytest.raises(InvalidInput, match="at least one game"):
        fit_ratings([], pool="square8_2p", anchor="a")


def test_covariance_is_the_inverse_of_the_observed_information():
    """Two participants, both seats alike: information = sum p (1 - p), the game of the prior included."""
    games = [result("ba", (1, 2) if i % 4 else (2, 1), 2 * i) for i in range(40)]
    games += [result("ab", (2, 1) if i % 4 else (1, 2), 2 * i + 1) for i in range(40)]
    won = 60
    found = fit(games)
    share = (won + 0.5) / 81
    assert expected_score(found.rating("b"), 1500) == pytest.approx(share)
    assert found.difference("b", "a")[1] == pytest.approx(ELO_SCALE / math.sqrt(81 * share * (1 - share)), rel=1e-6)


def orders(ranking):
    """Every strict order (best first) of the seats that a ranking with ties allows."""
    for order in itertools.permutations(range(len(ranking))):
        if all(ranking[i] <= ranking[j] for i, j in itertools.pairwise(order)):
            yield order


@pytest.mark.parametrize("players", [2, 3, 4])
def test_set_weights_average_over_the_orders_of_tied_seats(players):
    for ranking in itertools.product(range(1, players + 1), repeat=players):
        behind = [sum(other < rank for other in ranking) for rank in ranking]
        every = list(orders(ranking))
        want = np.zeros(2**players - 1)
        for order in every:
            for k in range(players):
                want[sum(1 << seat for seat in order[k:]) - 1] += 1 / len(every)
        assert set_weights(np.array([behind]))[0] == pytest.approx(want)


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("ties", [False, True])
def test_ratings_are_those_of_choix(players, ties):
    """Oracle: choix maximises the Plackett-Luce likelihood of strict rankings, with a Gaussian prior.

    Games enter in all seat rotations, so that the seat effects are exactly zero; ties enter as all their
    orders, everything multiplied to whole counts; the drawn games of our prior enter as two half games.
    Its own prior is set to nearly nothing. Agreement: 0.01 Elo.
    """
    rng = random.Random(players + 10 * ties)
    names, games = "abcde", []
    for _ in range(200 // players**2):
        who = rng.sample(names, players)
        ranking = [rng.randint(1, players) for _ in who] if ties else rng.sample(range(1, players + 1), players)
        for turn in range(players):
            seats, ranks = who[turn:] + who[:turn], ranking[turn:] + ranking[:turn]
            games.append(result(seats, ranks, len(games)))
    copies = math.lcm(2, *(len(list(orders(game.ranking))) for game in games))
    data = []
    for game in games:
        every = [tuple(names.index(game.participants[i]) for i in order) for order in orders(game.ranking)]
        data += every * (copies // len(every))
    for i in range(1, len(names)):
        data += [(0, i), (i, 0)] * (copies // 2)
    solve = choix.opt_pairwise if players == 2 else choix.opt_rankings
    params = solve(len(names), data, alpha=1e-9, tol=1e-7)
    found = fit(games)
    assert found.seats == pytest.approx(0, abs=1e-6)
    assert found.ratings == pytest.approx(1500 + ELO_SCALE * (params - params[0]), abs=0.01)


def test_ratings_stand_in_the_order_openskill_gives():
    strengths = {"a": 0, "b": 150, "c": 300, "d": 450, "e": -150}
    games = list(played(np.random.default_rng(5), strengths, 600, 4))
    model = PlackettLuce()
    skills = {name: model.rating(name=name) for name in strengths}
    for game in games:
        rated = model.rate([[skills[name]] for name in game.participants], ranks=list(game.ranking))
        skills.update((name, team[0]) for name, team in zip(game.participants, rated, strict=True))
    found = fit(games)
    assert sorted(strengths, key=found.rating) == sorted(strengths, key=lambda name: skills[name].ordinal())
    assert sorted(strengths, key=found.rating) == sorted(strengths, key=strengths.__getitem__)


def test_twenty_participants_and_ten_thousand_games_take_less_than_a_second():
    rng = np.random.default_rng(6)
    seated = rng.permuted(np.tile(np.arange(20), (10_000, 1)), axis=1)[:, :4]
    ranks = rng.permuted(np.tile(np.arange(1, 5), (10_000, 1)), axis=1)
    begin = time.process_time()
    fit_tables(seated, ranks, 20, 0)
    assert time.process_time() - begin < 1
