"""The ladder with a champion: its rungs are played by what was exported, at growing budgets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ringrift.bench.ladder import Pair, _play_block, _series, bench_ladder, pairs
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import BALANCED
from ringrift.players.participant import participant
from tests.ringrift.network.nets import save_value

HEX8 = Config("hex8", 2)


@pytest.fixture
def champion(tmp_path: Path) -> Path:
    """A folder as `models export` writes it, of a champion with a value network."""
    saved = save_value(tmp_path / "model.safetensors", HEX8)
    player = participant("descent", HEX8, 1, profile=BALANCED, budget=5)
    about = {"config": HEX8.key, "player": replace(player, value_model=saved.weights).to_dict()}
    (tmp_path / "player.json").write_text(json.dumps(about))
    profile = {"config": HEX8.key, "profile": BALANCED, "profile_hash": player.profile_hash, "weights": {}}
    (tmp_path / "profile.json").write_text(json.dumps(profile))
    return tmp_path


def test_without_a_champion_the_ladder_ends_at_the_rungs_without_a_network():
    assert [(pair.below, pair.difficulty) for pair in pairs([HEX8], 2, 10)] == [(n, n + 1) for n in range(1, 8)]
    assert [pair.difficulty for pair in pairs([HEX8], None, None)] == [2, 3, 4]


def test_a_champion_plays_the_highest_rungs_at_growing_budgets(champion):
    found = list(pairs([HEX8], 4, None, champion, bottom=8))
    assert [(pair.below, pair.difficulty, pair.blocks) for pair in found] == [(8, 9, 2), (9, 10, 2)]
    upper, lower = (list(_series(pair).players) for pair in found)
    assert lower[1] == upper[0] and upper[1].value_model is None
    assert {player.engine for player in lower} == {"descent"} and lower[0].budget == 3 * lower[1].budget
    assert lower[0].value_model == lower[1].value_model and lower[0].value_model is not None


def test_a_champion_of_another_config_is_refused(champion):
    with pytest.raises(InvalidInput, match="its player is of hex8_2p"):
        list(pairs([Config("square8", 2)], 2, None, champion))


def test_the_report_has_a_row_and_a_measure_a_pair():
    told = []
    found = bench_ladder([HEX8], 2, 2, found=told.append)
    [row], [measure] = found["rows"], found["measures"]
    assert told == [row] and row["rung"] == "D2" and row["games"] == 2
    assert measure["name"] == "hex8_2p.D2_over_D1.score" and measure["value"] == row["score"] and measure["bar"] == 0.5


def test_a_block_with_a_champion_is_played_by_its_network(champion, monkeypatch):
    quick = Pair(HEX8, 9, 2, 1, f"export:{champion}")
    monkeypatch.setattr("ringrift.bench.ladder.rung", _small)
    score, _, plies = _play_block(quick, 0)
    assert 0 <= score <= 1 and plies > 20


def _small(difficulty, config, profiles, champion):
    return replace(champion, budget=5) if difficulty == 9 else participant("random", config, 1)
