"""Training against silent death: it learns what there is, nothing else, and the same each time."""

import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ringrift.errors import InvalidInput, RingRiftError
from ringrift.gamesets.shards import write_shard
from ringrift.network.card import weights_hash
from ringrift.network.model import Architecture, PolicyValueNet
from ringrift.network.tensors import net_inputs
from ringrift.network.training import loop as training
from ringrift.network.training.loop import Settings, Trained, choose_device, train
from ringrift.network.training.losses import evaluate, log_policy, losses_of, scores_of_ranks
from ringrift.network.training.policy_value import PolicyValueTask
from ringrift.network.training.rows import Batch, Batches, Rows
from tests.ringrift.network.test_model import random_net

SMALL = Architecture(2, 8)
QUICK = Settings(
    batch_size=64,
    epochs=3,
    max_row_uses=1,
    learning_rate=5e-3,
    weight_decay=1e-2,
    patience=12,
    device="cpu",
    warmup_steps=4,
)
LONGER = replace(QUICK, epochs=4, max_row_uses=4)
WIDER = Architecture(2, 16)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def held(rows: Rows) -> np.ndarray:
    return np.arange(len(rows.ranking)) % 5 == 0


@pytest.fixture(scope="module")
def trained(rows: Rows, held: np.ndarray) -> Trained:
    """A training of more than a moment."""
    return train(PolicyValueTask(rows, WIDER), held, LONGER, 1)


def test_a_network_over_fits_one_batch(rows):
    batch = Batches(rows).make(np.flatnonzero(rows.policy_weight)[:320:10])
    hard = np.zeros_like(batch.policy)  # a spread target cannot be met with a loss of 0
    for begin, end in zip(batch.encoded.first[:-1], batch.encoded.first[1:], strict=True):
        hard[begin + batch.policy[begin:end].argmax()] = 1
    batch = batch._replace(policy=hard)
    torch.manual_seed(1)
    net = PolicyValueNet(WIDER)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    inputs = net_inputs(batch.encoded)
    for _ in range(60):
        losses = losses_of(net(*inputs), batch)
        optimizer.zero_grad()
        losses.total().backward()
        optimizer.step()
    assert losses.policy < 0.05 and losses.value < 0.05 and losses.owner < 1.2 and losses.plies < 0.1


def test_losses_are_those_of_the_definitions(rows):
    batch = Batches(rows).make(np.arange(0, 60, 3))
    with torch.no_grad():
        out = random_net()(*net_inputs(batch.encoded))
        losses = losses_of(out, batch)
        log_p = log_policy(out.logits, torch.from_numpy(batch.encoded.row), 20).numpy()
    policy, outcome = [], []
    for i in range(20):
        part = slice(batch.encoded.first[i], batch.encoded.first[i + 1])
        assert np.exp(log_p[part]).sum() == pytest.approx(1, abs=1e-5)  # all weight is on the legal moves
        if batch.policy_weight[i]:
            policy.append(-(batch.policy[part] * log_p[part]).sum())
        won = out.scores[i, 0] if batch.ranks[i, 0] == 1 else out.scores[i, 1]
        outcome.append(-math.log(won))
    assert float(losses.policy) == pytest.approx(np.mean(policy), rel=1e-4)
    assert float(losses.value) == pytest.approx(np.mean(outcome), rel=1e-3)
    assert scores_of_ranks(np.array([[1, 2, 0, 0], [3, 1, 2, 0], [1, 2, 2, 4]])).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0.5, 0],
        [1, 0.5, 0.5, 0],
    ]


def test_training_beats_ignorance_on_held_out_games(trained):
    assert trained.metrics["policy"] < trained.metrics["policy_uniform"] - 0.05
    assert trained.metrics["top1"] > trained.metrics["top1_uniform"] + 0.03
    assert [entry["epoch"] for entry in trained.history] == [1, 2, 3, 4]
    assert trained.metrics["loss"] == min(entry["loss"] for entry in trained.history)


def test_shuffled_labels_teach_nothing(rows, held, monkeypatch):
    true_make = Batches.make

    def shuffled(self: Batches, chosen: np.ndarray, symmetry: np.ndarray | None = None) -> Batch:
        batch = true_make(self, chosen, symmetry)
        if symmetry is None:
            return batch  # judged on the truth
        rng = np.random.default_rng(int(chosen.sum()))
        policy = batch.policy.copy()
        for begin, end in zip(batch.encoded.first[:-1], batch.encoded.first[1:], strict=True):
            rng.shuffle(policy[begin:end])
        return batch._replace(policy=policy, ranks=batch.ranks[rng.permutation(len(chosen))])

    monkeypatch.setattr(Batches, "make", shuffled)
    fooled = train(PolicyValueTask(rows, WIDER), held, LONGER, 1)
    assert fooled.metrics["policy"] > fooled.metrics["policy_uniform"] - 0.03
    assert fooled.metrics["value_mse"] > fooled.metrics["value_mse_constant"] - 0.01


