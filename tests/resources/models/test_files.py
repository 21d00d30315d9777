"""Model files: found by weights, exported with all a game server needs."""

import json

import pytest

from ringrift.errors import MissingInput
from ringrift.network.card import load_pair
from ringrift.players.heuristic.profiles import find_profile, profile_hash, trained_profile_name
from tests.resources.model_makers import put_model, put_record
from tests.resources.sample_contents import sample


def test_files_are_found_by_weights_even_after_the_name_has_gone_to_others(registry, store, home):
    old = put_model(store, 0, seed=1)
    path = registry.weights_path(old)
    assert path == home.models / "square8_2p_iter0.safetensors" and load_pair(path, kind="policy_value")
    path.unlink()
    assert registry.weights_path(old).is_file(), "the view is made again"
    new = put_model(store, 0, seed=2)
    assert load_pair(registry.weights_path(new), kind="policy_value")[1].weights == new
    kept = registry.weights_path(old)
    assert kept.name == f"square8_2p_iter0-{old[:8]}.safetensors"
    assert load_pair(kept, kind="policy_value")[1].weights == old
    with pytest.raises(MissingInput, match="no model with weights 0000"):
        registry.weights_path("0" * 64)


def test_an_export_is_all_a_game_server_needs_with_the_profile_weights_that_were_in_force(registry, store, tmp_path):
    weights = put_model(store, 0, seed=1)
    unknown = registry.export("square8_2p_iter0", tmp_path / "unknown")[2]
    assert json.loads(unknown.read_text())["profile"] == "heuristic_v1_balanced", "no incumbent is known"
    tuned = {**find_profile("heuristic_v1_balanced"), "WEIGHT_TERRITORY": 9.5}
    name = trained_profile_name("square8", 2)
    force = {"profile": name, "profile_hash": profile_hash(tuned), "profile_weights": tuned}
    put_record(store, "incumbent", "square8_2p", 0, sample("incumbent", **force))
    files = registry.export("square8_2p_iter0", tmp_path / "server")
    assert [path.name for path in files] == ["model.safetensors", "model.json", "profile.json"]
    assert load_pair(files[0], kind="policy_value")[1].weights == weights
    profile = json.loads(files[2].read_text())
    assert (profile["profile"], profile["profile_hash"], profile["weights"]) == (name, profile_hash(tuned), tuned)
