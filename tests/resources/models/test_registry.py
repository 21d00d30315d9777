"""The registry: derived from the store, identity by weights, acts of people kept for ever."""

import pytest

from resources.models.registry import Registry
from resources.store.acts import acts_of
from ringrift.errors import InvalidInput, MissingInput
from tests.resources.model_makers import put_model, put_no_model, put_ratings, save_pair

DOCUMENTED = {
    "model_id",
    "path",
    "config",
    "parent_id",
    "created_at",
    "iteration",
    "metrics",
    "status",
    "deprecated_at",
    "deprecation_reason",
}


def test_models_are_what_the_store_has_trained_with_the_documented_fields(registry, store):
    first = put_model(store, 0, seed=1)
    put_no_model(store, 1)
    second = put_model(store, 5, seed=2, parent=first)
    put_model(store, 0, seed=3, config="hexagonal_2p")
    models = registry.models()
    assert [m.model_id for m in models] == ["square8_2p_iter0", "square8_2p_iter5", "hexagonal_2p_iter0"]
    entry = models[1].to_json()
    assert entry.keys() >= DOCUMENTED
    assert (entry["parent_id"], entry["weights"], entry["status"]) == ("square8_2p_iter0", second, "active")
    assert entry["path"] == "models/square8_2p_iter5.safetensors" and entry["metrics"]["training_iteration"] == 5
    assert [m.model_id for m in registry.lineage("square8_2p_iter5")] == ["square8_2p_iter5", "square8_2p_iter0"]
    assert registry.get(second[:12]).model_id == "square8_2p_iter5"
    with pytest.raises(MissingInput, match="nearest is square8_2p_iter5"):
        registry.get("square8_2p_iter55")


def test_the_best_is_the_active_model_with_the_highest_rating_and_nobody_else(registry, store):
    a, b = put_model(store, 0, seed=1), put_model(store, 1, seed=2)
    put_model(store, 2, seed=3)
    assert registry.best("square8_2p") is None, "no rating is no number"
    put_ratings(store, 1, {"heuristic": 1900.0, a: 1500.0, b: 1600.0})
    best = registry.best("square8_2p")
    assert best and (best.model_id, best.rating) == ("square8_2p_iter1", 1600.0)
    put_ratings(store, 2, {b: 1400.0, a: 1450.0})
    assert registry.best("square8_2p").model_id == "square8_2p_iter0", "the newest table counts"
    registry.deprecate("square8_2p_iter0", "superseded")
    assert registry.best("square8_2p").model_id == "square8_2p_iter1"
    assert registry.best("square8_3p") is None


def test_a_rating_hangs_on_the_weights_and_not_on_the_name(registry, store):
    old = put_model(store, 0, seed=1)
    put_ratings(store, 0, {old: 1700.0})
    assert registry.get("square8_2p_iter0").rating == 1700.0
    put_model(store, 0, seed=9)
    assert registry.get("square8_2p_iter0").rating is None, "other weights have their games to play"


def test_deprecating_is_recorded_once_and_outlives_the_store(registry, store, home):
    put_model(store, 3, seed=1)
    first = registry.deprecate("square8_2p_iter3", "Superseded by iter5")
    again = registry.deprecate("square8_2p_iter3", "another reason")
    assert first == again and first.status == "deprecated" and first.deprecated_at
    assert again.deprecation_reason == "Superseded by iter5" and len(acts_of(home)) == 1
    assert Registry(home, acts=0).get("square8_2p_iter3").status == "active", "as it was before that act"
    store.move_aside()
    put_model(store, 3, seed=1)
    assert registry.get("square8_2p_iter3").status == "deprecated"
    put_model(store, 3, seed=2)
    assert registry.get("square8_2p_iter3").status == "active", "these are other weights"
    with pytest.raises(InvalidInput, match="say why"):
        registry.deprecate("square8_2p_iter3", " ")


def test_a_model_trained_elsewhere_is_checked_copied_and_recorded_once(registry, home, tmp_path):
    pair = save_pair(tmp_path / "theirs", 4, "square8_2p", iteration=7)
    entry = registry.register("theirs", pair, "square8_2p", metrics={"loss": 0.234})
    assert (entry.iteration, entry.metrics["loss"], entry.path) == (7, 0.234, "models/theirs.safetensors")
    assert registry.register("theirs", pair, "square8_2p") == entry and len(acts_of(home)) == 1
    assert registry.weights_path(entry.weights) == home.models / "theirs.safetensors"
    assert registry.deprecate("theirs", "old").status == "deprecated"
    other = save_pair(tmp_path / "others", 5, "square8_2p")
    with pytest.raises(InvalidInput, match="name of other weights"):
        registry.register("theirs", other, "square8_2p")
    with pytest.raises(InvalidInput, match="square8_3p"):
        registry.register("wrong", other, "square8_3p")
    with pytest.raises(InvalidInput, match="plain name"):
        registry.register("../out", other, "square8_2p")
    other.write_bytes(pair.read_bytes())
    with pytest.raises(InvalidInput, match=r"these are the weights of hash .*; the card is of"):
        registry.register("forged", other, "square8_2p")
