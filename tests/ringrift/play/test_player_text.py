"""Players written as text."""

import json

import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.play.player_text import profiles_of, read_player, with_ceiling
from ringrift.players.benchmarks import benchmark
from ringrift.players.heuristic.profiles import PROFILES, complete_weights, profile_hash, profiles_file
from ringrift.players.ladder import rung
from ringrift.players.participant import participant

SQUARE8 = Config("square8", 2)


def test_the_texts_of_players():
    assert read_player("heuristic", SQUARE8) == participant("heuristic", SQUARE8, 5)
    assert read_player("heuristic:3", SQUARE8) == participant("heuristic", SQUARE8, 3)
    assert read_player("random", SQUARE8) == participant("random", SQUARE8, 1)
    assert read_player("D3", SQUARE8) == rung(3, SQUARE8)
    assert read_player("B2", SQUARE8) == benchmark("B2", SQUARE8)
    assert read_player("human", SQUARE8) is None
    weak = read_player("heuristic:7/weak", SQUARE8)
    assert weak.profile_hash == profile_hash(PROFILES["heuristic_v1_weak"]) and weak.difficulty == 7
    assert read_player("heuristic:7/heuristic_v1_weak", SQUARE8) == weak


def test_a_profile_of_a_file_and_light_finishing_stand_behind_the_player(tmp_path):
    weights = {"WEIGHT_MOBILITY": 9.0}
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps(profiles_file({"heuristic_v1_sq8_2p": weights}, {})))
    text = f"descent:5@400+profile:{path}+light"
    player = read_player(text, SQUARE8)
    assert player.profile_hash == profile_hash(weights) and player.light_finish and player.budget == 400
    assert profiles_of([text, "random"], SQUARE8) == {player.profile: complete_weights(weights)}
    assert read_player("mcts:3+light", SQUARE8).key != read_player("mcts:3", SQUARE8).key
    with pytest.raises(InvalidInput, match="no profile heuristic_v1_sq8_3p"):
        read_player(text, Config("square8", 3))
    with pytest.raises(InvalidInput, match="heuristic finishes no turns in a search"):
        read_player("heuristic:3+light", SQUARE8)
    with pytest.raises(InvalidInput, match="random has no profile"):
        read_player(f"random+profile:{path}", SQUARE8)
    with pytest.raises(InvalidInput, match="a human judges positions without a file"):
        read_player("human+light", SQUARE8)


def test_a_budget_is_that_of_an_engine_that_searches():
    deep = read_player("descent:6@5000", SQUARE8)
    usual = read_player("descent:6", SQUARE8)
    assert deep.budget == 5000 != usual.budget and deep.key != usual.key
    assert read_player("mcts:4/weak@70", SQUARE8) == read_player("mcts:4@70/weak", SQUARE8)
    assert read_player("B4", SQUARE8).engine == "descent"


def test_a_ceiling_is_for_those_who_search():
    assert with_ceiling(read_player("mcts:4", SQUARE8), 20).time_ms == 20
    for text in ("heuristic", "random", "human"):
        player = read_player(text, SQUARE8)
        assert with_ceiling(player, 20) == player


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heuristc", "use ENGINE.*D1 to D10.*B2, B4.*nearest known name is 'heuristic'"),
        ("D12", "nearest known name is 'D"),
        ("", "use ENGINE"),
        ("D3:4", "use ENGINE"),
        ("human:3", "nearest known name is 'human'"),
        ("heuristic:3:4", "use ENGINE"),
        ("heuristic:12", "1 to 11"),
        ("heuristic:x", "'x' is no number"),
        ("heuristic:-1", "'-1' is no number"),
        ("D10", "played by the champion"),
        ("heuristic@50", "has no budget"),
        ("mcts@0", "budget: 0"),
        ("random/weak", "random has no profile"),
        ("heuristic/wek", "nearest is 'heuristic_v1_weak'"),
    ],
)
def test_a_bad_text_says_what_is_allowed(text, message):
    with pytest.raises(InvalidInput, match=message):
        read_player(text, SQUARE8)