def test_one_seed_gives_the_same_weights_and_another_others(rows, held):
    one, again, other = (train(PolicyValueTask(rows, SMALL), held, QUICK, seed) for seed in (7, 7, 8))
    assert weights_hash(one.weights) == weights_hash(again.weights) != weights_hash(other.weights)
    assert one.history == again.history


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 2])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(rows, held, tmp_path, after):
    whole = train(PolicyValueTask(rows, SMALL), held, QUICK, 7)
    checkpoint = tmp_path / "checkpoint.pt"

    def kill(figures: dict[str, float]) -> None:
        if figures["epoch"] == after:
            raise Killed

    with pytest.raises(Killed):
        train(PolicyValueTask(rows, SMALL), held, QUICK, 7, checkpoint=checkpoint, report=kill)
    seen: list[float] = []
    resumed = train(
        PolicyValueTask(rows, SMALL), held, QUICK, 7, checkpoint=checkpoint, report=lambda f: seen.append(f["epoch"])
    )
    assert seen == [1.0, 2.0, 3.0][after:]
    assert weights_hash(resumed.weights) == weights_hash(whole.weights) and resumed.history == whole.history
    with pytest.raises(InvalidInput, match="remove the file"):
        train(PolicyValueTask(rows, SMALL), held, QUICK, 8, checkpoint=checkpoint)
    checkpoint.write_bytes(b"torn")
    with pytest.raises(InvalidInput, match="unreadable"):
        train(PolicyValueTask(rows, SMALL), held, QUICK, 7, checkpoint=checkpoint)


def test_no_row_is_used_more_often_than_allowed(rows, held, monkeypatch):
    uses = np.zeros(len(rows), dtype=int)
    true_step = training._Run._step

    def counted(self, chosen, symmetry):
        np.add.at(uses, chosen, 1)
        return true_step(self, chosen, symmetry)

    monkeypatch.setattr(training._Run, "_step", counted)
    train(PolicyValueTask(rows, SMALL), held, replace(QUICK, epochs=5, max_row_uses=2, patience=99), 1)
    taught = ~held[rows.game]
    assert set(uses[taught]) == {2} and not uses[~taught].any()


def test_training_from_the_best_weights_stops_early_and_hands_them_back_unchanged(rows, held, trained):
    harmful = replace(LONGER, learning_rate=0.9, warmup_steps=0, epochs=20, patience=2)
    after = train(PolicyValueTask(rows, WIDER, trained.weights), held, harmful, 1)
    assert [entry["epoch"] for entry in after.history] == [0, 1, 2] and after.best_epoch == 0
    assert weights_hash(after.weights) == weights_hash(trained.weights)
    assert after.metrics["loss"] == pytest.approx(trained.metrics["loss"], rel=1e-6)


def test_a_loss_that_is_no_number_is_a_failure(rows, held, trained):
    start = trained.weights | {"value.bias": np.full(4, np.nan, dtype=np.float32)}
    with pytest.raises(RingRiftError, match="loss is nan"):
        train(PolicyValueTask(rows, WIDER, start), held, QUICK, 1)


def test_games_on_one_side_only_are_refused(rows):
    for side in (True, False):
        with pytest.raises(InvalidInput, match="give more games"):
            train(PolicyValueTask(rows, SMALL), np.full(len(rows.ranking), side), QUICK, 1)


def test_an_absent_device_is_refused_with_those_there_are():
    assert choose_device("cpu").type == "cpu" and choose_device("auto").type in ("cuda", "mps", "cpu")
    with pytest.raises(InvalidInput, match="this machine has"):
        choose_device("tpu")


def test_evaluation_does_not_depend_on_the_batch_size_and_changes_nothing(rows):
    net = random_net()
    chosen = np.arange(0, len(rows), 5)
    one, other = (evaluate(net, Batches(rows), chosen, size) for size in (16, 50))
    assert one == pytest.approx(other, rel=1e-4) and not net.training


DDP = """
import numpy as np, os, sys
from pathlib import Path
from ringrift.network.training.rows import make_rows
from ringrift.network.card import weights_hash
from ringrift.network.training.window import WindowShape, select_window
from ringrift.network.value.rows import make_value_rows
from ringrift.network.value.training import ValueTask
from ringrift.gamesets.shards import read_shard
from tests.ringrift.conftest import HEX8
from tests.ringrift.network.training.test_loop import QUICK, SMALL, PolicyValueTask, train
games = select_window([read_shard(Path(sys.argv[1]))], HEX8, WindowShape()).games
value = sys.argv[2] == "value"
task = ValueTask(make_value_rows(games, HEX8)) if value else PolicyValueTask(make_rows(games, HEX8), SMALL)
trained = train(task, np.arange(games.num_rows) % 5 == 0, QUICK, 7)
if os.environ["RANK"] == "0":
    print("hash", weights_hash(trained.weights), len(trained.history))
"""


@pytest.mark.slow
@pytest.mark.parametrize("network", ["policy_value", "value"])
def test_two_processes_train_together(games, tmp_path, network):
    write_shard(tmp_path / "games.parquet", games)
    (tmp_path / "ddp.py").write_text(DDP)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(tmp_path / "ddp.py")]
    done = subprocess.run(
        [sys.executable, *command, str(tmp_path / "games.parquet"), network],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(text for text in done.stdout.splitlines() if text.startswith("hash"))
    assert line.endswith(" 3") and len(line.split()[1]) == 64
