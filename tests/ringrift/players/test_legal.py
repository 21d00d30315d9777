"""Ten thousand random positions of every board and table size: legal decisions, nothing changed, the same again.

The search engines share them, each deciding in every third.
"""

from functools import cache

import numpy as np
import pytest

from ringrift.config import Config
from ringrift.matches.decide import choose_move
from ringrift.players.participant import participant
from ringrift.rules import state as st
from ringrift.rules.advance import DECISIONS_ONLY, RANDOM
from ringrift.rules.game import Workspace
from ringrift.rules.geometry import board
from ringrift.seeds import stream

POSITIONS = {"square8": 1450, "hex8": 1450, "square19": 250, "hexagonal": 184}  # for each of 2, 3 and 4 players
SPREAD = {"square8": 12, "hex8": 12, "square19": 60, "hexagonal": 80}  # most random decisions between two positions
BUDGETS = range(4, 13)
ENGINES = ("minimax", "mcts", "descent")
AGAIN = 10  # every tenth position is asked twice
NO_CODES = np.empty(0, dtype=np.uint32)


@cache
def positions(name: str, players: int) -> list[tuple[np.ndarray, set[int]]]:
    """Settled states of random games with their legal decisions, from the openings to the ends."""
    tables = board(name)
    table = Workspace(tables, stream(31, "legal", name, players))
    steps = np.random.default_rng([31, players])
    found: list[tuple[np.ndarray, set[int]]] = []
    options = Config(name, players).options()
    state = st.new_state(tables, players, options)
    while len(found) < POSITIONS[name]:
        plies = np.empty(steps.integers(1, SPREAD[name]), dtype=np.uint32)
        table.advance(state, plies, RANDOM)
        legal = {int(code) for code in table.advance(state, NO_CODES, DECISIONS_ONLY)[1]}
        if legal:
            found.append((state.copy(), legal))
        else:
            state = st.new_state(tables, players, options)
    return found


def test_there_are_ten_thousand_positions():
    assert 3 * sum(POSITIONS.values()) >= 10_000


@pytest.mark.slow
@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("name", [*POSITIONS])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_searcher_answers_legally_and_leaves_the_state_alone(engine, name, players):
    share = positions(name, players)[ENGINES.index(engine) :: len(ENGINES)]
    for index, (state, legal) in enumerate(share):
        before = state.copy()
        budget = BUDGETS[index % len(BUDGETS)]
        player = participant(engine, Config(name, players), 5 + index % 5, randomness=0.0, budget=budget)
        decision = choose_move(state, player, index)
        assert (state == before).all()
        assert decision.code in legal
        assert {int(code) for code in decision.codes} <= legal and len(decision.visits) == len(decision.codes)
        assert -1 <= decision.value <= 1
        if index % AGAIN == 0:
            again = choose_move(state, player, index)
            assert (again.code, again.value) == (decision.code, decision.value)
            assert np.array_equal(again.codes, decision.codes) and np.array_equal(again.visits, decision.visits)
