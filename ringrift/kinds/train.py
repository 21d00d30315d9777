"""The `train` job: a network from the replay window of a config's games.

Its game sets and its parent are files of the home, which are sent to a host elsewhere. Shards: `model.safetensors` and
`model.json`, the weights and their card, and `losses.svg`. After every epoch a checkpoint is left in the job's
directory, from which another attempt goes on.
"""

from importlib.metadata import version
from typing import Any, TypeAlias

from ringrift import names
from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.files import write_text
from ringrift.gamesets.shards import read_shard
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import home_file
from ringrift.network.card import POLICY_VALUE, ModelCard, load_pair, save_card, save_weights, weights_hash
from ringrift.network.layout import ENCODER_VERSION
from ringrift.network.model import Architecture
from ringrift.network.training.loop import Settings, train
from ringrift.network.training.rows import make_rows
from ringrift.network.training.window import COLUMNS, WindowShape, held_out, select_window
from ringrift.plots.losses import render_losses, render_small_losses
from ringrift.rules.replay import RULES_VERSION
from ringrift.seeds import seed_number
from ringrift.specs.train import TrainParams

Params: TypeAlias = TrainParams
MODEL, CARD, PLOT = names.WEIGHTS_FILE, names.CARD_FILE, names.LOSSES_PLOT
CHECKPOINT = "checkpoint.pt"


def run(job: Job, params: TrainParams) -> dict[str, Any]:
    """See the module's text.

    The result holds the model's weights hash and its parent's, the metrics (losses.evaluate) of the games held out,
    those of the parent on the same games, the window, the share of rows with soft policy targets (`soft_share`), the
    history by epoch and a small plot. Raises InvalidInput if the parent is of another architecture.
    """
    config = parse_config(params.config)
    architecture = {"blocks": params.blocks, "channels": params.channels}
    start = parent = None
    if params.parent is not None:
        path = home_file(params.parent)
        start, card = load_pair(path, kind=POLICY_VALUE, config=config)
        if card.architecture != architecture:
            remedy = "the champion has another; set training.from_champion to false to begin anew"
            raise InvalidInput("training.blocks, training.channels", architecture, f"{remedy} ({card.architecture})")
        parent = card.weights
    tables = [read_shard(home_file(entry)).select(COLUMNS) for entry in params.games]
    window = select_window(tables, config, WindowShape(**params.window.model_dump()))
    rows = make_rows(window.games, config)
    held = held_out(window.games["game_hash"].to_pylist(), params.held_out_share)
    taught = int((~held[rows.game]).sum())
    summary = {**window.summary(), "held_out_games": int(held.sum()), "training_rows": taught}
    job.log(f"training {params.blocks}x{params.channels} on {taught} rows of {int((~held).sum())} games")
    settings = Settings(epochs=params.epochs, **params.settings.model_dump())

    def report(figures: dict[str, float]) -> None:
        epoch, loss = int(figures["epoch"]), figures["loss"]
        job.report("progress", done=epoch, total=params.epochs, loss=round(loss, 4), top1=round(figures["top1"], 4))
        job.check()

    trained = train(
        rows,
        held,
        Architecture(**architecture),
        settings,
        seed_number(params.root_seed, "train", params.config, params.iteration),
        start=start,
        checkpoint=job.out.parent / CHECKPOINT,
        report=report,
    )
    weights = weights_hash(trained.weights)
    card = ModelCard(
        kind=POLICY_VALUE,
        architecture=architecture,
        encoder=ENCODER_VERSION,
        rules_version=RULES_VERSION,
        config=params.config,
        iteration=params.iteration,
        weights=weights,
        parent=parent,
        seed=params.root_seed,
        window={**summary, "files": [entry.model_dump() for entry in params.games]},
        training={
            **params.settings.model_dump(),
            "epochs": params.epochs,
            "epochs_run": int(trained.history[-1]["epoch"]),
            "best_epoch": trained.best_epoch,
            "held_out_share": params.held_out_share,
            "soft_share": rows.soft_share,
        },
        metrics=trained.metrics,
        code_version=version("ringrift-assets"),
    )
    save_weights(job.out / MODEL, trained.weights)
    save_card(job.out / CARD, card)
    title = f"{params.config}, iteration {params.iteration}, {params.blocks}x{params.channels}"
    write_text(job.out / PLOT, render_losses(trained.history, trained.best_epoch, title))
    for name in (MODEL, CARD, PLOT):
        job.add_shard(name, 1)
    return {
        "weights": weights,
        "parent": parent,
        "metrics": trained.metrics,
        "start_metrics": trained.history[0] if parent is not None else None,
        "best_epoch": trained.best_epoch,
        "soft_share": rows.soft_share,
        "window": summary,
        "history": trained.history,
        "small_plot": render_small_losses(trained.history),
    }
