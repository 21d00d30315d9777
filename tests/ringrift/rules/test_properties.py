"""What holds in every game."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as hs

from ringrift.config import Config
from ringrift.rules import state as st
from ringrift.rules.advance import DECISIONS_ONLY, EVERY_MOVE
from ringrift.rules.game import Game, Workspace, ranking_of
from ringrift.rules.geometry import HEADER_WORDS, board, cell_from_key, cell_key
from ringrift.rules.moves import from_notation, to_notation
from ringrift.rules.position_json import board_of, position_from_json, position_to_json, state_to_json
from ringrift.rules.replay import replay
from ringrift.seeds import stream
from tests.ringrift.rules.strategies import CONFIGS, SEEDS, SMALL_CONFIGS


def raw_game(config, seed, most=10_000):
    """Yield (table, state, code about to be played) over a random game, bookkeeping included."""
    rng = np.random.default_rng(seed)
    s = st.new_state(board(config.board), config.players, config.options())
    table = Workspace(board_of(s))
    for _ in range(most):
        codes = table.legal(s)
        if not codes:
            return
        code = int(rng.choice(codes))
        yield table, s, code
        table.advance(s, np.array([code], dtype=np.uint32), EVERY_MOVE)
    return


def progress(s):
    """S of the rules: markers + collapsed cells + eliminated rings."""
    return int(
        s[st.MARKERS : st.MARKERS + 4].sum() + s[st.COLLAPSED : st.COLLAPSED + 4].sum() + s[st.ELIM : st.ELIM + 4].sum()
    )


@settings(max_examples=15, deadline=None)
@given(SMALL_CONFIGS, SEEDS)
def test_progress_never_falls_and_rings_are_conserved(config, seed):
    last, total = 0, config.players * config.options()["rings_per_player"]
    for _, s, _ in raw_game(config, seed):
        assert progress(s) >= last
        last = progress(s)
        assert (
            s[st.HAND : st.HAND + 4].sum() + s[st.ON_BOARD : st.ON_BOARD + 4].sum() + s[st.ELIM : st.ELIM + 4].sum()
            == total
        )
        assert list(s[st.TERR : st.TERR + 4]) == list(s[st.COLLAPSED : st.COLLAPSED + 4])


@settings(max_examples=20, deadline=None)
@given(CONFIGS, SEEDS)
def test_every_game_ends_with_a_winner_and_a_ranking(config, seed):
    game = Game(config)
    game.play_random(stream(seed, "game"), config.decision_cap * 4)
    assert game.over and game.phase == "game_over" and game.reason in st.REASONS
    assert game.ranking[game.winner - 1] == 1 and game.ranking.count(1) == 1
    assert all(2 <= r <= config.players for i, r in enumerate(game.ranking) if i != game.winner - 1)
    assert game.legal_moves() == []


@settings(max_examples=10, deadline=None)
@given(CONFIGS, SEEDS, hs.integers(0, 200))
def test_json_round_trip_gives_the_same_state(config, seed, plies):
    game = Game(config)
    game.play_random(stream(seed, "game"), plies)
    text = json.dumps(game.to_json())
    again = position_from_json(json.loads(text))
    assert np.array_equal(again, game.state)
    assert json.dumps(position_to_json(again)) == text
    assert Game.from_json(game.to_json()).legal_moves() == game.legal_moves()


@settings(max_examples=10, deadline=None)
@given(SMALL_CONFIGS, SEEDS)
def test_codes_are_distinct_and_survive_notation(config, seed):
    for table, s, _ in raw_game(config, seed):
        codes = table.legal(s)
        assert len(set(codes)) == len(codes)
        texts = [to_notation(config.board, code) for code in codes]
        assert [from_notation(config.board, text) for text in texts] == codes
        moves = [json.dumps(move) for move in table.legal_json(s)]
        assert len(set(moves)) == len(moves), "two codes name one move"


@settings(max_examples=10, deadline=None)
@given(CONFIGS, SEEDS)
def test_replaying_the_decisions_gives_the_same_game(config, seed):
    game = Game(config)
    game.play_random(stream(seed, "game"), config.decision_cap)
    replayed = replay(config, None, np.array(game.moves, dtype=np.uint32))
    assert np.array_equal(replayed.state, game.state)
    assert (replayed.winner, replayed.ranking, replayed.reason) == (game.winner, game.ranking, game.reason)


@settings(max_examples=5, deadline=None)
@given(SMALL_CONFIGS, SEEDS)
def test_row_masks_and_counts_agree_with_the_cells(config, seed):
    b = board(config.board)
    for _, s, _ in raw_game(config, seed, most=120):
        rebuilt = position_from_json(position_to_json(s))
        assert np.array_equal(rebuilt[HEADER_WORDS : b.first_cell], s[HEADER_WORDS : b.first_cell])
        assert np.array_equal(rebuilt[st.COLLAPSED : st.OUT_TURN], s[st.COLLAPSED : st.OUT_TURN])


@settings(max_examples=10, deadline=None)
@given(SMALL_CONFIGS, SEEDS)
def test_no_stack_grows_beyond_the_longest_ray_plus_one(config, seed):
    bound = {"square8": 8, "hex8": 9}[config.board]
    for _, s, _ in raw_game(config, seed):
        cells = s[board(config.board).first_cell :]
        assert all(len(st.stack_rings(int(v))) <= bound for v in cells if v > 0)


# --- symmetry ---------------------------------------------------------------------------------------------

SQUARE8 = Config("square8", 2)
SYMMETRIES = [
    lambda x, y: (y, 7 - x),
    lambda x, y: (7 - x, 7 - y),
    lambda x, y: (7 - y, x),
    lambda x, y: (7 - x, y),
    lambda x, y: (x, 7 - y),
    lambda x, y: (y, x),
    lambda x, y: (7 - y, 7 - x),
]


def _map_key(key, symmetry):
    x, y = board("square8").xy[cell_from_key("square8", key)]
    mapped = symmetry(int(x), int(y))
    return f"{mapped[0]},{mapped[1]}"


def _map_move(value, symmetry):
    if isinstance(value, list):
        mapped = [_map_move(v, symmetry) for v in value]
        is_cells = all(isinstance(v, str) and "," in v for v in mapped)
        return sorted(mapped, key=lambda k: cell_from_key("square8", k)) if is_cells else mapped
    return _map_key(value, symmetry) if isinstance(value, str) and "," in value else value


def _map_state(state, symmetry):
    mapped = dict(state)
    for key in ("stacks", "markers", "collapsed"):
        cells = {_map_key(k, symmetry): v for k, v in state[key].items()}
        mapped[key] = {
            cell_key("square8", c): cells[cell_key("square8", c)]
            for c in sorted(cell_from_key("square8", k) for k in cells)
        }
    for key in ("must", "chain"):
        mapped[key] = _map_move(state[key], symmetry)
    mapped["ctx"] = state["ctx"] | {"attacker": _map_move(state["ctx"]["attacker"], symmetry)}
    return mapped


@settings(max_examples=14, deadline=None)
@given(SEEDS, hs.sampled_from(range(len(SYMMETRIES))), hs.sampled_from((2, 3)))
def test_a_rotated_or_reflected_game_is_the_same_game(seed, index, players):
    symmetry = SYMMETRIES[index]
    config = Config("square8", players)
    twin = st.new_state(board("square8"), players, config.options())
    twin_table = Workspace(board("square8"))
    for table, s, code in raw_game(config, seed):
        moves = table.legal_json(s)
        if any(move[0] == "recovery_slide" for move in moves):
            return  # the extraction stack is the smallest cell: not symmetric by rule
        move = _map_move(moves[table.legal(s).index(code)], symmetry)
        twins = twin_table.legal_json(twin)
        assert sorted(map(json.dumps, twins)) == sorted(json.dumps(_map_move(m, symmetry)) for m in moves)
        assert _map_state(state_to_json(s), symmetry) == state_to_json(twin)
        twin_code = twin_table.legal(twin)[twins.index(move)]
        twin_table.advance(twin, np.array([twin_code], dtype=np.uint32), EVERY_MOVE)


def test_ranking_orders_losers_by_territory_then_rings_then_markers_then_elimination_turn():
    s = st.new_state(board("square8"), 4, Config("square8", 4).options())
    s[st.WINNER], s[st.PHASE] = 2, st.OVER
    assert ranking_of(s) == [2, 2, 1, 2]
    s[st.COLLAPSED : st.COLLAPSED + 4] = (1, 0, 0, 0)
    s[st.ELIM : st.ELIM + 4] = (0, 3, 0, 3)
    s[st.OUT_TURN : st.OUT_TURN + 4] = (0, 9, 0, 0)
    assert ranking_of(s) == [2, 4, 1, 3]
    s[st.OUT_TURN + 3] = 9
    assert ranking_of(s) == [2, 3, 1, 3]


def test_decisions_only_mode_stops_at_the_first_illegal_code():
    game = Game(SQUARE8)
    table = Workspace(board("square8"))
    codes = np.array([game.legal_moves()[0], 0], dtype=np.uint32)
    done, legal = table.advance(game.state, codes, DECISIONS_ONLY)
    assert done == 1 and len(legal) > 0
