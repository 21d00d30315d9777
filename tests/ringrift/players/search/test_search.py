"""What the three searchers share: budgets, seeds, recorded targets, keys of positions, a ceiling of time."""

from dataclasses import replace

import numpy as np
import pytest

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.gamesets.schema import SEARCH_COLUMNS
from ringrift.matches.decide import choose_move
from ringrift.matches.play import search_targets
from ringrift.players.engines import ENGINES
from ringrift.players.ladder import DIFFICULTIES, available, rung, rungs, unavailable
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.rules.game import Game
from ringrift.seeds import stream

SQUARE8 = Config("square8", 2)
# The network's search plays in lock-step: tests/network has its own.
SEARCHERS = tuple(name for name, engine in ENGINES.items() if engine.searches and name != "gumbel")
LIGHT = {"minimax": 300, "mcts": 30, "descent": 300}

every_searcher = pytest.mark.parametrize("engine", SEARCHERS)


def searcher(engine, config=SQUARE8, **changes):
    return participant(engine, config, 7, **({"budget": LIGHT[engine]} | changes))


def position(plies, seed=1):
    game = Game(SQUARE8)
    game.play_random(stream(seed, "position"), plies)
    return game.state


@every_searcher
@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_game_is_repeated_exactly_and_its_searches_are_recorded(engine, players):
    config = Config("square8", players)
    seats = [searcher(engine, config)] * players
    one, two = (play_match_game(config, seats, 3, ["search"], opening_plies=4) for _ in range(2))
    assert one.codes.tolist() == two.codes.tolist()
    targets = search_targets(one)
    assert targets == search_targets(two) and set(targets) == set(SEARCH_COLUMNS)
    game = Game(config)
    searched = dict(zip(targets["search_plies"], range(one.plies), strict=False))
    assert searched and min(searched) >= 4
    for ply, code in enumerate(one.codes.tolist()):
        if ply in searched:
            row = searched[ply]
            codes, visits = targets["search_codes"][row], targets["search_visits"][row]
            assert set(codes) <= set(game.legal_moves()) and len(set(codes)) == len(codes)
            assert visits == sorted(visits, reverse=True) and visits[-1] > 0
            assert -32767 <= targets["search_values"][row] <= 32767
        else:
            assert ply < 4 or len(game.legal_moves()) == 1
        game.play(code)


@every_searcher
def test_the_budget_bounds_the_work(engine):
    game = play_match_game(SQUARE8, [searcher(engine)] * 2, 5, ["budget"], opening_plies=4)
    spent = game.searched.spent[: game.plies]
    # Looking at one node's decisions is never cut: a whole batch of them, each with the rest of its turn.
    assert 0 < spent.max() <= (LIGHT[engine] if engine == "mcts" else LIGHT[engine] + 4000)
    assert np.count_nonzero(spent) > game.plies / 3


@every_searcher
def test_a_larger_budget_changes_decisions_and_a_seed_decides_among_equals(engine):
    states = [position(plies) for plies in range(4, 30, 2)]
    small, large = searcher(engine), searcher(engine, budget=20 * LIGHT[engine])
    assert any(choose_move(s, small).code != choose_move(s, large).code for s in states)
    opening = Game(SQUARE8).state
    assert len({choose_move(opening, small, seed).code for seed in range(8)}) > 1


@every_searcher
def test_temperature_makes_play_differ(engine):
    warm = searcher(engine, temperature=1.0 if engine == "mcts" else 200.0)
    state = position(8)
    assert len({choose_move(state, warm, seed).code for seed in range(12)}) > len(
        {choose_move(state, searcher(engine), seed).code for seed in range(12)}
    )


@every_searcher
def test_a_ceiling_of_time_ends_a_search(engine):
    patient = searcher(engine, budget=200_000)
    hurried = replace(patient, time_ms=20)
    game = play_match_game(SQUARE8, [hurried] * 2, 5, ["time"], opening_plies=4, cap=8)
    assert 0 < game.searched.spent[:8].max() < 200_000


@every_searcher
def test_a_search_needs_a_budget(engine):
    with pytest.raises(InvalidInput, match="budget: 0"):
        searcher(engine, budget=0)


@every_searcher
def test_a_searcher_is_much_stronger_than_random_play(engine):
    random = participant("random", SQUARE8, 1)
    wins = 0
    for index in range(10):
        seats = [random, random]
        seats[index % 2] = searcher(engine)
        wins += play_match_game(SQUARE8, seats, 9, ["strength", index]).winner == index % 2
    assert wins >= 9


def test_there_is_no_decision_after_the_end():
    with pytest.raises(InvalidInput, match="game_over"):
        choose_move(position(10_000), searcher("mcts"))


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("players", [2, 3, 4])
def test_every_available_rung_makes_a_participant_of_its_own(board, players):
    config = Config(board, players)
    there = [rung(difficulty, config) for difficulty in available(config)]
    assert len({player.key for player in there}) == len(there) >= 8
    assert [player.difficulty for player in there] == available(config)
    assert set(rungs(config)) == set(DIFFICULTIES)
    for difficulty in set(DIFFICULTIES) - set(available(config)):
        assert "champion" in unavailable(difficulty, config)
        with pytest.raises(InvalidInput, match="champion"):
            rung(difficulty, config)
    with pytest.raises(InvalidInput, match="D1 to D10"):
        rung(11, config)
