"""Training of the value network: it learns what there is, nothing else, and the same each time."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.gamesets.shards import write_shard
from ringrift.network.card import load_pair, weights_hash
from ringrift.network.encoder import encode
from ringrift.network.layout import grids
from ringrift.network.training.loop import Settings, train
from ringrift.network.training.window import WindowShape, held_out, select_window
from ringrift.network.value.files import load_value_network
from ringrift.network.value.model import make_batch
from ringrift.network.value.rows import ValueRows, make_value_rows, turn_features
from ringrift.network.value.training import ValueTask
from ringrift.players.search.value_net import PER_CELL, shapes_of
from ringrift.rules.game import Game
from ringrift.rules.geometry import board
from ringrift.rules.state import CUR
from ringrift_assets.cli import models as cli_models
from tests.ringrift.conftest import HEX8, play

QUICK = Settings(
    batch_size=64,
    epochs=4,
    max_row_uses=2,
    learning_rate=3e-3,
    weight_decay=1e-2,
    patience=4,
    device="cpu",
    warmup_steps=4,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def many() -> pa.Table:
    return play(HEX8, 120)


@pytest.fixture(scope="module")
def value_rows(many: pa.Table) -> ValueRows:
    return make_value_rows(select_window([many], HEX8, WindowShape()).games, HEX8)


@pytest.fixture(scope="module")
def held(many: pa.Table) -> np.ndarray:
    return np.arange(many.num_rows) % 5 == 0


def test_rows_are_the_first_positions_of_turns_with_what_came_of_them(many, value_rows):
    games = select_window([many], HEX8, WindowShape()).games
    at = 0
    for number, row in enumerate(games.slice(0, 5).to_pylist()):
        game, before = Game(HEX8), None
        for code in row["moves"]:
            seat = int(game.state[CUR])
            if seat != before:
                assert value_rows.game[at] == number
                batch = make_batch(value_rows, np.array([at]))
                assert len(batch.active) == value_rows.first[at + 1] - value_rows.first[at]
                assert batch.ranks[0, :2].tolist() == [row["ranking"][seat], row["ranking"][1 - seat]]
                at += 1
            before = seat
            game.play(code)
    assert at == np.searchsorted(value_rows.game, 5)
    assert at < games.slice(0, 5)["plies"].to_numpy().sum()


def test_rows_do_not_depend_on_how_many_games_are_replayed_at_once(many, value_rows, monkeypatch):
    games = select_window([many], HEX8, WindowShape()).games
    monkeypatch.setattr("ringrift.network.value.rows.CHUNK_WORDS", 1)
    again = make_value_rows(games, HEX8)
    for name in ("active", "first", "numbers", "ranks", "game"):
        np.testing.assert_array_equal(getattr(again, name), getattr(value_rows, name))


@pytest.mark.parametrize("config", [Config("square8", 2), HEX8])
def test_a_turned_row_is_the_turned_position(config):
    game = Game(config)
    game.play_random(np.array([3], dtype=np.uint64), 30)
    cells = len(grids(config.board)[0])
    block = config.players * PER_CELL
    active = np.arange(cells) * block + 12
    for symmetry in range(len(grids(config.board))):
        turned = turn_features(active, config, np.full(cells, symmetry))
        assert sorted(turned) == sorted(active)
        plane = encode(game.state[None], symmetry).planes[0, 0]  # 1 where the player to move controls a stack
        plain = encode(game.state[None]).planes[0, 0][grids(config.board)[0]]
        np.testing.assert_array_equal(plane[grids(config.board)[0]][turned // block], plain)


def test_true_results_are_learned_and_shuffled_ones_are_not(value_rows, held):
    games = len(held)
    true = train(ValueTask(value_rows), held, QUICK, 1)
    assert true.metrics["loss"] < 0.92 * math.log(2)
    assert true.metrics["value_mse"] < 0.9 * true.metrics["value_mse_constant"]
    assert 1 <= len(true.history) <= 4 and true.metrics == {
        name: value for name, value in true.history[true.best_epoch - 1].items() if name in true.metrics
    }
    swapped = np.random.default_rng(0).random(games) < 0.5  # whose side won is drawn anew for each game
    ranks = value_rows.ranks.copy()
    mine = swapped[value_rows.game]
    ranks[mine, :2] = ranks[mine, 1::-1]
    shuffled = train(ValueTask(replace(value_rows, ranks=ranks)), held, QUICK, 1)
    assert shuffled.metrics["loss"] > 0.98 * math.log(2)


def test_equal_seeds_give_equal_weights(value_rows, held):
    one, same, other = (train(ValueTask(value_rows), held, replace(QUICK, max_row_uses=1), seed) for seed in (1, 1, 2))
    assert weights_hash(one.weights) == weights_hash(same.weights) != weights_hash(other.weights)
    assert one.history == same.history


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(value_rows, held, tmp_path, after):
    task, checkpoint = ValueTask(value_rows), tmp_path / "checkpoint.pt"
    whole = train(task, held, QUICK, 7)

    def kill(figures: dict[str, float]) -> None:
        if figures["epoch"] == after:
            raise Killed

    with pytest.raises(Killed):
        train(task, held, QUICK, 7, checkpoint=checkpoint, report=kill)
    seen: list[float] = []
    resumed = train(task, held, QUICK, 7, checkpoint=checkpoint, report=lambda figures: seen.append(figures["epoch"]))
    assert seen == [1.0, 2.0, 3.0, 4.0][after:]
    assert weights_hash(resumed.weights) == weights_hash(whole.weights) and resumed.history == whole.history
    with pytest.raises(InvalidInput, match="remove the file"):
        train(task, held, replace(QUICK, epochs=5), 7, checkpoint=checkpoint)


def test_games_of_three_are_learned_from_every_seat():
    config = Config("hex8", 3)
    games = select_window([play(config, 12)], config, WindowShape()).games
    rows = make_value_rows(games, config)
    assert rows.ranks.shape == (len(rows), 3) and set(np.unique(rows.ranks)) <= {1, 2, 3}
    seats = {tuple(ranks) for ranks in rows.ranks[rows.game == 0]}
    assert {tuple(np.roll(games["ranking"][0].as_py(), -seat)) for seat in range(3)} >= seats and len(seats) > 1
    trained = train(ValueTask(rows), np.arange(12) < 3, replace(QUICK, max_row_uses=1), 1)
    shapes = {name: tensor.shape for name, tensor in trained.weights.items()}
    assert shapes == shapes_of(board("hex8").cells, 3) and trained.metrics["value_mse_constant"] > 0


def test_what_cannot_be_trained_on_is_refused(value_rows, held):
    with pytest.raises(InvalidInput, match="give more games"):
        train(ValueTask(value_rows), np.zeros_like(held), QUICK, 1)
    with pytest.raises(InvalidInput, match="give more games"):
        train(ValueTask(value_rows), np.ones_like(held), QUICK, 1)


def test_the_command_trains_a_file_that_players_can_load(many, value_rows, tmp_path):
    shard, out = tmp_path / "games.parquet", tmp_path / "value.safetensors"
    write_shard(shard, many)
    app = Typer()
    cli_models.register(app)

    def run(*arguments: object) -> object:
        return CliRunner().invoke(app, ["models", "train-value", *map(str, arguments)], catch_exceptions=False)

    done = run("-c", "hex8_2p", "--games", shard, "--out", out, "--seed", 3)
    assert done.exit_code == 0 and f"of {many.num_rows} games" in done.stdout
    _, card = load_pair(out, kind="value", config=HEX8)
    assert card.weights in done.stdout and load_value_network(out, HEX8).weights == card.weights
    window = card.window
    apart = held_out(select_window([many], HEX8, WindowShape()).games["game_hash"].to_pylist(), 0.1)
    assert window["held_out_games"] == apart.sum()
    assert window["training_rows"] == sum(not apart[game] for game in value_rows.game) < len(value_rows)
    assert window["files"][0]["path"] == "games.parquet"
    again = tmp_path / "again.safetensors"
    found = run("-c", "hex8_2p", "--games", shard, "--out", again, "--seed", 3, "--json")
    assert card.weights in found.stdout and again.read_bytes() == out.read_bytes()
    with pytest.raises(MissingInput, match="no game of hex8_3p"):
        run("-c", "hex8_3p", "--games", shard, "--out", out)
    with pytest.raises(InvalidInput, match=r"ends in \.safetensors"):
        run("-c", "hex8_2p", "--games", shard, "--out", tmp_path / "value.bin")
