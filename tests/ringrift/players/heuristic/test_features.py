"""The evaluation kernels against the plain-Python oracle, on positions of random games."""

import numpy as np
import pytest

from ringrift.config import Config
from ringrift.kernels import entry
from ringrift.players.heuristic.features import COMPONENTS, DECIDED, LIGHT_COMPONENTS, components, evaluate
from ringrift.players.heuristic.profiles import DEFAULTS, weight_vector
from ringrift.rules import state as st
from ringrift.rules.advance import RANDOM, advance
from ringrift.rules.geometry import HEADER_WORDS, PLANES, board
from ringrift.seeds import stream
from tests.ringrift.players.oracle import components as oracle_components
from tests.ringrift.players.oracle import position_of


@entry
def evaluate_all(b, states, weights, light, values, totals):
    """Components and value of every state (row) for every seat."""
    for i in range(states.shape[0]):
        for seat in range(states[i, st.PLAYERS]):
            components(b, states[i], seat, weights, light, values[i, seat])
            totals[i, seat] = evaluate(b, states[i], seat, weights, light)


def random_states(name, players, games, every, label="features"):
    """States of random games, one in `every` decisions and the last."""
    tables = board(name)
    found = []
    for game in range(games):
        rng = stream(7, label, name, players, game)
        s = st.new_state(tables, players, Config(name, players).options())
        w = np.zeros(st.work_words(tables), dtype=np.int64)
        buf = np.empty(tables.max_moves, dtype=np.uint32)
        n = 1
        while n:
            _, n = advance(tables, s, w, buf, np.empty(every, dtype=np.uint32), RANDOM, rng)
            found.append(s.copy())
    return np.array(found)


def kernel_values(name, states, weights, light):
    values = np.zeros((len(states), 4, len(COMPONENTS)))
    totals = np.zeros((len(states), 4))
    evaluate_all(board(name), states, weight_vector(weights), light, values, totals)
    return values, totals


def scattered_states(name, players, count):
    """Positions no game need reach: cells drawn at random, at several densities, with random counters."""
    tables = board(name)
    rng = np.random.default_rng([3, players, *name.encode()])
    found = []
    for index in range(count):
        s = st.new_state(tables, players, Config(name, players).options())
        share = [0.1, 0.25, 0.5, 0.9][index % 4]
        planes = s[HEADER_WORDS : tables.first_cell].reshape(PLANES, tables.rows)
        controllers = rng.permutation(players)[: rng.integers(1, players + 1)]  # some players have no stack
        for cell in np.flatnonzero(rng.random(tables.cells) < share):
            kind = rng.integers(4)
            seat = int(rng.integers(players))
            row, bit = tables.row[cell], tables.bit[cell]
            if kind == 0:
                s[tables.first_cell + cell] = -5 - seat
                s[st.COLLAPSED + seat] += 1
                s[st.TERR + seat] += 1
                planes[st.COLLAPSED_PLANE, row] |= bit
            elif kind == 1:
                s[tables.first_cell + cell] = -1 - seat
                s[st.MARKERS + seat] += 1
                planes[st.MARKER_PLANE + seat, row] |= bit
            elif kind == 2:
                top = int(rng.choice(controllers))
                rings = [int(r) for r in rng.integers(players, size=rng.integers(8))] + [top] * rng.integers(1, 4)
                s[tables.first_cell + cell] = st.stack_word(rings)
                s[st.STACKS + top] += 1
                planes[st.STACK_PLANE + top, row] |= bit
                for ring in rings:
                    s[st.ON_BOARD + ring] += 1
        s[st.HAND : st.HAND + players] = rng.integers(3, size=players)
        s[st.ELIM : st.ELIM + players] = rng.integers(s[st.VICTORY] + 2, size=players)
        s[st.LPS_PLAYER], s[st.LPS_STREAK] = rng.integers(-1, players), rng.integers(4)
        found.append(s)
    return np.array(found)


# Weights without round values or coincidences, so that no two parts of the sum can stand in for one another.
ODD_WEIGHTS = {name: 0.37 + 1.7 * i + 0.013 * i * i for i, name in enumerate(DEFAULTS)}


def assert_equal_to_oracle(name, players, states):
    for weights, light in ((ODD_WEIGHTS, False), (DEFAULTS, True)):
        values, totals = kernel_values(name, states, weights, light)
        for i, s in enumerate(states):
            position = position_of(name, s)
            for seat in range(players):
                expected = oracle_components(position, seat, weights, light)
                assert tuple(expected) == COMPONENTS
                found = dict(zip(COMPONENTS, values[i, seat], strict=True))
                assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)
                if s[st.PHASE] != st.OVER:
                    assert totals[i, seat] == pytest.approx(sum(expected.values()), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize(
    ("name", "games", "every"),
    [("square8", 6, 4), ("hex8", 4, 5), ("square19", 1, 60), ("hexagonal", 1, 120)],
)
def test_components_of_game_positions_equal_the_oracle(name, games, every, players):
    assert_equal_to_oracle(name, players, random_states(name, players, games, every))


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize(("name", "count"), [("square8", 40), ("hex8", 40), ("square19", 6), ("hexagonal", 4)])
def test_components_of_scattered_positions_equal_the_oracle(name, count, players):
    states = scattered_states(name, players, count)
    assert_equal_to_oracle(name, players, states)


def test_every_component_differs_from_0_somewhere():
    values, _ = kernel_values("square8", scattered_states("square8", 3, 40), DEFAULTS, False)
    assert (np.abs(values[:, :3]).max(axis=(0, 1)) > 0).all()


def test_light_mode_leaves_the_costly_components_out():
    states = scattered_states("square8", 3, 8)
    full, _ = kernel_values("square8", states, DEFAULTS, False)
    light, _ = kernel_values("square8", states, DEFAULTS, True)
    assert (light[..., LIGHT_COMPONENTS:] == 0).all()
    assert (light[..., :LIGHT_COMPONENTS] == full[..., :LIGHT_COMPONENTS]).all()


def test_decided_positions_have_fixed_values():
    states = random_states("square8", 3, 4, 20)
    _, totals = kernel_values("square8", states, DEFAULTS, False)
    over = states[:, st.PHASE] == st.OVER
    assert over.sum() == 4
    for s, total in zip(states[over], totals[over], strict=True):
        assert [*total[:3]] == [DECIDED if seat == s[st.WINNER] else -DECIDED for seat in range(3)]
    assert np.abs(totals[~over]).max() < DECIDED
