"""The network of an iteration: trained on the newest games of its config, or the word that they are too few."""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.models.registry import Registry, model_id
from resources.runtime import Runtime
from resources.store.contents.base import Row, content_of, new_content
from resources.store.contents.models import TOO_FEW, TRAINED, ModelContent, TrainingOutcome
from resources.store.contents.profiles import IncumbentContent
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift import names
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.planning.jobs import train_job
from ringrift.planning.pipeline import Pipeline
from ringrift.specs.kinds import params_of
from ringrift.specs.train import TrainParams
from ringrift_assets.steps.checks import (
    BETTER_THAN_CONSTANT,
    ENOUGH_GAMES,
    FINITE_METRICS,
    SOFT_TARGETS,
    TRAINING_DB,
    partitioned_spec,
    result,
)
from ringrift_assets.steps.jobs import provenance_of, run_job
from ringrift_assets.steps.metadata import partition_metadata, picture, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    MaterializeOnHosts,
    StepOutput,
    StoredPartition,
    games_file,
    materialize_partition,
    step_errors,
)

PICTURE = "losses by epoch"


class TrainingPlan(NamedTuple):
    """The step's inputs and its job, None where the games are too few. `have` and `need` are numbers of games."""

    inputs: dict[str, Any]
    spec: JobSpec | None
    have: int
    need: int


