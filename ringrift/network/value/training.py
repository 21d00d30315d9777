"""Training a value network: the window, the games held out, averaged weights and the early stop of network.training.

One call trains on one device and one process; with one thread on a CPU equal arguments give equal weights.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from ringrift.config import Config
from ringrift.errors import InvalidInput, RingRiftError
from ringrift.gamesets.shards import read_shard
from ringrift.jobs.contract import file_sha256
from ringrift.network.card import (
    CARD_SUFFIX,
    VALUE,
    WEIGHTS_SUFFIX,
    ModelCard,
    Weights,
    save_card,
    save_weights,
    weights_hash,
)
from ringrift.network.layout import grids
from ringrift.network.training.losses import outcome_loss, scores_of_ranks
from ringrift.network.training.rows import epoch_rows
from ringrift.network.training.window import WindowShape, held_out, select_window
from ringrift.network.value.files import ARCHITECTURE
from ringrift.network.value.model import ValueModel, make_batch, scores_of_strengths
from ringrift.network.value.rows import ValueRows, make_value_rows
from ringrift.players.search.value_net import VALUE_ENCODER_VERSION
from ringrift.rules.replay import RULES_VERSION
from ringrift.seeds import seed_number

HELD_OUT_SHARE = 0.1
AVERAGE_STEPS = 500  # steps the weights are averaged over, or half a pass where that is less
EPOCHS_A_PASS = 2


@dataclass(frozen=True, slots=True)
class ValueSettings:
    """Numbers of a training."""

    batch_size: int = 512
    max_row_uses: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 50
    patience: int = 4  # epochs of half a pass without a better held-out loss that end the training


@dataclass(frozen=True, slots=True)
class TrainedValue:
    """The best averaged weights, their figures on the held-out rows, one entry an epoch."""

    weights: Weights
    best_epoch: int
    metrics: dict[str, float]
    history: list[dict[str, float]]


Report = Callable[[dict[str, float]], None]


def train_value(
    rows: ValueRows,
    held_out_games: np.ndarray,
    settings: ValueSettings,
    seed: int,
    report: Report = lambda figures: None,
) -> TrainedValue:
    """Train on `rows` but those of the games marked in `held_out_games` (bool [games]), which judge the network.

    `report` is told the figures of each epoch: `train_loss`, and of `evaluate_value`.
    Raises InvalidInput if either side has no rows, RingRiftError if the loss is not finite.
    """
    held, taught = np.flatnonzero(held_out_games[rows.game]), np.flatnonzero(~held_out_games[rows.game])
    if not len(held) or not len(taught):
        raise InvalidInput(
            "games", len(taught), "give more games", problem=f"{len(taught)} rows to train on, {len(held)} held out"
        )
    torch.manual_seed(seed_number(seed, "weights"))
    net, judge = ValueModel(rows.config), ValueModel(rows.config)
    average = {name: t.detach().clone() for name, t in net.state_dict().items()}
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain: dict[str, Any] = {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0}
    optimizer = torch.optim.AdamW(
        [{"params": decayed}, plain], lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    average_steps = max(1, min(AVERAGE_STEPS, len(taught) // (2 * settings.batch_size)))
    size, step, epochs = math.ceil(len(taught) / EPOCHS_A_PASS), 0, settings.max_row_uses * EPOCHS_A_PASS
    best: TrainedValue | None = None
    history: list[dict[str, float]] = []
    for epoch in range(1, epochs + 1):
        begin = (epoch - 1) * size
        chosen = epoch_rows(taught, seed, begin, min(size, len(taught) * settings.max_row_uses - begin))
        turns = np.random.default_rng(seed_number(seed, "symmetry", epoch))
        symmetry = turns.integers(len(grids(rows.config.board)), size=len(chosen))
        total = 0.0
        for at in range(0, len(chosen), settings.batch_size):
            part = slice(at, at + settings.batch_size)
            batch = make_batch(rows, chosen[part], symmetry[part])
            loss = outcome_loss(net(batch.active, batch.first, batch.numbers), batch.ranks)
            total += loss.item() * len(chosen[part])
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * min(1.0, step / max(1, settings.warmup_steps))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for name, value in net.state_dict().items():
                    average[name].lerp_(value, 1.0 / min(step, average_steps))
        judge.load_state_dict(average)
        found = evaluate_value(judge, rows, held, settings.batch_size)
        figures = {"epoch": float(epoch), "train_loss": total / len(chosen), **found}
        if not all(math.isfinite(value) for value in figures.values()):
            raise RingRiftError(f"the figures of epoch {epoch} are {figures}; lower the learning rate")
        history.append(figures)
        if best is None or found["loss"] < best.metrics["loss"]:
            best = TrainedValue({name: t.copy() for name, t in judge.tensors().items()}, epoch, found, history)
        report(figures)
        if epoch - best.best_epoch >= settings.patience:
            break
    assert best is not None
    return best


def evaluate_value(net: ValueModel, rows: ValueRows, chosen: np.ndarray, batch_size: int) -> dict[str, float]:
    """Figures of a network on the rows `chosen`.

    loss (losses.outcome_loss) · value_mse, the squared error of the scores, and value_mse_constant, that of the best
    constant guess a player.
    """
    loss, found = 0.0, []
    with torch.inference_mode():
        for at in range(0, len(chosen), batch_size):
            batch = make_batch(rows, chosen[at : at + batch_size])
            strengths = net(batch.active, batch.first, batch.numbers)
            loss += outcome_loss(strengths, batch.ranks).item() * len(batch.ranks)
            found.append(scores_of_strengths(strengths.numpy()))
    scores = scores_of_ranks(rows.ranks[chosen])
    return {
        "loss": loss / len(chosen),
        "value_mse": float(((np.concatenate(found) - scores) ** 2).mean()),
        "value_mse_constant": float(((scores - scores.mean(axis=0)) ** 2).mean()),
    }


def train_value_file(
    files: Sequence[Path],
    config: Config,
    out: Path,
    settings: ValueSettings,
    seed: int,
    report: Report = lambda figures: None,
) -> ModelCard:
    """Train a value network of `config` on game sets, and write it to `out` (.safetensors) with its card beside it.

    Uses one thread. Raises InvalidInput if `out` has another suffix, MissingInput if no game of the config is left, and
    what reading the games and train_value raise.
    """
    if out.suffix != WEIGHTS_SUFFIX:
        raise InvalidInput("out", str(out), f"use a file name that ends in {WEIGHTS_SUFFIX}")
    tables: list[pa.Table] = [read_shard(path) for path in files]
    window = select_window(tables, config, WindowShape())
    held = held_out(window.games["game_hash"].to_pylist(), HELD_OUT_SHARE)
    rows = make_value_rows(window.games, config)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        trained = train_value(rows, held, settings, seed_number(seed, "train value", config.key), report)
    finally:
        torch.set_num_threads(threads)
    named = [{"path": path.name, "sha256": file_sha256(path)} for path in files]
    taught = int((~held[rows.game]).sum())
    counts = {"held_out_games": int(held.sum()), "training_rows": taught, "files": named}
    card = ModelCard(
        kind=VALUE,
        architecture=ARCHITECTURE,
        encoder=VALUE_ENCODER_VERSION,
        rules_version=RULES_VERSION,
        config=config.key,
        iteration=max(window.games["iteration"].to_pylist()),
        weights=weights_hash(trained.weights),
        seed=seed,
        window={**window.summary(), **counts},
        training={
            **asdict(settings),
            "held_out_share": HELD_OUT_SHARE,
            "epochs_run": int(trained.history[-1]["epoch"]),
            "best_epoch": trained.best_epoch,
        },
        metrics=trained.metrics,
        code_version=version("ringrift-assets"),
    )
    save_weights(out, trained.weights)
    save_card(out.with_suffix(CARD_SUFFIX), card)
    return card
