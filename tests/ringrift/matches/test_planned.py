"""Rows that are games of a plan, and rows that are not."""

import pytest

from ringrift.config import parse_config
from ringrift.gamesets.schema import table_of
from ringrift.kinds.selfplay import game_plan
from ringrift.matches.plan import GamePlan
from ringrift.matches.planned import opening_codes, plan_problems
from ringrift.matches.play import play_rows
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.specs.selfplay import SelfplayParams
from ringrift.strict import parse


def plan_for(config: str, opening_plies: int = 5) -> GamePlan:
    job = {"name": "a", "config": config, "engine": "heuristic-only", "games": 6, "opening_plies": opening_plies}
    [spec] = plan_jobs(parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test"), parse_config(config), 3).jobs
    return game_plan(parse(SelfplayParams, spec.params, "test"))


@pytest.mark.parametrize("config", ["square8_2p", "hex8_3p"])
@pytest.mark.parametrize("opening_plies", [0, 5])
def test_games_that_were_played_from_a_plan_are_its_games(config, opening_plies):
    plan = plan_for(config, opening_plies)
    rows = list(play_rows(plan, plan.indices))
    assert plan_problems(table_of(rows), plan) == [""] * 6
    assert [row["moves"][:opening_plies] for row in rows] == [opening_codes(plan, plan.game(i)) for i in plan.indices]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"job": "b"}, "it is of selfplay b, iteration 3"),
        ({"iteration": 4}, "it is of selfplay a, iteration 4"),
        ({"source": "tournament"}, "it is of tournament a"),
        ({"game_index": 6}, "game 6 was not planned"),
        ({"game_index": 1}, "game 1 was not planned, or is there twice"),
        ({"seed": 7}, "seed or seats of game 0 differ"),
        ({"participants": ["x#1", "y#2"]}, "seed or seats of game 0 differ"),
        ({"opening_plies": 4}, "the opening of game 0 is not the planned one"),
        ({"moves": None}, "the opening of game 0 is not the planned one"),
    ],
)
def test_a_row_that_is_no_game_of_the_plan_says_how(changes, problem):
    plan = plan_for("square8_2p")
    rows = list(play_rows(plan, [1, 0]))
    moves = {"moves": [rows[0]["moves"][0], *rows[1]["moves"][1:]]} if "moves" in changes else {}
    found = plan_problems(table_of([rows[0], {**rows[1], **changes, **moves}]), plan)
    assert found[0] == "" and found[1].startswith(problem)
