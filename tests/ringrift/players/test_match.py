"""Whole games between players: reproducible, legal, and as strong as they should be."""

import time

import numpy as np
import pytest

from ringrift.bench.players import score_against_random
from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.matches.decide import choose_move
from ringrift.players.engines import ENGINES
from ringrift.players.heuristic.profiles import DEFAULTS, NAMES
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.rules.advance import DECISIONS_ONLY
from ringrift.rules.game import Game, Workspace
from ringrift.rules.geometry import board
from ringrift.rules.moves import SWAP, TYPE_SHIFT
from ringrift.rules.state import OVER, PHASE, TURN
from tests.ringrift.players.oracle import value as oracle_value

SQUARE8 = Config("square8", 2)
RANDOM = participant("random", SQUARE8, 1)
BEST = participant("heuristic", SQUARE8, 7)


def codes(table, key=("game",), config=SQUARE8, **options):
    return play_match_game(config, table, 11, key, **options).codes.tolist()


def test_equal_arguments_give_the_equal_game():
    warm = participant("heuristic", SQUARE8, 2, temperature=20.0)
    for table in ([BEST, RANDOM], [warm, BEST], [warm, warm]):
        assert codes(table) == codes(table)
        assert codes(table) != codes(table, key=("another game",))


@pytest.mark.parametrize("key", ["square8_2p", "square8_4p", "hex8_3p", "square19_2p", "hexagonal_2p"])
def test_games_are_legal_and_end(key):
    game = Game(key)
    players = game.config.players
    table = [participant("heuristic" if i else "random", game.config, 7) for i in range(players)]
    played = play_match_game(game.config, table, 11, ["legal"])
    for code in played.codes:
        game.play(int(code))  # raises IllegalMove
    assert game.over and not played.capped
    assert played.winner == game.winner - 1
    assert (game.state == played.state).all()


def test_the_cap_stops_a_game_without_a_winner():
    played = play_match_game(SQUARE8, [BEST, RANDOM], 11, ["game"], cap=9)
    assert (played.plies, played.capped, played.winner) == (9, True, -1)
    assert played.codes.tolist() == codes([BEST, RANDOM])[:9]
    assert play_match_game(SQUARE8, [BEST, RANDOM], 11, ["game"], cap=0).plies == 0


def test_games_with_one_opening_key_start_alike_and_then_differ():
    one, other = (codes([BEST, RANDOM], key=["game", i], opening_plies=6, opening_key=["block"]) for i in (1, 2))
    assert one[:6] == other[:6]
    assert one != other
    assert one[:6] != codes([BEST, RANDOM], opening_plies=6)[:6]


def test_an_engine_number_that_no_branch_plays_is_an_error(monkeypatch):
    player = participant("mcts", SQUARE8, 7)
    monkeypatch.setitem(ENGINES, "mcts", ENGINES["mcts"]._replace(number=99))
    with pytest.raises(NotImplementedError, match=r"\[99, 0\]"):
        play_match_game(SQUARE8, [player, RANDOM], 11, ["game"], cap=2)
    with pytest.raises(NotImplementedError, match="99"):
        choose_move(Game(SQUARE8).state, player)


def test_the_effort_of_a_game_is_each_players_own_decisions_and_cpu_time():
    searcher = participant("minimax", SQUARE8, 3)
    begin = time.process_time()
    played = play_match_game(SQUARE8, [RANDOM, searcher], 11, ["effort"], opening_plies=5, timed=True)
    whole = time.process_time() - begin
    game, decisions = Game(SQUARE8), [0, 0]
    for ply, code in enumerate(played.codes.tolist()):
        if ply >= 5:
            decisions[game.to_move - 1] += 1
        game.play(code)
    assert played.effort.decisions.tolist() == decisions and not played.swapped
    random, searching = played.effort.cpu_s
    assert 0.5 * whole < searching < whole and 0 <= random < 0.1 * searching and random + searching < whole
    assert codes([RANDOM, searcher], key=["effort"], opening_plies=5) == played.codes.tolist()
    assert play_match_game(SQUARE8, [RANDOM, searcher], 11, ["effort"], cap=2).effort is None


