"""Positions as JSON: a malformed one is refused by field."""

import pytest

from ringrift.errors import InvalidInput
from ringrift.rules.game import Game
from ringrift.rules.position_json import position_from_json


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
