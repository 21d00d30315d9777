"""The search: what is tuned, who meets whom, and that it can be taken up again anywhere."""

import numpy as np
import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import BALANCED, NAMES, PROFILES
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.tuning.cma import Search, changed_most, consensus, scaled, scales, tuned_weights

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


def test_changed_weights_and_consensus():
    other = {**BALANCED_WEIGHTS, "WEIGHT_TERRITORY": 16.0, "WEIGHT_MOBILITY": 3.0}
    assert [row["weight"] for row in changed_most(BALANCED_WEIGHTS, other)] == ["WEIGHT_TERRITORY", "WEIGHT_MOBILITY"]
    assert consensus([BALANCED_WEIGHTS, other])["WEIGHT_TERRITORY"] == 12.0