@dg.asset(
    deps=[TRAINING_DB],
    partitions_def=PARTITIONS,
    group_name="models",
    kinds={"pytorch"},
    owners=OWNERS,
    code_version="card-1/encoder-1/canonical-1",
    check_specs=[
        partitioned_spec(names.TRAINED_MODEL, ENOUGH_GAMES, "The config has at least training.min_games games."),
        partitioned_spec(
            names.TRAINED_MODEL, SOFT_TARGETS, "Enough rows have a searched policy target, not only the move played."
        ),
        partitioned_spec(names.TRAINED_MODEL, FINITE_METRICS, "All held-out metrics are finite.", blocking=True),
        partitioned_spec(
            names.TRAINED_MODEL, BETTER_THAN_CONSTANT, "Predicts held-out results better than the constant baseline."
        ),
    ],
)
def trained_model(
    context: dg.AssetExecutionContext, config: MaterializeOnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The network trained in this iteration: a candidate that only the gate can make champion.

    It is trained on the newest games of the config, in a replay window that grows with the total, starting from the
    champion's weights where there is one, and evaluated on held-out games chosen by hash. With fewer games than
    `training.min_games` nothing is trained: the partition says so, a check warns, and evaluation continues without a
    candidate. A model is identified by the hash of its weights; its card says what it was trained on.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        registry = Registry(runtime.home)
        inputs, spec, have, need = plan_training(runtime, key, iteration)

        def no_model(folder: Path, _: Record | None) -> StepOutput:
            return StepOutput(0, digest_of(inputs), new_content(TrainingOutcome, inputs))

        def train(folder: Path, _: Record | None) -> StepOutput:
            assert spec is not None
            started = time.monotonic()
            output = run_job(
                context,
                runtime,
                spec,
                folder,
                capability="nn_training",
                minutes=runtime.pipeline.polling.training_minutes,
                setting="polling.training_minutes",
            )
            params = params_of(spec)
            assert isinstance(params, TrainParams)  # of train_job
            data = {
                "status": TRAINED,
                "have": have,
                "need": need,
                "model_id": model_id(key, iteration),
                "architecture": {"blocks": params.blocks, "channels": params.channels},
                "parameters": {**params.settings.model_dump(), "epochs": params.epochs},
                "window_shape": params.window.model_dump(),
                **output.result,
            }
            content = new_content(ModelContent, data)
            return StepOutput(1, content.weights, content, provenance_of([output.job], time.monotonic() - started))

        make = train if spec else no_model
        stored = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        content = content_of(stored.record, TrainingOutcome)
        if not isinstance(content, ModelContent):
            return result_of(stored, {**inputs, **partition_metadata(runtime, stored)}, _no_checks(have, need))
        registry.write_model(stored.record)
        metadata = _metadata(runtime, registry, stored, content)
        return result_of(stored, metadata, _checks(content, runtime.pipeline.training.soft_share))


def plan_training(runtime: Runtime, key: str, iteration: int) -> TrainingPlan:
    """What the network of an iteration is made from, and the job that trains it."""
    sets = runtime.store.upto(TRAINING_DB, key, iteration)
    runtime.store.need(TRAINING_DB, key, iteration)
    incumbent = content_of(runtime.store.need(names.INCUMBENT, key, iteration), IncumbentContent)
    have, need = sum(record.rows for record in sets), least_games(runtime.pipeline, key)
    if have < need:
        return TrainingPlan({"status": TOO_FEW, "have": have, "need": need}, None, have, need)
    champion = incumbent.champion_weights if runtime.pipeline.training.from_champion else None
    parent = runtime.input_file(Registry(runtime.home).weights_path(champion)) if champion else None
    spec = train_job(runtime.pipeline, key, iteration, [games_file(runtime, record) for record in sets], parent)
    inputs = {
        "games": [[record.iteration, record.content_digest] for record in sets],
        "parent": champion,
        "numbers": {name: value for name, value in spec.params.items() if name not in ("games", "parent")},
    }
    return TrainingPlan(inputs, spec, have, need)


def least_games(pipeline: Pipeline, config: str) -> int:
    """Games a config needs for a model. Raises InvalidInput for one that the pipeline does not name."""
    if config not in pipeline.training.min_games:
        raise InvalidInput("training.min_games", config, "name this config there and in training.epochs")
    return pipeline.training.min_games[config]


def _metadata(runtime: Runtime, registry: Registry, stored: StoredPartition, content: ModelContent) -> dict[str, Any]:
    model = registry.get(content.model_id)
    return {
        "losses": dg.MetadataValue.md(f"![{PICTURE}]({content.small_plot})"),
        "losses_large": picture(PICTURE, runtime.store.path(stored.record, names.LOSSES_PLOT).read_bytes()),
        "model": content.model_id,
        "weights": content.weights,
        "parent": model.parent_id or content.parent or "none: it began with random weights",
        "metrics": table(metric_rows(content)),
        "loss": content.metrics["loss"],
        "parameters": dg.MetadataValue.json({**content.architecture, **content.parameters}),
        "best_epoch": content.best_epoch,
        "window": dg.MetadataValue.json(content.window),
        "games_upto_here": content.have,
        "soft_target_share": content.soft_share,
        "model_file": dg.MetadataValue.path(str(runtime.store.path(stored.record, names.WEIGHTS_FILE))),
        **partition_metadata(runtime, stored),
    }


def metric_rows(content: ModelContent) -> list[Row]:
    """One row a figure of the games held out, beside that of the parent on the same games (0 epochs)."""
    before = content.start_metrics or {}
    return [
        {
            "metric": name,
            "value": round(value, 4),
            "parent": f"{before[name]:.4f}" if name in before else "",
        }
        for name, value in content.metrics.items()
    ]


def _no_checks(have: int, need: int) -> list[dg.AssetCheckResult]:
    """Without a model one check warns and the others have nothing to judge."""
    problem = f"{have} of {need} games are there; play more, or lower training.min_games. There is no candidate"
    numbers = {"have": have, "need": need}
    return [
        result(ENOUGH_GAMES, False, problem, warn=True, numbers=numbers),
        *(result(name, True, "") for name in (SOFT_TARGETS, FINITE_METRICS, BETTER_THAN_CONSTANT)),
    ]


def _checks(content: ModelContent, least_soft: float) -> list[dg.AssetCheckResult]:
    metrics, soft = content.metrics, content.soft_share
    infinite = [name for name, value in metrics.items() if not math.isfinite(value)]
    error, constant = metrics["value_mse"], metrics["value_mse_constant"]
    return [
        result(ENOUGH_GAMES, True, "", warn=True, numbers={"have": content.have, "need": content.need}),
        result(
            SOFT_TARGETS,
            soft >= least_soft,
            f"{soft:.1%} of the rows carry what a search found, {least_soft:.0%} are asked for; see whether the search "
            "jobs were played and recorded, or lower training.soft_share",
            warn=True,
            numbers={"soft_share": soft},
        ),
        result(FINITE_METRICS, not infinite, f"{', '.join(infinite)} are no numbers; do not use this model"),
        result(
            BETTER_THAN_CONSTANT,
            error < constant,
            f"its squared error of results is {error:.4f}, that of their mean {constant:.4f}: it has not learned who "
            "wins. More games or epochs help",
            warn=True,
            numbers={"value_mse": error, "value_mse_constant": constant},
        ),
    ]
