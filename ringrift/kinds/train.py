"""The `train` job: a network from the replay window of a config's games.

Its game sets and the weights it begins with are files of the home, which are sent to a host elsewhere. Shards:
`model.safetensors` and `model.json`, the weights and their card, and `losses.svg`. After every epoch a checkpoint is
left in the job's directory, from which another attempt goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import torch

from ringrift import names
from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.files import write_text
from ringrift.gamesets.shards import read_shard
from ringrift.jobs.contract import file_sha256
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import InputFile, home_file
from ringrift.network.card import (
    CARD_SUFFIX,
    ENCODERS,
    POLICY_VALUE,
    VALUE,
    WEIGHTS_SUFFIX,
    ModelCard,
    Weights,
    load_pair,
    save_card,
    save_weights,
    weights_hash,
)
from ringrift.network.model import Architecture
from ringrift.network.training.loop import Report, Settings, Trained, train
from ringrift.network.training.policy_value import PolicyValueTask
from ringrift.network.training.rows import make_rows
from ringrift.network.training.task import Task
from ringrift.network.training.window import COLUMNS, WindowShape, held_out, select_window
from ringrift.network.value.rows import make_value_rows
from ringrift.network.value.training import ValueTask
from ringrift.planning.jobs import train_params
from ringrift.planning.pipeline import Pipeline, Training
from ringrift.plots.losses import render_losses, render_small_losses
from ringrift.rules.replay import RULES_VERSION
from ringrift.seeds import seed_number
from ringrift.specs.train import TrainParams

Params: TypeAlias = TrainParams
MODEL, CARD, PLOT = names.WEIGHTS_FILE, names.CARD_FILE, names.LOSSES_PLOT
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Made:
    """A trained network with its card; `players` are the seats by participant of the games it learned from or was
    judged by, `soft_share` the share of searched policy targets, None for a network without a policy.
    """

    trained: Trained
    card: ModelCard
    players: dict[str, int]
    soft_share: float | None


def run(job: Job, params: TrainParams) -> dict[str, Any]:
    """See the module's text.

    The result holds the model's weights hash and its parent's, the metrics of the games held out (losses.evaluate,
    value.training.evaluate_value), those of the weights it began with on the same games, the window, the seats of its
    games by participant, the share of rows with soft policy targets (`soft_share`), the history by epoch and a small
    plot. Raises InvalidInput if the weights it begins with are of another kind or architecture.
    """
    tables = [read_shard(home_file(entry)).select(COLUMNS) for entry in params.games]

    def report(figures: dict[str, float]) -> None:
        shown = {name: round(figures[name], 4) for name in ("loss", "top1") if name in figures}
        job.report("progress", done=int(figures["epoch"]), total=params.settings.epochs, **shown)
        job.check()

    size = "x".join(map(str, params.architecture.values()))
    job.log(f"training a {params.network} network, {size}, on {sum(t.num_rows for t in tables)} games or fewer")
    made = make_model(params, tables, start=_start(params), checkpoint=job.out.parent / CHECKPOINT, report=report)
    trained, card = made.trained, made.card
    save_weights(job.out / MODEL, trained.weights)
    save_card(job.out / CARD, card)
    title = f"{params.config}, iteration {params.iteration}, {params.network} {size}"
    write_text(job.out / PLOT, render_losses(trained.history, trained.best_epoch, title))
    for name in (MODEL, CARD, PLOT):
        job.add_shard(name, 1)
    return {
        "weights": card.weights,
        "parent": params.parent,
        "metrics": trained.metrics,
        "start_metrics": trained.history[0] if params.start is not None else None,
        "best_epoch": trained.best_epoch,
        "soft_share": made.soft_share,
        "players": made.players,
        "window": {name: value for name, value in card.window.items() if name != "files"},
        "history": trained.history,
        "small_plot": render_small_losses(trained.history),
    }


def make_model(
    params: TrainParams,
    tables: Sequence[pa.Table],
    *,
    start: Weights | None = None,
    checkpoint: Path | None = None,
    report: Report = lambda figures: None,
) -> Made:
    """Train the network of `params` on its games, which are `tables`, from the weights `start` (None: random ones).

    Checkpoint and report are those of loop.train. Raises MissingInput if no game is left to learn from, and what
    replaying the games and loop.train raise.
    """
    config = parse_config(params.config)
    shape = WindowShape(**params.window.model_dump())
    window = select_window(tables, config, shape, params.sources)
    task, soft_share = _task_of(params, window.games, config, start)
    held = held_out(window.games["game_hash"].to_pylist(), params.held_out_share)
    seed = seed_number(params.root_seed, "train", params.config, params.iteration)
    settings = Settings(**params.settings.model_dump())
    trained = train(task, held, settings, seed, checkpoint=checkpoint, report=report)
    counts = {"held_out_games": int(held.sum()), "training_rows": int((~held[task.game]).sum())}
    card = ModelCard(
        kind=params.network,
        architecture=params.architecture,
        encoder=ENCODERS[params.network],
        rules_version=RULES_VERSION,
        config=params.config,
        iteration=params.iteration,
        weights=weights_hash(trained.weights),
        parent=params.parent,
        seed=params.root_seed,
        window={**window.summary(), **counts, "files": [entry.model_dump() for entry in params.games]},
        training={
            **params.settings.model_dump(),
            "epochs_run": int(trained.history[-1]["epoch"]),
            "best_epoch": trained.best_epoch,
            "held_out_share": params.held_out_share,
            **({} if soft_share is None else {"soft_share": soft_share}),
        },
        metrics=trained.metrics,
        code_version=version("ringrift-assets"),
    )
    return Made(trained, card, window.players(), soft_share)


def train_value_file(
    files: Sequence[Path], config: Config, out: Path, seed: int, report: Report = lambda figures: None
) -> tuple[ModelCard, Trained]:
    """Train a value network of `config` on game sets, with the documented numbers, as a job would on one thread.

    Writes it to `out` (.safetensors) with its card beside it. Raises InvalidInput if `out` has another suffix, and what
    reading the games and make_model raise.
    """
    if out.suffix != WEIGHTS_SUFFIX:
        raise InvalidInput("out", str(out), f"use a file name that ends in {WEIGHTS_SUFFIX}")
    tables = [read_shard(path).select(COLUMNS) for path in files]
    newest = max((max(table["iteration"].to_pylist(), default=0) for table in tables), default=0)
    pipeline = Pipeline(root_seed=seed, training=Training(kind=VALUE, device="cpu"))
    named = [InputFile(path=path.name, sha256=file_sha256(path)) for path in files]
    params = train_params(pipeline, config.key, newest, named)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        made = make_model(params, tables, report=report)
    finally:
        torch.set_num_threads(threads)
    save_weights(out, made.trained.weights)
    save_card(out.with_suffix(CARD_SUFFIX), made.card)
    return made.card, made.trained


def _task_of(params: TrainParams, games: pa.Table, config: Config, start: Weights | None) -> tuple[Task, float | None]:
    """What is trained, and the share of searched policy targets where there is a policy."""
    if params.network == VALUE:
        return ValueTask(make_value_rows(games, config)), None
    rows = make_rows(games, config)
    return PolicyValueTask(rows, Architecture(**params.architecture), start), rows.soft_share


def _start(params: TrainParams) -> Weights | None:
    """The weights that the training begins with. Raises InvalidInput if they are not those of such a network."""
    if params.start is None:
        return None
    path = home_file(params.start)
    weights, card = load_pair(path, kind=POLICY_VALUE, config=parse_config(params.config))
    if card.weights != params.parent:
        raise InvalidInput("start", card.weights, f"the parent is {params.parent}", problem=f"{path} has other weights")
    if card.architecture != params.architecture:
        remedy = "the champion has another; set training.from_champion to false to begin anew"
        found = f"{remedy} ({card.architecture})"
        raise InvalidInput("training.blocks, training.channels", params.architecture, found)
    return weights
