"""A worked example of the movement rules."""

from ringrift.config import Config
from ringrift.rules.game import Game


def _worked_example(stacks, markers, move, players=2):
    game_json = Game(Config("square8", players)).to_json()
    game_json["state"] |= {"stacks": stacks, "markers": markers, "ph": "movement"}
    game = Game.from_json(game_json)
    game.play(move)
    return game.to_json()["state"]


def test_landing_on_a_marker_costs_the_top_ring():
    after = _worked_example({"0,0": [1, 1], "7,7": [2]}, {"2,0": 2}, "a1-c1")
    assert after["stacks"]["2,0"] == [1] and after["elim"] == [1, 0] and after["markers"] == {"0,0": 1}


def test_path_collapses_own_and_flips_other_markers():
    after = _worked_example({"0,0": [1], "7,7": [2]}, {"1,0": 1, "2,0": 2}, "a1-d1")
    assert after["collapsed"] == {"1,0": 1} and after["terr"] == [1, 0] and after["markers"] == {"0,0": 1, "2,0": 1}


def test_captured_ring_goes_to_the_bottom():
    after = _worked_example({"0,0": [2, 1, 1], "1,0": [1, 2]}, {}, "a1xb1-d1")
    assert after["stacks"] == {"1,0": [1], "3,0": [2, 2, 1, 1]}
