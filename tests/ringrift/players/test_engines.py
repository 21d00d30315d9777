"""An engine is one row and one function: it plays matches, is rated under its label, and is refused where unknown."""

import json

import numpy as np
import pyarrow as pa
import pytest

from ringrift.config import Config
from ringrift.errors import IllegalMove, InvalidInput
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.shards import read_shard
from ringrift.jobs import contract
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.worker import run_job
from ringrift.matches.decide import choose_move
from ringrift.matches.plan import participant_name
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.players import alias, player_named
from ringrift.planning.selfplay import plan_jobs
from ringrift.play.player_text import read_player
from ringrift.players.choice import Choice
from ringrift.players.engines import (
    CHAMPION,
    ENGINE_MODES,
    ENGINES,
    MIXED,
    Engine,
    available_engine_modes,
    check_engine,
    engine_of_mode,
)
from ringrift.players.match import play_match_game
from ringrift.players.participant import Participant, participant
from ringrift.rules.game import Game

HEX8 = Config("hex8", 2)
RANDOM = participant("random", HEX8, 1)
HERE = "tests.ringrift.players.test_engines"


def first_move(choice: Choice) -> int:
    """The whole of an engine: the first legal decision."""
    assert len(choice.legal) > 1 and (choice.budget, choice.weights.any()) == (0, False)
    code = int(choice.legal[0])
    choice.state[:], choice.legal[:], choice.codes[:] = -1, 0, 0  # copies: the game goes on unharmed
    return code


def any_move(choice: Choice) -> int:
    return int(choice.generator().choice(choice.legal))


def illegal_move(choice: Choice) -> int:
    return 2**31


@pytest.fixture
def register(monkeypatch):
    def add(function, **row) -> None:
        row = {"number": 6, "label": "First", "mode": "first-only", "version": 1} | row
        monkeypatch.setitem(ENGINES, "first", Engine(**row, play=f"{HERE}:{function.__name__}"))

    return add


def decisions_of(codes, seat, skip=0):
    """(code, legal decisions) of those choices of a participant that leave one, from ply `skip` on."""
    game, found = Game(HEX8), []
    for ply, code in enumerate(codes):
        if ply >= skip and game.to_move == seat + 1 and len(game.legal_moves()) > 1:
            found.append((code, game.legal_moves()))
        game.play(code)
    return found


def test_an_engine_of_one_row_plays_a_match_job(register, tmp_path):
    register(first_move, graded=False)
    player = participant("first", HEX8, 1)
    spec = match_job(MatchTerms(config=HEX8, iteration=0, root_seed=5), "m", player, RANDOM, blocks=2)
    (tmp_path / contract.OUT).mkdir()
    (tmp_path / contract.SPEC).write_text(spec.canonical())
    assert run_job(tmp_path) == 0
    shards = read_manifest(tmp_path, spec.job_id).shards
    games = pa.concat_tables([read_shard(tmp_path / contract.OUT / shard.name) for shard in shards])
    assert verify_rows(games, config=HEX8)[0].num_rows == games.num_rows == 4
    for row in games.to_pylist():
        seat = row["game_index"] % 2
        assert row["participants"][seat] == participant_name(player) == f"First_D1#{player.key}"
        decisions = decisions_of(row["moves"], seat, skip=row["opening_plies"])
        assert len(decisions) > 5 and all(code == legal[0] for code, legal in decisions)


def test_its_label_names_it_everywhere(register):
    register(first_move)
    player = participant("first", HEX8, 2)
    assert alias(player, HEX8) == player.label == "First_D2"
    assert alias(participant("first", HEX8, 2, randomness=0.7), HEX8).startswith("First_D2#")
    assert player_named("First_D2", HEX8) == read_player("first:2", HEX8) == player
    assert Participant.from_dict(json.loads(json.dumps(player.to_dict()))) == player
    assert (player.randomness, player.budget, player.profile) == (0.30, 0, None)


def test_difficulty_and_effort_are_as_for_every_engine(register):
    register(first_move)
    player = participant("first", HEX8, 1)  # half of its decisions are uniform
    game = play_match_game(HEX8, [player, RANDOM], 3, ["g"], timed=True)
    decisions = decisions_of(game.codes.tolist(), 0)
    first = sum(code == legal[0] for code, legal in decisions)
    assert 0.3 * len(decisions) < first < 0.9 * len(decisions)
    assert game.effort.decisions.sum() == game.plies and game.effort.decisions[0] >= len(decisions)
    assert game.effort.cpu_s[0] > game.effort.cpu_s[1] > 0


def test_equal_games_are_drawn_from_the_participants_stream(register):
    register(any_move, graded=False)
    table = [participant("first", HEX8, 1)] * 2
    one, again, other = (play_match_game(HEX8, table, 3, [key]).codes for key in "aab")
    assert np.array_equal(one, again) and not np.array_equal(one[:8], other[:8])
    assert len({code == legal[0] for code, legal in decisions_of(one.tolist(), 0)}) == 2


def test_an_engine_of_one_row_makes_single_decisions_too(register):
    register(first_move, graded=False)
    game = Game(HEX8)
    assert choose_move(game.state, participant("first", HEX8, 1)).code == game.legal_moves()[0]


def test_an_illegal_decision_is_refused(register):
    register(illegal_move)
    with pytest.raises(IllegalMove, match="engine First has to take one of its"):
        choose_move(Game(HEX8).state, participant("first", HEX8, 7))


def test_an_unknown_engine_is_refused_with_those_there_are(register):
    register(first_move)
    for refused in (check_engine, lambda name: participant(name, HEX8, 1)):
        with pytest.raises(InvalidInput, match=r"engine: 'chess'.*gumbel, first"):
            refused("chess")
    with pytest.raises(InvalidInput, match=r"Chess_D1.*Gumbel, First"):
        player_named("Chess_D1", HEX8)
    with pytest.raises(InvalidInput, match=r"chess.*descent, first"):
        read_player("chess:1", HEX8)


def test_it_has_an_engine_mode_and_is_not_in_mixed(register):
    register(first_move)
    assert available_engine_modes()[-3:] == ("first-only", MIXED, CHAMPION) and engine_of_mode("first-only") == "first"
    job = {"name": "m", "config": "square8_2p", "games": 2, "engine": MIXED}
    [spec] = plan_jobs(Pipeline(selfplay={"jobs": [job]}), Config("square8", 2), 0).jobs
    assert "first" not in {seat["engine"] for seat in spec.params["pool"]}


def test_the_table_has_no_two_alike():
    for field in ("number", "label", "mode"):
        assert len({getattr(engine, field) for engine in ENGINES.values()}) == len(ENGINES)
    assert all(engine.label.isalpha() for engine in ENGINES.values())
    assert (*(engine.mode for engine in ENGINES.values()), MIXED, CHAMPION) == ENGINE_MODES
    assert all(len(engine.budgets) in (0, 11) for engine in ENGINES.values())
