"""The train job: from game sets to a model with its card, through death and resumption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
import torch

from ringrift.errors import InvalidInput
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.directory import read_manifest, read_state
from ringrift.jobs.inputs import InputFile, input_file
from ringrift.jobs.worker import run_job
from ringrift.kinds.train import CHECKPOINT
from ringrift.network.card import ENCODERS, load_card
from ringrift.network.tensors import load_model
from ringrift.network.training.rows import make_rows
from ringrift.network.training.window import WindowShape, held_out, select_window
from ringrift.network.value.files import ARCHITECTURE, load_value_network
from ringrift.planning.jobs import train_job, train_params
from ringrift.planning.pipeline import Pipeline
from ringrift.plots.losses import render_small_losses
from ringrift.specs.train import VALUE_ARCHITECTURE, LoopSettings, TrainedNetwork, TrainParams
from ringrift.strict import parse
from tests.ringrift.conftest import HEX8

NUMBERS = {
    "kind": "policy_value",
    "blocks": 2,
    "channels": 8,
    "batch_size": 64,
    "max_row_uses": 2,
    "device": "cpu",
    "epochs": {"hex8_2p": 4},
}
JOBS = [
    {"name": "a_job", "config": "hex8_2p", "games": 30, "engine": "mixed"},
    {"name": "b_job", "config": "hex8_2p", "games": 30, "engine": "descent-only"},
    {"name": "wide", "config": "hex8_3p", "games": 30, "engine": "mcts-only"},
]
VALUE_NUMBERS = {"kind": "value", "value": {"batch_size": 64, "max_row_uses": 2, "epochs": 4}}


@pytest.fixture
def home(tmp_path, monkeypatch, games) -> Path:
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    write_shard(tmp_path / "games.parquet", games)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(before)


def spec_of(home: Path, iteration: int = 0, start: Path | None = None, **numbers) -> JobSpec:
    pipeline = parse(Pipeline, {"training": NUMBERS | numbers, "selfplay": {"jobs": JOBS}}, "test")
    games = [input_file(home, home / "games.parquet")]
    parent = load_card(start.with_suffix(".json")).weights if start else None
    return train_job(pipeline, "hex8_2p", iteration, games, parent=parent, start=start and input_file(home, start))


def folder_of(home: Path, spec: JobSpec, name: str = "") -> Path:
    folder = home / (name or spec.job_id)
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(spec.canonical())
    return folder


def test_a_job_leaves_a_model_its_card_and_a_plot(home, games):
    spec = spec_of(home)
    folder = folder_of(home, spec)
    assert run_job(folder) == 0
    manifest = read_manifest(folder, spec.job_id)
    assert [shard.name for shard in manifest.shards] == ["model.safetensors", "model.json", "losses.svg"]
    net, card = load_model(folder / "out" / "model.safetensors", HEX8)
    result = manifest.result
    assert card.weights == result["weights"] and card.parent is None and not net.training
    assert card.window["files"] == spec.params["games"] and card.window["games"] == 30
    assert card.window["digest"] == result["window"]["digest"] and card.metrics == result["metrics"]
    assert 0.2 < result["soft_share"] < 0.9 and 0 < result["window"]["held_out_games"] < 15
    shape, share = WindowShape(**spec.params["window"]), spec.params["held_out_share"]
    window = select_window([games], HEX8, shape).games
    apart, rows = held_out(window["game_hash"].to_pylist(), share), make_rows(window, HEX8)
    assert card.window["training_rows"] == sum(not apart[game] for game in rows.game) < len(rows)
    assert card.training["epochs_run"] == 4 == len(result["history"])
    progress = [
        message["params"]["payload"]
        for message in map(json.loads, (folder / contract.MESSAGES).read_text().splitlines())
        if message["method"] == "report_custom_message" and message["params"]["payload"]["event"] == "progress"
    ]
    assert [event["done"] for event in progress] == [1, 2, 3, 4]
    assert "outcome, held out" in (folder / "out" / "losses.svg").read_text()
    assert len(result["small_plot"]) < 950 and len(render_small_losses(result["history"] * 25)) < 950

    child = spec_of(home, 1, folder / "out" / "model.safetensors")
    again = folder_of(home, child)
    assert run_job(again) == 0
    _, card = load_model(again / "out" / "model.safetensors", HEX8)
    result = read_manifest(again, child.job_id).result
    assert card.parent == manifest.result["weights"] == result["parent"]
    assert result["start_metrics"]["loss"] == pytest.approx(manifest.result["metrics"]["loss"], rel=1e-5)

    anew = spec_of(home, 1, folder / "out" / "model.safetensors", from_champion=False, channels=16)
    assert anew.params["start"] is None and anew.params["parent"] == manifest.result["weights"]
    other = folder_of(home, spec_of(home, 1, folder / "out" / "model.safetensors", channels=16))
    assert run_job(other) == 1
    assert "from_champion" in read_state(other).error and "'channels': 8" in read_state(other).error


def test_a_job_of_a_value_network_leaves_one_that_players_can_load(home, games):
    rows = games.to_pylist()
    write_shard(home / "games.parquet", table_of([row | {"job": "b_job"} for row in rows[:22]] + rows[22:]))
    spec = spec_of(home, 3, **VALUE_NUMBERS, sources=["descent-only"])
    spec = spec.model_copy(update={"params": spec.params | {"parent": "a" * 64}})
    folder = folder_of(home, spec)
    assert run_job(folder) == 0, read_state(folder)
    result = read_manifest(folder, spec.job_id).result
    network, card = load_value_network(folder / "out" / "model.safetensors", HEX8), load_card(folder / "out/model.json")
    assert network.weights == card.weights == result["weights"] and card.iteration == 3
    assert card.kind == "value" and card.architecture == VALUE_ARCHITECTURE == ARCHITECTURE
    assert card.parent == result["parent"] == "a" * 64 and result["start_metrics"] is None
    assert card.window["files"] == spec.params["games"] and card.window["sources"] == ["b_job"]
    assert card.window["games"] == 22 and card.window["left_out"] == {"other_job": 8}
    assert result["window"] == {name: value for name, value in card.window.items() if name != "files"}
    assert sum(result["players"].values()) == 44 and result["soft_share"] is None
    assert "soft_share" not in card.training and card.training["epochs"] == 4
    assert set(result["history"][0]) == {"epoch", "train_loss", "loss", "value_mse", "value_mse_constant", "rows"}
    plot = (folder / "out" / "losses.svg").read_text()
    assert "outcome, held out" in plot and "policy," not in plot and plot.count('stroke-width="2"') == 2
    assert len(result["small_plot"]) < 950


def test_a_value_network_never_begins_with_weights_and_a_tower_with_those_of_its_parent(home):
    folder = folder_of(home, spec_of(home))
    assert run_job(folder) == 0
    model = folder / "out" / "model.safetensors"
    value = spec_of(home, 1, model, **VALUE_NUMBERS)
    assert value.params["start"] is None and value.params["parent"] == load_card(model.with_suffix(".json")).weights
    tower = spec_of(home, 1, model)
    for wrong in (
        value.params | {"start": tower.params["start"]},
        tower.params | {"parent": None},
        tower.params | {"architecture": {"blocks": 2}},
        value.params | {"architecture": {"width": 128, "narrow": 32}},
    ):
        with pytest.raises(InvalidInput):
            parse(TrainParams, wrong, "test")
    other = tower.model_copy(update={"params": tower.params | {"parent": "b" * 64}})
    folder = folder_of(home, other, "other")
    assert run_job(folder) == 1 and "has other weights" in read_state(folder).error


def test_each_config_has_its_kind_of_network_and_its_sources():
    def params(config: str, **training: object) -> TrainParams:
        pipeline = parse(Pipeline, {"training": training, "selfplay": {"jobs": JOBS}}, "test")
        return train_params(pipeline, config, 0, [InputFile(path="games.parquet", sha256="0" * 64)])

    assert set(get_args(TrainedNetwork)) == set(ENCODERS), "the kinds of a model's card"
    kinds = {"square8_2p": "value", "hexagonal_2p": "policy_value"}
    found = {config: params(config, kind=kinds, device="cpu") for config in (*kinds, "square19_2p")}
    assert [found[config].network for config in found] == ["value", "policy_value", "value"]
    assert found["square8_2p"].settings == LoopSettings(
        batch_size=512, learning_rate=1e-3, weight_decay=0.01, max_row_uses=8, patience=4, epochs=16, device="cpu"
    )
    assert found["hexagonal_2p"].architecture == {"blocks": 4, "channels": 64}
    assert found["hexagonal_2p"].settings == LoopSettings(epochs=30, device="cpu")
    assert params("hex8_2p").sources is None, "a config outside the nine needs no number of epochs"
    assert params("hex8_2p", sources=["descent-only", "mixed"]).sources == ["a_job", "b_job"]
    assert params("hex8_2p", sources=["mixed"]).sources == ["a_job"]
    with pytest.raises(InvalidInput, match=r"training\.sources: 'mcts-only' .*hex8_2p play mixed, descent-only"):
        params("hex8_2p", sources=["mixed", "mcts-only"])
    with pytest.raises(InvalidInput, match=r"training\.epochs"):
        params("hex8_2p", kind="policy_value")


def launch(folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "ringrift.jobs.worker", "run", str(folder)], env=dict(os.environ))


@pytest.mark.slow
@pytest.mark.parametrize(
    "numbers",
    [{"epochs": {"hex8_2p": 12}}, {"kind": "value", "value": {"batch_size": 16, "epochs": 40, "patience": 40}}],
)
def test_a_killed_job_goes_on_to_the_same_weights(home, numbers):
    spec = spec_of(home, **numbers)
    whole, killed = folder_of(home, spec, "whole"), folder_of(home, spec, "killed")
    assert run_job(whole) == 0
    process = launch(killed)
    end = time.monotonic() + 300
    while not (killed / CHECKPOINT).exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert read_manifest(killed, spec.job_id) is None, "it was too fast to be killed"
    assert run_job(killed) == 0
    first, second = (read_manifest(folder, spec.job_id) for folder in (whole, killed))
    assert first.result == second.result
    assert first.shards == second.shards


def test_files_that_changed_or_hold_nothing_to_learn_from_end_the_job(home, games):
    spec = spec_of(home)
    write_shard(home / "games.parquet", games.slice(0, 1))
    folder = folder_of(home, spec)
    assert run_job(folder) == 1 and "changed since" in read_state(folder).error
    single = spec_of(home)
    folder = folder_of(home, single)
    assert run_job(folder) == 1 and "give more games" in read_state(folder).error
    rows = games.slice(0, 2).to_pylist()
    write_shard(home / "games.parquet", pa.Table.from_pylist([r | {"config": "hex8_3p"} for r in rows], games.schema))
    folder = folder_of(home, spec_of(home))
    assert run_job(folder) == 1 and "left out: {'other_config': 2}" in read_state(folder).error


def test_numbers_of_the_pipeline_that_make_no_network_are_refused():
    for bad in (
        {"kind": "policy"},
        {"kind": {"square9_2p": "value"}},
        {"sources": ["chess-only"]},
        {"blocks": 0},
        {"learning_rate": 0},
        {"device": "gpu"},
        {"window": {"rows": 0}},
        {"chanels": 8},
    ):
        with pytest.raises(InvalidInput):
            parse(Pipeline, {"training": bad}, "test")
