"""Endgames whose whole tree is known: the oracle's own sanity, and the search players against it."""

import itertools
import json
from typing import Any

import pytest

from ringrift.config import parse_config
from ringrift.matches.decide import choose_move
from ringrift.players.participant import participant
from ringrift.rules import state as st
from ringrift.rules.game import Game
from ringrift.rules.moves import TYPE_SHIFT, to_notation
from tests.ringrift.players.brute_force import GOALS, BruteForce, Goal, TooLarge
from tests.ringrift.players.find_endgames import ENDGAMES

POSITIONS: list[dict[str, Any]] = json.loads(ENDGAMES.read_text())["endgames"]
NAMES = [f"{position['config']}-{number}" for number, position in enumerate(POSITIONS)]
every_endgame = pytest.mark.parametrize("position", POSITIONS, ids=NAMES)
NO_LIMIT = 10**5  # ten times the largest of their trees


def game_of(position: dict[str, Any]) -> Game:
    """The game after the position's moves; each of them is played through the rules."""
    game = Game(position["config"], position["options"])
    for move in position["moves"].split():
        game.play(move)
    return game


def notations(position: dict[str, Any], codes: list[int]) -> list[str]:
    return [to_notation(parse_config(position["config"]).board, code) for code in codes]


def plain_answer(game: Game, seat: int, turn: int, goal: Goal) -> bool:
    """Whether `seat` achieves a goal set in `turn`: no memory, no early answer, no state copied but through JSON."""
    if game.over:
        return game.winner == seat + 1
    ended = game.state[st.TURN] > turn and (goal.end == "turn" or game.to_move == seat + 1)
    if ended and goal.end != "game":
        later = GOALS[goal.then] if goal.then else None
        return plain_answer(game, seat, int(game.state[st.TURN]), later) if later else goal.unfinished
    answers = [plain_answer(after(game, code), seat, turn, goal) for code in game.legal_moves()]
    return max(answers) if game.to_move == seat + 1 else min(answers)


def after(game: Game, code: int) -> Game:
    copy = Game.from_json(game.to_json())
    copy.play(code)
    return copy


def test_there_are_endgames_of_each_kind():
    kinds = [(position["config"], bool(position["winning"])) for position in POSITIONS]
    assert kinds.count(("square8_2p", True)) >= 12 and kinds.count(("hex8_2p", True)) >= 4
    assert kinds.count(("square8_3p", True)) >= 4
    assert kinds.count(("square8_2p", False)) + kinds.count(("hex8_2p", False)) >= 4


@every_endgame
def test_exhaustive_search_proves_what_is_stored(position):
    state = game_of(position).state
    before = state.copy()
    search = BruteForce(state, GOALS["game"], position["tree"])
    answers = search.solve()
    assert notations(position, [code for code, good in answers.items() if good]) == position["winning"].split()
    assert len(answers) == position["legal"]
    assert search.tree() <= search.tree(merged=False) == position["tree"]
    assert (state == before).all()


@pytest.mark.parametrize("name", [*GOALS])
def test_the_oracle_agrees_with_plain_recursion_on_the_smallest(name):
    for position in sorted(POSITIONS, key=lambda position: position["tree"])[:5]:
        game = game_of(position)
        seat, turn = game.to_move - 1, int(game.state[st.TURN])
        for code, good in BruteForce(game.state, GOALS[name]).solve().items():
            assert plain_answer(after(game, code), seat, turn, GOALS[name]) == good


def test_goals_follow_from_each_other():
    """From the hardest to the easiest; and who leaves out every kind of move achieves nothing."""
    order = ["win", "force", "win_next", "game", "hold_twice", "hold"]
    assert {*order} == {*GOALS}
    for position in POSITIONS:
        state = game_of(position).state
        answers = [BruteForce(state, GOALS[name]).solve() for name in order]
        for harder, easier in itertools.pairwise(answers):
            assert all(harder[code] <= easier[code] for code in harder)
        kinds = {code >> TYPE_SHIFT for code in answers[0]}
        assert BruteForce(state, GOALS["game"], without=kinds).accepted() == []


def test_a_tree_beyond_the_limit_is_refused():
    with pytest.raises(TooLarge):
        BruteForce(Game("square8_2p").state, GOALS["game"], 1000).solve()
    with pytest.raises(TooLarge):
        BruteForce(Game("square8_2p").state, GOALS["win"], 1000).tree()


@pytest.mark.parametrize("engine", ["minimax", "mcts", "descent"])
@every_endgame
def test_a_searcher_without_limit_plays_the_exact_value(engine, position):
    state = game_of(position).state
    before = state.copy()
    player = participant(engine, parse_config(position["config"]), 7, randomness=0.0, budget=NO_LIMIT)
    decision = choose_move(state, player)
    assert (state == before).all()
    winning = position["winning"].split()
    assert not winning or notations(position, [decision.code])[0] in winning
    assert (decision.value > 0) == bool(winning) and -1 <= decision.value <= 1
