"""The registry: derived from the store, identity by weights, acts of people kept for ever."""

import json
import subprocess
import sys
import threading

import pytest

from resources.models.registry import Registry
from resources.store.acts import acts_of, record_act
from resources.store.home import REPOSITORY, Home
from resources.store.record import StoreDamaged
from ringrift.errors import InvalidInput, MissingInput
from ringrift.network.card import load_pair
from ringrift.players.heuristic.profiles import find_profile, profile_hash, trained_profile_name
from tests.resources.model_makers import put_model, put_no_model, put_ratings, put_record, save_pair

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


@pytest.fixture
def registry(home: Home) -> Registry:
    return Registry(home)


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


def test_acts_of_many_writers_are_all_there_and_a_damaged_file_is_told(home):
    def write(n: int) -> None:
        for i in range(20):
            record_act(home, "note", n=n, i=i)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(act["n"], act["i"]) for act in acts_of(home, "note")} == {(n, i) for n in range(4) for i in range(20)}
    with (home.root / "acts.jsonl").open("a") as handle:
        handle.write("{half a li")
    with pytest.raises(StoreDamaged, match="line 81 does not parse"):
        record_act(home, "note")


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
    with pytest.raises(InvalidInput, match="its card names weights of hash"):
        registry.register("forged", other, "square8_2p")


def test_an_export_is_all_a_game_server_needs_with_the_profile_weights_that_were_in_force(registry, store, tmp_path):
    weights = put_model(store, 0, seed=1)
    unknown = registry.export("square8_2p_iter0", tmp_path / "unknown")[2]
    assert json.loads(unknown.read_text())["profile"] == "heuristic_v1_balanced", "no incumbent is known"
    tuned = {**find_profile("heuristic_v1_balanced"), "WEIGHT_TERRITORY": 9.5}
    name = trained_profile_name("square8", 2)
    force = {"profile": name, "profile_hash": profile_hash(tuned), "profile_weights": tuned}
    put_record(store, "incumbent", "square8_2p", 0, {"champion": None, **force})
    files = registry.export("square8_2p_iter0", tmp_path / "server")
    assert [path.name for path in files] == ["model.safetensors", "model.json", "profile.json"]
    assert load_pair(files[0], kind="policy_value")[1].weights == weights
    profile = json.loads(files[2].read_text())
    assert (profile["profile"], profile["profile_hash"], profile["weights"]) == (name, profile_hash(tuned), tuned)


def test_the_command_reads_the_store_without_anything_heavy(store, home):
    weights = put_model(store, 0, seed=1)
    put_ratings(store, 0, {weights: 1234.0})
    code = """
import json, sys
from typer import Typer
from typer.testing import CliRunner
from ringrift_assets import cli_models
app = Typer()
cli_models.register(app)
def run(*arguments):
    result = CliRunner().invoke(app, ["models", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout
assert [m["model_id"] for m in json.loads(run("list", "--json"))["models"]] == ["square8_2p_iter0"]
assert "square8_2p_iter0" in run("list") and "metrics.loss" in run("show", "square8_2p_iter0")
assert json.loads(run("show", "square8_2p_iter0", "--json"))["rating"] == 1234.0
assert "rating 1234" in run("best", "square8_2p")
assert json.loads(run("deprecate", "square8_2p_iter0", "--reason", "old", "--json"))["status"] == "deprecated"
assert json.loads(run("best", "square8_2p", "--json")) == {"model": None}
assert "trained elsewhere" not in run("list")
print([name for name in ("dagster", "torch", "numba", "pyarrow") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
