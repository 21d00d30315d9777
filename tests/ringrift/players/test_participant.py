"""Participants: documented strengths, stable keys, refused values, engine modes."""

import dataclasses
import json
import subprocess
import sys

import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.engines import ENGINE_MODES, ENGINES, available_engine_modes, engine_of_mode
from ringrift.players.heuristic.profiles import DEFAULTS, profile_hash
from ringrift.players.participant import Participant, participant

SQUARE8 = Config("square8", 2)


def test_difficulty_gives_the_documented_randomness_and_profile():
    tiers = [participant("heuristic", SQUARE8, d) for d in range(1, 12)]
    assert [p.randomness for p in tiers] == [0.5, 0.10, 0.05, 0.08, 0.05, 0.02, 0, 0, 0, 0, 0]
    assert tiers[1].profile == "heuristic_v1_medium"
    assert {p.profile for p in tiers[2:]} == {"heuristic_v1_balanced"}
    others = [participant("heuristic", Config("hexagonal", 3), d).randomness for d in (2, 3, 4)]
    assert others == [0.30, 0.15, 0.08]


def test_a_trained_profile_of_the_config_is_used_where_there_is_one():
    trained = {"heuristic_v1_sq8_2p": {"WEIGHT_MOBILITY": 6.0}}
    tuned = participant("heuristic", SQUARE8, 3, profiles=trained)
    assert tuned.profile == "heuristic_v1_sq8_2p"
    assert tuned.profile_hash == profile_hash({**DEFAULTS, "WEIGHT_MOBILITY": 6.0})
    assert participant("heuristic", SQUARE8, 2, profiles=trained).profile == "heuristic_v1_medium"
    assert participant("heuristic", Config("square8", 3), 3, profiles=trained).profile == "heuristic_v1_balanced"


@pytest.mark.parametrize("engine", ["minimax", "mcts", "descent"])
def test_the_tier_table_of_square8_2p_is_the_heuristics_alone(engine):
    trained = {"heuristic_v1_sq8_2p": {"WEIGHT_MOBILITY": 6.0}}
    tiers = [participant(engine, SQUARE8, d) for d in range(1, 12)]
    assert [p.randomness for p in tiers] == [0.5, 0.30, 0.15, 0.08, 0.05, 0.02, 0, 0, 0, 0, 0]
    assert {p.profile for p in tiers} == {"heuristic_v1_balanced"}
    assert {participant(engine, SQUARE8, d, profiles=trained).profile for d in range(1, 12)} == {*trained}


def test_light_mode_is_the_default_on_the_large_boards():
    light = {b: participant("heuristic", Config(b, 2), 5).light for b in ("square8", "square19", "hexagonal", "hex8")}
    assert light == {"square8": False, "square19": True, "hexagonal": True, "hex8": False}


def test_keys_are_stable_and_say_what_plays():
    d5 = participant("heuristic", SQUARE8, 5)
    assert (d5.label, d5.key) == ("Heuristic_D5", "04bd962faee27958")
    random = participant("random", SQUARE8, 1)
    assert (random.label, random.key) == ("Random_D1", "552b33dfb18fd7ef")
    named = participant("heuristic", SQUARE8, 5, profile="heuristic_v1_strong")
    assert named.key == d5.key  # the same weights under another name
    keys = {d5.key}
    for change in ({"difficulty": 6}, {"temperature": 1.0}, {"light": True}, {"profile": "heuristic_v1_weak"}):
        arguments = {"difficulty": 5} | change
        keys.add(participant("heuristic", SQUARE8, **arguments).key)
    assert len(keys) == 5


