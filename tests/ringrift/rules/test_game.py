"""The Game class: what people use, and what it says when they err."""

import numpy as np
import pytest

from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.errors import IllegalMove, InvalidInput
from ringrift.rules import state as st
from ringrift.rules.game import Game, Workspace
from ringrift.rules.moves import from_notation, to_notation
from ringrift.rules.position_json import board_of, position_from_json
from ringrift.rules.replay import replay
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


def test_config_keys_and_alias():
    assert len(CONFIG_KEYS) == 9
    assert parse_config("hex_3p") == Config("hexagonal", 3) and parse_config("hex_3p").key == "hexagonal_3p"
    assert parse_config("hex8_2p") == Config("hex8", 2)
    with pytest.raises(InvalidInput, match="players"):
        Config("square8", 5)


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


def _position(**changes):
    data = Game("square8_2p").to_json()
    data["state"] |= changes
    return data


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ph": "lunch"}, "state.ph"),
        ({"cp": 3}, "state.cp"),
        ({"cp": True}, "state.cp"),
        ({"stacks": {"9,9": [1]}}, "cell"),
        ({"stacks": {"0,0": []}}, "stack"),
        ({"stacks": {"0,0": [1] * 40}}, "stack"),
        ({"stacks": {"0,0": [7]}}, "state.stacks"),
        ({"stacks": {"0,0": [1]}, "markers": {"0,0": 1}}, "state.stacks"),
        ({"markers": ["0,0"]}, "state.markers"),
        ({"hand": [1]}, "state.hand"),
        ({"hand": [1, -1]}, "state.hand"),
        ({"ph": "chain_capture"}, "state.chain"),
        ({"must": "0,0"}, "state.must"),
        ({"winner": 1}, "state.winner"),
        ({"lps": {"real": {"9": True}}}, "state.lps.real"),
        ({"ctx": {"reason": "boredom"}}, "state.ctx.reason"),
    ],
)
def test_a_malformed_position_names_the_field(changes, field):
    with pytest.raises(InvalidInput) as caught:
        position_from_json(_position(**changes))
    assert caught.value.field == field


@pytest.mark.parametrize("data", [None, [], {}, {"board": "square8"}, {"board": "cube", "players": 2, "state": {}}])
def test_a_malformed_position_object(data):
    with pytest.raises(InvalidInput):
        position_from_json(data)


def test_notation_refuses_what_is_no_code():
    for code in (0, 1, 31 << 27, (1 << 27) | (500 << 18) | 1, (1 << 27) | 4):
        with pytest.raises(InvalidInput, match="move code"):
            to_notation("square8", code)


def test_replay_names_the_first_illegal_ply():
    game = Game("square8_2p")
    game.play("Pd4x2")
    codes = np.array([game.moves[0], from_notation("square8", "a1-a2")], dtype=np.uint32)
    with pytest.raises(IllegalMove, match=r"ply 1: 'a1-a2'.*player 1 in movement"):
        replay(Config("square8", 2), None, codes)


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


def test_words_of_stacks():
    word = st.stack_word([1, 0, 0])
    assert st.stack_rings(word) == [1, 0, 0]
    assert st.stack_rings(st.stack_word([3] * st.MAX_STACK)) == [3] * st.MAX_STACK
