"""Round robins: every table of entrants in every rotation, alike openings, balanced seats."""

from collections import Counter
from itertools import combinations

import pytest

from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.game_job import play_rows
from ringrift.players.registry import participant
from ringrift.round_robin import RoundRobinParams, game_plan, games_of, round_robin_job
from ringrift.strict import parse


def entrants(config: Config, count: int = 5):
    return [participant("random", config, 1), *(participant("heuristic", config, d) for d in (2, 3, 5, 7))][:count]


def plan_of(key: str, blocks: int = 2, count: int = 5):
    config = parse_config(key)
    spec = round_robin_job(
        config=config, iteration=1, match="rr", entrants=entrants(config, count), blocks=blocks, root_seed=3
    )
    return game_plan(parse(RoundRobinParams, spec.params, "test"))


@pytest.mark.parametrize(("key", "games"), [("square8_2p", 40), ("square8_3p", 60), ("hexagonal_4p", 40)])
def test_each_entrant_sits_equally_often_in_each_seat_and_meets_each_other_one_equally_often(key, games):
    plan = plan_of(key)
    assert len(plan.indices) == games == games_of(plan.config, 5, 2)
    seats, meetings = Counter(), Counter()
    for index in plan.indices:
        names = [player.key for player in plan.game(index).seats]
        assert len(set(names)) == plan.config.players
        seats.update((seat, name) for seat, name in enumerate(names))
        meetings.update(frozenset(pair) for pair in combinations(names, 2))
    assert len(set(seats.values())) == 1 and len(seats) == 5 * plan.config.players
    assert len(set(meetings.values())) == 1 and len(meetings) == 10


def test_games_of_a_block_begin_alike_and_then_differ():
    plan = plan_of("hex8_3p", blocks=2, count=3)
    rows = list(play_rows(plan, plan.indices))
    openings = [tuple(row["moves"][:4]) for row in rows]
    assert len(rows) == 6 and len(set(openings[:3])) == len(set(openings[3:])) == 1 and openings[0] != openings[3]
    assert len({row["game_hash"] for row in rows}) == 6


def test_too_few_or_equal_entrants_are_refused():
    for count in (1, 3):
        config = Config("square8", 4)
        with pytest.raises(InvalidInput, match="at least 4 different entrants"):
            round_robin_job(
                config=config,
                iteration=0,
                match="rr",
                entrants=[participant("random", config, 1)] * 4 if count == 1 else entrants(config, 3),
                blocks=1,
                root_seed=1,
            )