def test_a_participant_survives_json():
    for player in (participant("heuristic", SQUARE8, 2, temperature=3), participant("random", SQUARE8, 1)):
        copy = Participant.from_dict(json.loads(json.dumps(player.to_dict())))
        assert (copy, copy.key) == (player, player.key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "chess"}, "engine: 'chess'.*random, heuristic, minimax, mcts, descent, gumbel"),
        ({"model": "a" * 64}, "heuristic plays without a network"),
        ({"full_share": 0.5}, "heuristic plays without a network"),
        ({"full_share": 0}, "full_share: 0.*above 0"),
        ({"engine": ["heuristic"]}, "engine.*random, heuristic"),
        ({"difficulty": 0}, "difficulty: 0.*1 to 11"),
        ({"difficulty": True}, "difficulty: True"),
        ({"randomness": 1.5}, "randomness: 1.5.*0 to 1"),
        ({"randomness": float("nan")}, "randomness: nan"),
        ({"temperature": -1}, "temperature: -1"),
        ({"profile": None}, "heuristic needs both"),
        ({"light": 1}, "light: 1"),
        ({"budget": -1}, "budget: -1"),
        ({"budget": 100}, "heuristic does not search"),
        ({"engine": "minimax", "budget": 0}, "budget: 0 .*minimax takes an integer from 1"),
        ({"time_ms": 0.5}, "time_ms: 0.5"),
        ({"strength": 5}, "participant.*allowed are engine, difficulty"),
    ],
)
def test_bad_participants_are_refused(change, message):
    content = {"engine": "heuristic", "difficulty": 5, "profile": "p", "profile_hash": "h"} | change
    with pytest.raises(InvalidInput, match=message):
        Participant.from_dict(content)


def test_a_player_without_weights_takes_none():
    with pytest.raises(InvalidInput, match="random has neither"):
        Participant("random", 1, profile="p", profile_hash="h")


def test_engine_modes():
    assert available_engine_modes() == tuple(mode for mode in ENGINE_MODES if mode != "nn-only")
    modes = [engine_of_mode(mode) for mode in available_engine_modes()]
    assert modes == ["random", "heuristic", "minimax", "mcts", "descent", None, None]
    assert available_engine_modes(champion=True) == ENGINE_MODES and engine_of_mode("nn-only") == "gumbel"
    with pytest.raises(InvalidInput, match="engine mode: 'chess'"):
        engine_of_mode("chess")
    assert len({engine.number for engine in ENGINES.values()}) == len(ENGINES)


def test_reading_a_participant_needs_no_numba():
    code = "import sys, ringrift.players.participant; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_participant_of_another_engine_version_is_refused():
    content = participant("heuristic", SQUARE8, 5).to_dict()
    assert content["version"] == ENGINES["heuristic"].version
    with pytest.raises(InvalidInput, match="this code plays heuristic version"):
        Participant.from_dict(content | {"version": 99})


def test_keys_of_players_without_a_network_stay_as_they_were():
    keys = {engine: participant(engine, SQUARE8, 5).key for engine in ENGINES if engine != "gumbel"}
    assert keys == {
        "random": "0cb42df09920ccb9",
        "heuristic": "04bd962faee27958",
        "minimax": "bc8abfff603b1cd4",
        "mcts": "a3458a636eba9f88",
        "descent": "02adc41f2971da12",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "model: None.*64 hex digits"),
        ({"model": "A" * 64}, "64 hex digits"),
        ({"budget": 0}, "gumbel takes an integer from 1"),
        ({"budget": 2000}, "from 1 to 1024"),
        ({"randomness": 0.1}, "use temperature"),
        ({"time_ms": 5}, "use temperature"),
        ({"profile": "p", "profile_hash": "h"}, "gumbel has neither"),
    ],
)
def test_bad_players_with_a_network_are_refused(change, message):
    good = participant("gumbel", SQUARE8, 9, model="a" * 64)
    assert good.budget == 32 and Participant.from_dict(good.to_dict()) == good
    assert good.key != participant("gumbel", SQUARE8, 9, model="b" * 64).key
    with pytest.raises(InvalidInput, match=message):
        Participant.from_dict(good.to_dict() | change)


def test_participants_with_another_setting_have_another_name():
    from ringrift.matches.plan import participant_name

    one = Participant("heuristic", 2, profile="p", profile_hash="0")
    assert participant_name(one) != participant_name(dataclasses.replace(one, randomness=0.1))
