"""An exported champion plays as it was judged, and a folder that does not belong together is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.play.exports import read_export
from ringrift.play.player_text import load_values, profiles_of, read_player
from ringrift.play.series import play_series
from ringrift.play.summary import Series
from ringrift.players.heuristic.profiles import complete_weights, profile_hash
from ringrift.players.participant import Participant, participant
from tests.ringrift.network.nets import save_value

HEX8 = Config("hex8", 2)
WEIGHTS = complete_weights({"WEIGHT_MOBILITY": 9.0})


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Path, Participant]:
    """A folder as `models export` writes it, and the player in it."""
    saved = save_value(tmp_path / "model.safetensors", HEX8)
    player = participant("mcts", HEX8, 1, profile="mine", profiles={"mine": WEIGHTS}, budget=5)
    player = replace(player, value_model=saved.weights, light_finish=True)
    write(tmp_path, "player", {"config": HEX8.key, "player": player.to_dict()})
    profile = {"config": HEX8.key, "profile": "mine", "profile_hash": profile_hash(WEIGHTS), "weights": WEIGHTS}
    write(tmp_path, "profile", profile)
    return tmp_path, player


def write(folder: Path, name: str, content: dict) -> None:
    (folder / f"{name}.json").write_text(json.dumps(content))


def test_the_player_in_a_folder_is_the_one_that_was_exported_and_plays(exported):
    folder, player = exported
    text = f"export:{folder}"
    assert read_player(text, HEX8) == player and read_player(f"{text}@7", HEX8) == replace(player, budget=7)
    assert set(load_values([text], HEX8)) == {player.value_model}
    assert profiles_of([text], HEX8) == {"mine": WEIGHTS}
    opponent = read_player("random", HEX8)
    series = Series(config=HEX8, specs=[text, "random"], players=[player, opponent], blocks=1)
    rows = list(play_series(series))
    assert len(rows) == 2 and all(row["victory"] for row in rows)


def test_a_network_that_is_not_the_players_is_refused(exported):
    folder, player = exported
    other = replace(player, value_model="a" * 64)
    write(folder, "player", {"config": HEX8.key, "player": other.to_dict()})
    with pytest.raises(InvalidInput, match=r"the player plays with a{64}; export the model again"):
        read_export(folder, HEX8)


def test_another_config_a_missing_file_and_an_unknown_field_are_refused(exported):
    folder, player = exported
    with pytest.raises(InvalidInput, match="its player is of hex8_2p, the games are square8_2p"):
        read_player(f"export:{folder}", Config("square8", 2))
    with pytest.raises(MissingInput, match=r"player\.json"):
        read_player(f"export:{folder / 'nowhere'}", HEX8)
    write(folder, "player", {"config": HEX8.key, "player": player.to_dict() | {"strength": 9}})
    with pytest.raises(InvalidInput, match="participant"):
        read_export(folder, HEX8)


def test_other_weights_under_the_profiles_name_are_refused_when_it_plays(exported):
    folder, player = exported
    write(folder, "profile", {"config": HEX8.key, "profile": "mine", "profile_hash": "x", "weights": {}})
    series = Series(config=HEX8, specs=[f"export:{folder}"], players=[player], blocks=1)
    with pytest.raises(InvalidInput, match="was made with weights of hash"):
        list(play_series(series))
