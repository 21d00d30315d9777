"""Openings: the one judged is the one played, balanced where there is one, the same again and alike within a block."""

import numpy as np
import pytest

from ringrift.config import parse_config
from ringrift.matches.openings import opening_seeds, opening_spread, opening_values
from ringrift.players.heuristic.appraise import seat_values
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.seeds import seed_number
from ringrift.specs.openings import DRAWS, SPREAD

CONFIGS = ["square8_2p", "hex8_3p", "square8_4p", "square19_2p", "hexagonal_3p"]


def seeds_of(key: str, **options):
    config = parse_config(key)
    return opening_seeds(config, 7, ("m",), **({"plies": 4, "options": config.options()} | options))


@pytest.mark.parametrize("key", CONFIGS)
def test_the_opening_that_is_judged_is_the_one_that_is_played(key):
    config = parse_config(key)
    for seed in range(3):
        players = [participant("random", config, 1)] * config.players
        played = play_match_game(config, players, seed, ("x",), opening_plies=4, opening_key=(), cap=4)
        assert opening_values(config, seed, 4, config.options()).tolist() == seat_values(played.state).tolist()


@pytest.mark.parametrize("key", CONFIGS)
def test_openings_are_balanced_and_nearly_all_random_ones_are_near_enough_for_that(key):
    config, seed_of = parse_config(key), seeds_of(key)
    spreads = [opening_spread(config, seed_of(block), 4, config.options()) for block in range(40)]
    assert max(spreads) <= SPREAD
    first = [seed_of(block) == seed_number(7, "m", block, 0) for block in range(40)]
    assert 0.4 < np.mean(first) <= 1, "most openings are good enough at once"
    assert len({seed_of(block) for block in range(40)}) == 40


def test_of_none_below_the_bound_the_most_balanced_is_taken():
    config = parse_config("square8_2p")
    seed_of = seeds_of("square8_2p", spread=0.0, draws=6)
    for block in range(10):
        spreads = [opening_spread(config, seed_number(7, "m", block, n), 4, config.options()) for n in range(6)]
        assert opening_spread(config, seed_of(block), 4, config.options()) == min(spreads)


def test_one_draw_and_no_random_plies_are_the_first_draw():
    for options in ({"draws": 1}, {"plies": 0}):
        seed_of = seeds_of("square8_2p", **options)
        assert [seed_of(block) for block in range(30)] == [seed_number(7, "m", block, 0) for block in range(30)]
    filtered = seeds_of("square8_2p", draws=DRAWS)
    assert any(filtered(block) != seed_number(7, "m", block, 0) for block in range(30))


def test_equal_positions_have_equal_values_and_the_start_is_balanced():
    config = parse_config("square8_2p")
    values = opening_values(config, 1, 0, config.options())
    assert values[0] == values[1] and opening_spread(config, 1, 0, config.options()) == 0
