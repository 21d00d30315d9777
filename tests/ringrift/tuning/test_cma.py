"""The search: what is tuned, who meets whom, and that it can be taken up again anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringrift.bench.tuner import FAMILIES, landscape, our_recipe, plain_recipe
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import BALANCED, NAMES, PROFILES
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.tuning.cma import Search, changed_most, consensus, scaled, scales, tuned_weights
from ringrift.tuning.schedule import fitness_of, generation_fitness, schedule

BALANCED_WEIGHTS = PROFILES[BALANCED]


@pytest.mark.parametrize("players, light", [(2, False), (3, True)])
def test_only_weights_that_are_read_are_tuned(players, light):
    """A player without all other weights plays the very same game."""
    config = Config("hex8", players)
    tuned = tuned_weights(players, light)
    assert ("WEIGHT_LINE_POTENTIAL" in tuned) is not light
    assert ("WEIGHT_MULTI_LEADER_THREAT" in tuned) is (players > 2)
    bare = {name: value if name in tuned else 0.0 for name, value in BALANCED_WEIGHTS.items()}
    assert bare != BALANCED_WEIGHTS
    games = []
    for weights in (BALANCED_WEIGHTS, bare):
        profiles = {"it": weights}
        player = participant("heuristic", config, 7, randomness=0.0, light=light, profile="it", profiles=profiles)
        game = play_match_game(config, [player] * players, 1, ["test"], opening_plies=4, profiles=profiles)
        games.append(game.codes.tolist())
    assert games[0] == games[1]


def test_a_step_is_the_same_share_of_every_default():
    space = scaled({}, 2, light=False)
    moved = space.weights(np.full(len(space.names), 0.5))
    for name in space.names:
        assert moved[name] == pytest.approx(1.5 * BALANCED_WEIGHTS[name])
    assert moved["WEIGHT_MULTI_LEADER_THREAT"] == BALANCED_WEIGHTS["WEIGHT_MULTI_LEADER_THREAT"]
    assert (scales(NAMES) > 0).all()


@given(st.sampled_from((2, 3, 4)), st.integers(2, 12), st.integers(4, 16), st.integers(1, 4), st.integers(0, 20))
def test_a_generation_is_fair(players, pairs, games, panel, generation):
    population = 2 * pairs
    tables = schedule(players, population, games, panel, generation)
    assert len(tables) * players <= population * games
    seen = [0] * population
    for table in tables:
        assert len(table.entrants) == players and all(-panel <= e < population for e in table.entrants)
        for entrant in table.entrants:
            if entrant >= 0:
                seen[entrant] += 1
        for a in table.entrants:  # whoever sits at a table of several individuals sits there with its mirror
            if a >= 0 and sum(e >= 0 for e in table.entrants) > 1:
                assert a ^ 1 in table.entrants
    assert max(seen) - min(seen) == 0, "every individual plays as much as the others"
    assert any(min(table.entrants) < 0 for table in tables)
    for opening in {table.opening for table in tables}:  # all individuals meet on each opening
        present = {e for table in tables if table.opening == opening for e in table.entrants if e >= 0}
        assert present == set(range(population))


def test_a_schedule_needs_games_and_a_panel():
    with pytest.raises(InvalidInput, match="panel"):
        schedule(2, 4, 8, 0, 0)
    with pytest.raises(InvalidInput, match="at least 2"):
        schedule(2, 4, 1, 1, 0)
    with pytest.raises(InvalidInput, match="even number"):
        Search(5, 5, 0.5, 1)


def test_fitness_is_the_mean_over_tables_with_an_honest_interval():
    found = fitness_of([1.0, 0.5, 0.5, 1.0], 8)
    assert (found.score, found.games) == (0.75, 8) and 0.3 < found.low < 0.75 < found.high <= 1
    assert fitness_of([1.0], 2).low < 0.5, "one won table proves nothing"
    tables = schedule(2, 4, 4, 1, 0)
    scores = [(1.0, 0.0) if table.entrants[0] == 2 else (0.5, 0.5) for table in tables]
    fitness = generation_fitness(tables, scores, 4)
    assert max(range(4), key=lambda i: fitness[i].score) == 2
    assert fitness[3].score < 0.5 == fitness[0].score


def play(search, generations):
    told = []
    for number in range(generations):
        population = search.ask()
        fitness = [float(np.cos(number + x.sum())) for x in population]
        search.tell(population, fitness)
        told.append((population, fitness))
    return told


def test_a_replayed_search_goes_on_as_the_undisturbed_one():
    whole, half = Search(6, 8, 0.5, 3), Search(6, 8, 0.5, 3)
    told = play(whole, 6)
    half.replay(told[:3])
    for population, fitness in told[3:]:
        assert (half.ask() == population).all()
        half.tell(population, fitness)
    assert (half.proposal == whole.proposal).all() and half.sigma == whole.sigma
    with pytest.raises(InvalidInput, match="not of this search"):
        Search(6, 8, 0.5, 4).replay(told)


def test_pairs_are_mirrored_and_numpys_global_generator_is_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    search = Search(5, 6, 0.5, 7)
    population = search.ask()
    assert np.allclose(population[::2] + population[1::2], 2 * search.mean)
    assert np.random.get_state()[1].tolist() == before


def test_the_search_finds_more_than_the_plain_recipe_on_a_hidden_landscape():
    dimensions = len(tuned_weights(2, light=False))
    gains = []
    for seed in range(3):
        strength = landscape(FAMILIES[1], dimensions, np.random.default_rng(seed))
        assert strength(np.zeros((1, dimensions)))[0] == pytest.approx(0.0)
        gains.append([float(strength(r(strength, dimensions, seed, 15))[0]) for r in (plain_recipe, our_recipe)])
    plain, ours = np.mean(gains, axis=0)
    assert ours > 1.4 * max(plain, 0.0) and ours > 50


def test_changed_weights_and_consensus():
    other = {**BALANCED_WEIGHTS, "WEIGHT_TERRITORY": 16.0, "WEIGHT_MOBILITY": 3.0}
    assert [row["weight"] for row in changed_most(BALANCED_WEIGHTS, other)] == ["WEIGHT_TERRITORY", "WEIGHT_MOBILITY"]
    assert consensus([BALANCED_WEIGHTS, other])["WEIGHT_TERRITORY"] == 12.0
