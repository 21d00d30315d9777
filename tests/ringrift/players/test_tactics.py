"""Positions with a proven answer: a win in the turn, the only defence, the only way to go on."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from ringrift.config import parse_config
from ringrift.matches.decide import choose_move
from ringrift.players.participant import participant
from ringrift.rules.game import Game
from ringrift.rules.moves import to_notation
from tests.ringrift.players.find_tactics import CATEGORIES, TACTICS, judge

POSITIONS: list[dict[str, Any]] = json.loads(TACTICS.read_text())["positions"]
every_position = pytest.mark.parametrize("position", POSITIONS, ids=[position["name"] for position in POSITIONS])


def state_of(position: dict[str, Any]) -> np.ndarray:
    """The state after the position's moves; each of them is played through the rules."""
    game = Game(position["config"], position["options"])
    for move in position["moves"].split():
        game.play(move)
    return game.state


def shown(position: dict[str, Any], code: int) -> str:
    return to_notation(parse_config(position["config"]).board, code)


def test_every_category_has_positions_and_every_board_too():
    assert len(POSITIONS) >= 36 and len({position["name"] for position in POSITIONS}) == len(POSITIONS)
    counts = Counter(position["category"] for position in POSITIONS)
    assert counts.keys() == CATEGORIES.keys() and min(counts.values()) >= 4
    configs = Counter(position["config"].split("_")[0] for position in POSITIONS)
    assert configs.keys() == {"square8", "hex8", "square19", "hexagonal"}
    assert {position["config"].split("_")[1] for position in POSITIONS} == {"2p", "3p", "4p"}


@every_position
def test_exhaustive_search_proves_what_is_stored(position):
    state = state_of(position)
    before = state.copy()
    found = judge(CATEGORIES[position["category"]], position["goal"], state)
    assert found is not None
    accepted = " ".join(shown(position, code) for code in found.pop("accepted"))
    assert found | {"accepted": accepted} == {name: position[name] for name in (*found, "accepted")}
    assert (state == before).all()


# Where a searcher needs more than the position's budget; None: it misses the answer with 80,000 too.
BUDGETS = {
    ("recovery-hex8_2p-2", "minimax"): 2000,
    ("avoid_loss-square8_3p-1", "mcts"): 5000,
    ("chain-square8_2p-3", "minimax"): 10000,
    ("chain-square8_2p-3", "mcts"): None,
    ("chain-square8_2p-3", "descent"): None,
}


@pytest.mark.parametrize("engine", ["minimax", "mcts", "descent"])
@every_position
def test_a_searcher_answers_within_its_budget(engine, position, request):
    budget = BUDGETS.get((position["name"], engine), position["budget"])
    if budget is None:
        request.applymarker(pytest.mark.xfail(strict=True, reason="looks bad until its sixth decision"))
    config = parse_config(position["config"])
    player = participant(engine, config, 7, randomness=0.0, budget=budget or position["budget"])
    decision = choose_move(state_of(position), player)
    assert shown(position, decision.code) in position["accepted"].split()
