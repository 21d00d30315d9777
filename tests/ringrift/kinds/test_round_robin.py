"""Round robins: each table in every rotation, openings of their own, balanced seats."""

from collections import Counter
from itertools import combinations

import pytest

from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.kinds.round_robin import game_plan
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, round_robin_job
from ringrift.players.participant import participant
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.strict import parse


def entrants(config: Config, count: int = 5):
    return [participant("random", config, 1), *(participant("heuristic", config, d) for d in (2, 3, 5, 7))][:count]


def job_of(key: str, tables, count: int = 5):
    config = parse_config(key)
    players = entrants(config, count)
    return round_robin_job(MatchTerms(config=config, iteration=1, root_seed=3), "rr", players, tables)


def plan_of(key: str, tables, count: int = 5):
    return game_plan(parse(RoundRobinParams, job_of(key, tables, count).params, "test"))


@pytest.mark.parametrize("key", ["square8_2p", "square8_3p", "hexagonal_4p"])
def test_each_entrant_of_a_table_sits_once_in_each_of_its_seats(key):
    players = parse_config(key).players
    tables = [*combinations(range(5), players), tuple(range(players))]
    plan = plan_of(key, tables)
    assert len(plan.indices) == len(tables) * players
    keys = [player.key for player in entrants(plan.config)]
    for number, table in enumerate(tables):
        games = [plan.game(index) for index in range(number * players, (number + 1) * players)]
        assert len({game.seed for game in games}) == 1
        seats = Counter((seat, player.key) for game in games for seat, player in enumerate(game.seats))
        assert seats == {(seat, keys[entrant]): 1 for seat in range(players) for entrant in table}
    assert len({plan.game(index).seed for index in plan.indices}) == len(tables)


def test_games_of_a_table_begin_alike_and_then_differ():
    plan = plan_of("hex8_3p", [(0, 1, 2), (2, 1, 0)], count=3)
    rows = list(play_rows(plan, plan.indices))
    openings = [tuple(row["moves"][:4]) for row in rows]
    assert len(rows) == 6 and len(set(openings[:3])) == len(set(openings[3:])) == 1 and openings[0] != openings[3]
    assert len({row["game_hash"] for row in rows}) == 6


def test_who_sits_at_no_table_does_not_enter():
    spec = job_of("square8_2p", [(4, 1), (3, 1)])
    assert spec.params["entrants"] == [
        player.to_dict() for player in (entrants(Config("square8", 2))[i] for i in (1, 3, 4))
    ]
    assert spec.params["tables"] == [[2, 0], [1, 0]] and spec.params["games"] == 4


def test_too_few_or_equal_entrants_and_bad_tables_are_refused():
    config = Config("square8", 4)
    terms = MatchTerms(config=config, iteration=0, root_seed=1)
    for players in ([participant("random", config, 1)] * 4, entrants(config, 3)):
        with pytest.raises(InvalidInput, match="at least 4 different entrants"):
            round_robin_job(terms, "rr", players, [range(len(players))])
    for table in ((0, 1, 1), (0, 1, 2, 3)):
        with pytest.raises(InvalidInput, match="a table of square8_3p is 3 different entrants"):
            job_of("square8_3p", [(0, 1, 2), (1, 2, 3), table])
    spec = job_of("square8_2p", [(0, 1)])
    with pytest.raises(InvalidInput, match="entrants from 0 to 1"):
        parse(RoundRobinParams, spec.params | {"tables": [[0, 2]]}, "test")