def test_temperature_spreads_the_choice_around_the_best():
    def firsts(temperature, games=60):
        player = participant("heuristic", SQUARE8, 7, temperature=temperature)
        return [codes([player, RANDOM], key=["t", i], cap=1)[0] for i in range(games)]

    best, near, wide = firsts(0.0), firsts(1.0), firsts(1e6)
    assert len(set(best)) < len(set(wide))
    assert len(set(best) & set(near)) / len(set(near)) > len(set(best) & set(wide)) / len(set(wide))
    assert len(set(wide)) > 30  # nearly uniform over the 192 first moves


def test_randomness_1_is_a_random_player():
    drunk = participant("heuristic", SQUARE8, 7, randomness=1.0)
    placements = {codes([drunk, RANDOM], key=["r", i], cap=1)[0] for i in range(60)}
    assert len(placements) > 30


@pytest.mark.parametrize(("players", "least"), [(2, 0.93), (3, 0.93), (4, 0.93)])
def test_the_heuristic_beats_random_play(players, least):
    config = Config("square8", players)
    mean, _ = score_against_random(config, participant("heuristic", config, 7), 60)
    assert mean >= least


def test_one_good_weight_beats_no_weights():
    profiles = {"none": dict.fromkeys(NAMES, 0.0)}
    profiles["rings"] = profiles["none"] | {"WEIGHT_ELIMINATED_RINGS": 12.0}
    rings, none = (participant("heuristic", SQUARE8, 7, profile=name, profiles=profiles) for name in ("rings", "none"))
    wins = 0
    for i in range(60):
        table = [rings, none] if i % 2 == 0 else [none, rings]
        wins += play_match_game(SQUARE8, table, 11, ["w", i], profiles=profiles).winner == i % 2
    assert wins >= 38


def values_by_oracle(game):
    """Value of each legal decision for the player to move, or None if one of them leaves its turn unfinished."""
    board_name, seat = game.config.board, game.to_move - 1
    table = Workspace(board(board_name))
    values = {}
    for legal in game.legal_moves():
        after = game.state.copy()
        table.advance(after, np.array([legal], dtype=np.uint32), DECISIONS_ONLY)
        if after[TURN] == game.state[TURN] and after[PHASE] != OVER:
            return None
        values[legal] = oracle_value(board_name, after, seat, DEFAULTS, light=False)
    return values


@pytest.mark.parametrize("key", ["square8_2p", "hex8_3p"])
def test_a_decision_that_ends_the_turn_has_the_largest_value_by_the_oracle(key):
    config = parse_config(key)
    player = participant("heuristic", config, 7)
    played = play_match_game(config, [player] * config.players, 11, ["best"], opening_plies=12)
    game = Game(config)
    checked = 0
    for ply, code in enumerate(played.codes.tolist()):
        values = values_by_oracle(game) if ply >= 12 and len(game.legal_moves()) > 1 and checked < 8 else None
        if values:
            assert values[code] == pytest.approx(max(values.values()), abs=1e-6)
            checked += 1
        game.play(code)
    assert checked >= 3


def test_after_a_swap_the_participants_play_each_others_seat():
    options = SQUARE8.options() | {"swap_rule": True}

    def game(index, cap=None):
        return play_match_game(SQUARE8, [BEST, RANDOM], 11, ["s", index], options=options, cap=cap)

    swapped = [index for index in range(800) if game(index, cap=4).swapped][:3]
    assert swapped, "a random player 2 swaps in one of about 190 games"
    for index in swapped:
        played = game(index)
        assert played.codes.tolist().index(SWAP << TYPE_SHIFT) == 2  # the first decision of player 2
        assert played.winner == 1, "the heuristic holds seat 2 after the swap"


def test_wrong_tables_are_refused():
    with pytest.raises(InvalidInput, match=r"participants: 1.*square8_2p needs 2"):
        play_match_game(SQUARE8, [BEST], 11, ["x"])
    with pytest.raises(InvalidInput, match="cap"):
        play_match_game(SQUARE8, [BEST, BEST], 11, ["x"], cap=-1)
    mine = participant("heuristic", SQUARE8, 7, profile="mine", profiles={"mine": {"WEIGHT_MOBILITY": 9.0}})
    with pytest.raises(InvalidInput, match="profile: 'mine'"):
        play_match_game(SQUARE8, [mine, BEST], 11, ["x"])
    with pytest.raises(InvalidInput, match=f"weights of profile mine.*{mine.profile_hash}"):
        play_match_game(SQUARE8, [mine, BEST], 11, ["x"], profiles={"mine": {"WEIGHT_MOBILITY": 8.0}})
