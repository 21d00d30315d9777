"""Decisions that are taken again: honest games agree, legal games of other players do not."""

import pytest

from ringrift.kinds.prove import plan_of
from ringrift.matches.agreement import DUE, Agreement, agreement, total
from ringrift.matches.plan import GamePlan
from ringrift.matches.play import play_rows
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.specs.prove import GAME_PARAMS
from ringrift.strict import parse
from tests.ringrift.kinds.test_prove import HEX8


def plan(engine: str, difficulty: int) -> GamePlan:
    job = {"name": "a", "config": "hex8_2p", "engine": engine, "games": 4, "difficulty": difficulty}
    [spec] = plan_jobs(parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test"), HEX8, 0).jobs
    return plan_of(parse(GAME_PARAMS[spec.kind], spec.params, "test"))


@pytest.mark.parametrize("engine", ["heuristic-only", "mcts-only", "descent-only", "minimax-only"])
def test_honest_games_agree_and_random_ones_under_their_names_do_not(engine):
    claimed = plan(engine, 6)
    honest = total(agreement(row, claimed) for row in play_rows(claimed, range(2)))
    forged = total(agreement(row, claimed) for row in play_rows(plan("random-only", 1), range(2)))
    assert honest.holds and honest.agreed > 0.7 * honest.decisions > 0
    assert not forged.holds and forged.agreed < 0.5 * forged.decisions
    assert "nearly as good" in str(forged)


def test_less_is_due_of_players_who_move_at_random_now_and_then():
    weak = plan("heuristic-only", 2)
    found = total(agreement(row, weak) for row in play_rows(weak, range(2)))
    assert found.holds and 0 < found.due < DUE * found.decisions
    random = plan("random-only", 1)
    assert agreement(next(play_rows(random, [0])), random) == Agreement() == total([]), "nothing is due of random moves"
