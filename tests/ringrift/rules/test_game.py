"""The Game class: what people use, and what it says when they err."""

import numpy as np
import pytest

from ringrift.errors import IllegalMove, InvalidInput
from ringrift.rules.game import Game, Workspace
from ringrift.rules.moves import from_notation
from ringrift.rules.position_json import board_of
from ringrift.rules.vectors import perft


@pytest.mark.parametrize(("key", "first", "second"), [
    ("square8_2p", 192, 3192), ("hex8_3p", 183, 2430), ("square19_2p", 1083, 56520), ("hexagonal_4p", 1407, 70062),
])  # fmt: skip
def test_number_of_opening_moves(key, first, second):
    game = Game(key)
    assert len(game.legal_moves()) == first
    assert [q for _, q in perft(Workspace(board_of(game.state)), game.state, 2)] == [first, second]


def test_a_first_turn():
    game = Game("square8_2p")
    assert (game.phase, game.to_move, game.over, game.winner, game.ranking) == (
        "ring_placement",
        1,
        False,
        None,
        None,
    )
    game.play("Pd4x2")
    assert game.phase == "movement" and all(game.notation(m).startswith("d4-") for m in game.legal_moves())
    game.play("d4-d7")
    assert (game.phase, game.to_move) == ("ring_placement", 2)
    assert game.to_json()["state"]["markers"] == {"3,3": 1}
    assert game.to_json()["state"]["stacks"] == {"3,6": [1, 1]}


@pytest.mark.parametrize("move", ["Pd4x4", "d4-d5", "nonsense", 0, 2**40, -1, True, "Pz9x1", "T0", 3.5])
def test_an_illegal_move_names_itself_and_leaves_the_game_unchanged(move):
    game = Game("square8_2p")
    before = game.state.copy()
    with pytest.raises(InvalidInput) as caught:
        game.play(move)
    assert np.array_equal(game.state, before) and game.moves == []
    assert caught.value.field == "move" and str(caught.value)


def test_illegal_move_says_what_is_allowed():
    with pytest.raises(IllegalMove, match=r"player 1 in ring_placement may play Pa1x1, .* and 186 more"):
        Game("square8_2p").play("d4-d5")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("square9_2p", "use one of square8_2p"),
        ("square8_5p", "use one of"),
        (None, "use one of"),
        ("square8", "use one of"),
    ],
)
def test_unknown_config(key, message):
    with pytest.raises(InvalidInput, match=message):
        Game(key)


@pytest.mark.parametrize("options", [{"line": 3}, {"line_length": "4"}, {"line_length": 2}, {"swap_rule": 1}])
def test_bad_options(options):
    with pytest.raises(InvalidInput, match="options"):
        Game("square8_2p", options)


def test_territory_minimum_is_an_option():
    assert Game("square8_3p").options["territory_minimum"] == 22
    assert Game("square8_3p", {"territory_minimum": 33}).options["territory_minimum"] == 33


def test_swap_is_offered_once_to_player_two():
    game = Game("square8_2p", {"swap_rule": True})
    assert from_notation("square8", "swap") not in game.legal_moves()
    game.play("Pa1x1")
    game.play("a1-a2")
    assert from_notation("square8", "swap") in game.legal_moves()
    board_before = game.state[board_of(game.state).first_cell :].copy()
    game.play("swap")
    assert game.to_move == 2 and from_notation("square8", "swap") not in game.legal_moves()
    assert np.array_equal(game.state[board_of(game.state).first_cell :], board_before)
