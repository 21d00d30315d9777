"""What a network sees: against a slow reading of the state, distinct moves, and symmetry."""

import numpy as np
import pytest
from hypothesis import given, settings

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network import layout as lay
from ringrift.network.encoder import Encoder, encode
from ringrift.network.encoding import Encoded
from ringrift.rules import state as st
from ringrift.rules.game import Game
from ringrift.rules.geometry import board
from ringrift.rules.moves import CLAIM, ELIMINATE, LINE_OPTION, PROCESS_LINE, SLIDE, TYPE_SHIFT
from ringrift.seeds import stream
from tests.ringrift.rules.strategies import CONFIGS, SEEDS

MARKED = {"stack": 0, "height": 1, "cap": 2, "below_cap": 3, "rings": 4, "marker": 5, "territory": 6}


def positions(config: Config, seed: int, step: int) -> list[np.ndarray]:
    """States of a random game, every `step` decisions."""
    game, rng, found = Game(config), stream(seed, "game"), []
    while not game.over:
        found.append(game.state.copy())
        game.play_random(rng, step)
    return found


def slow_planes(s: np.ndarray, config: Config) -> np.ndarray:
    """The planes read off a state cell by cell, without the claimable one."""
    b = board(config.board)
    grid = lay.grids(config.board)[0]
    planes = np.zeros((lay.PLANES, b.rows * b.rows), dtype=np.float32)

    def put(seat: int, name: str, cell: int, value: float) -> None:
        relative = (seat - int(s[st.CUR])) % config.players
        planes[relative * 7 + MARKED[name], grid[cell]] += value

    for cell in range(b.cells):
        word = int(s[b.first_cell + cell])
        planes[28, grid[cell]] = 1
        if word > 0:
            rings = st.stack_rings(word)
            top, cap = rings[-1], 1
            while cap < len(rings) and rings[-1 - cap] == top:
                cap += 1
            put(top, "stack", cell, 1)
            put(top, "height", cell, len(rings) / 8)
            put(top, "cap", cell, cap / 8)
            if cap < len(rings):
                put(rings[-1 - cap], "below_cap", cell, 1)
            for owner in rings:
                put(owner, "rings", cell, 1 / 8)
        elif word < -4:
            put(-5 - word, "territory", cell, 1)
        elif word < 0:
            put(-1 - word, "marker", cell, 1)
    if s[st.MUST] >= 0:
        planes[29, grid[s[st.MUST]]] = 1
    for word in (st.CHAIN, st.ATTACKER):
        if s[word] >= 0:
            planes[30, grid[s[word]]] = 1
    return planes


def features(e: Encoded, i: int = 0) -> list[tuple[float, ...]]:
    """What the network sees of each move of position i."""
    part = slice(e.first[i], e.first[i + 1])
    return [tuple(row) for row in np.hstack((e.moves[part], e.extras[part].astype(np.float64))).tolist()]


@settings(max_examples=12, deadline=None)
@given(CONFIGS, SEEDS)
def test_planes_globals_and_moves_are_those_of_the_state(config, seed):
    for s in positions(config, seed, 61):
        e = encode(s)
        assert np.array_equal(e.planes[0, :31], slow_planes(s, config)[:31])
        assert list(e.codes) == Game_legal(s, config)
        assert np.isfinite(e.globals).all() and np.abs(e.globals).max() <= 8
        shares = e.globals[0, : 4 * 8].reshape(4, 8)
        order = [(int(s[st.CUR]) + r) % config.players for r in range(config.players)]
        assert list(shares[: config.players, 0]) == [1] * config.players and not shares[config.players :].any()
        assert np.allclose(shares[: config.players, 1], [s[st.HAND + p] / s[st.RINGS] for p in order])
        assert np.allclose(shares[: config.players, 3], [s[st.ELIM + p] / s[st.VICTORY] for p in order])
        assert e.globals[0, lay.PLAYER_COUNT + config.players - 2] == 1
        assert e.globals[0, 32 + s[st.PHASE]] == 1 and e.globals[0, 32:39].sum() == 1


def Game_legal(s: np.ndarray, config: Config) -> list[int]:
    game = Game(config)
    game._start(s.copy())
    return game.legal_moves()


@settings(max_examples=16, deadline=None)
@given(CONFIGS, SEEDS)
def test_no_two_legal_moves_of_a_position_look_the_same(config, seed):
    states = positions(config, seed, 3 if config.board in ("square8", "hex8") else 17)
    e = encode(np.stack(states))
    for i in range(len(states)):
        seen = features(e, i)
        assert len(set(seen)) == len(seen)
    none = lay.nowhere(board(config.board))
    on_board = e.planes[e.row, lay.ON_BOARD_CELL]
    for column in (lay.FROM, lay.TO, lay.OVER):
        named = e.moves[:, column] < none
        assert on_board[named, e.moves[named, column]].all()


def twin_game(config: Config, symmetry: int, seed: int) -> set[int]:
    """Play a game and its mirror image side by side, each move found in the twin by what the network sees of it.

    Returns the move types that were played.
    """
    encoder, rng = Encoder(config.board), np.random.default_rng(seed)
    game, twin, played = Game(config), Game(config), set()
    while not game.over:
        here, there = encoder.states(game.state[None], symmetry), encoder.states(twin.state[None])
        assert np.array_equal(here.planes, there.planes) and np.array_equal(here.globals, there.globals)
        seen, twins = features(here), features(there)
        assert sorted(seen) == sorted(twins)
        code = int(rng.choice(here.codes))
        played.add(code >> TYPE_SHIFT)
        if code >> TYPE_SHIFT == SLIDE or (code >> TYPE_SHIFT == CLAIM and config.board == "hex8"):
            break  # by rule not symmetric: a slide frees the ring on the smallest cell, hex8 borders grow like squares
        game.play(code)
        twin.play(int(there.codes[twins.index(seen[list(here.codes).index(code)])]))
    return played


def test_a_turned_position_is_encoded_as_the_turned_encoding():
    played = set()
    for board_name, games in (("square8", 14), ("hex8", 6), ("hexagonal", 3)):
        turns = len(lay.grids(board_name)) - 1
        for seed in range(games):
            played |= twin_game(Config(board_name, 2 + seed % 3), 1 + (seed * 5) % turns, seed)
    assert {PROCESS_LINE, LINE_OPTION, ELIMINATE, CLAIM} <= played


def test_symmetries_are_a_group_of_distinct_maps_of_the_board():
    for name, count in (("square8", 8), ("square19", 8), ("hex8", 12), ("hexagonal", 12)):
        grids = lay.grids(name)
        assert len({tuple(g) for g in grids}) == len(grids) == count
        assert all(sorted(g) == sorted(grids[0]) for g in grids)
        cell_of = {int(g): c for c, g in enumerate(grids[0])}
        maps = {tuple(cell_of[int(g)] for g in row) for row in grids}
        assert {tuple(a[c] for c in b) for a in maps for b in maps} == maps


def test_a_finished_game_cannot_be_encoded():
    game = Game("square8_2p")
    game.play_random(stream(1, "game"), 10_000)
    with pytest.raises(InvalidInput, match="the game goes on"):
        encode(game.state)
