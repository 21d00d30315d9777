"""The network of an iteration: trained on the newest games of its config, or the word that they are too few."""

import base64
import math
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from resources.models.files import WEIGHTS_FILE
from resources.models.registry import ASSET, TRAINED, Registry, model_id
from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift.errors import InvalidInput, RingRiftError
from ringrift.jobs.contract import JobSpec
from ringrift_assets.steps.checks import (
    BETTER_THAN_CONSTANT,
    ENOUGH_GAMES,
    FINITE_METRICS,
    SOFT_TARGETS,
    TRAINING_DB,
    partitioned_spec,
    result,
)
from ringrift_assets.steps.jobs import CANCEL_ON, job_log, need_done, provenance_of
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    MaterializeOnHosts,
    StepOutput,
    StoredPartition,
    games_file,
    materialize_partition,
    step_errors,
)

if TYPE_CHECKING:
    from ringrift.planning.pipeline import Pipeline

TOO_FEW = "not_enough_games"
PICTURE = "losses by epoch"
PLOT = "losses.svg"


class TrainingLate(RingRiftError):
    """The phase ran out of time before the training was over."""


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
        partitioned_spec(ASSET, ENOUGH_GAMES, "The config has the games that a model needs at least."),
        partitioned_spec(ASSET, SOFT_TARGETS, "Enough rows carry what a search found, not only the move played."),
        partitioned_spec(ASSET, FINITE_METRICS, "Every figure of the games held out is a number.", blocking=True),
        partitioned_spec(ASSET, BETTER_THAN_CONSTANT, "On games held out it foretells results better than their mean."),
    ],
)
def trained_model(
    context: dg.AssetExecutionContext, config: MaterializeOnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The network this iteration has learned: a candidate, which only the gate makes champion.

    It learns from the newest games of the config, in a window that grows with all there are, and starts from the
    champion's weights where there is one. Games held out by their hash judge it. With fewer games than
    `training.min_games` nothing is trained: the partition says so, a check warns, and evaluation goes on without a
    candidate. A model is known by the hash of its weights; its card tells what it was trained on.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        training, registry = runtime.pipeline.training, Registry(runtime.home)
        inputs, spec, have, need = plan_training(runtime, key, iteration)
        if spec is None:

            def say_so(folder: Path, _: Record | None) -> StepOutput:
                return StepOutput(0, digest_of(inputs), inputs)

            kept = materialize_partition(context, runtime, inputs, say_so, allow_fewer_rows=config.allow_fewer_rows)
            return result_of(kept, {**inputs, **partition_metadata(runtime, kept)}, _no_checks(have, need))

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            results = runtime.run(
                "nn_training",
                [spec],
                listener=job_log(context),
                timeout_s=runtime.pipeline.polling.training_minutes * 60,
                cancel_on=CANCEL_ON,
            )
            need_done(results)
            manifest = results[0].manifest
            if manifest is None:
                raise TrainingLate(
                    f"{spec.job_id} is not over ({results[0].error}); materialize again to go on from its last epoch, "
                    "or raise polling.training_minutes"
                )
            for path in results[0].shards:
                shutil.copyfile(path, folder / path.name)
            data = {
                "status": TRAINED,
                "have": have,
                "need": need,
                "model_id": model_id(key, iteration),
                "architecture": {name: spec.params[name] for name in ("blocks", "channels")},
                "parameters": {**spec.params["settings"], "epochs": spec.params["epochs"]},
                "window_shape": spec.params["window"],
                **manifest.result,
            }
            return StepOutput(1, data["weights"], data, provenance_of(results, time.monotonic() - started))

        kept = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        registry.write_model(kept.record)
        return result_of(kept, _metadata(runtime, registry, kept), _checks(kept, training.soft_share))


def plan_training(runtime: Runtime, key: str, iteration: int) -> TrainingPlan:
    """What the network of an iteration is made from, and the job that trains it."""
    from ringrift.planning.jobs import train_job

    sets = runtime.store.upto(TRAINING_DB, key, iteration)
    runtime.store.need(TRAINING_DB, key, iteration)
    incumbent = runtime.store.need("incumbent", key, iteration).data
    have, need = sum(record.rows for record in sets), least_games(runtime.pipeline, key)
    if have < need:
        return TrainingPlan({"status": TOO_FEW, "have": have, "need": need}, None, have, need)
    champion = incumbent["champion_weights"] if runtime.pipeline.training.from_champion else None
    parent = runtime.input_file(Registry(runtime.home).weights_path(champion)) if champion else None
    spec = train_job(runtime.pipeline, key, iteration, [games_file(runtime, record) for record in sets], parent)
    inputs = {
        "games": [[record.iteration, record.content_digest] for record in sets],
        "parent": champion,
        "numbers": {name: value for name, value in spec.params.items() if name not in ("games", "parent")},
    }
    return TrainingPlan(inputs, spec, have, need)


def least_games(pipeline: "Pipeline", config: str) -> int:
    """Games a config needs for a model. Raises InvalidInput for one that the pipeline does not name."""
    if config not in pipeline.training.min_games:
        raise InvalidInput("training.min_games", config, "name this config there and in training.epochs")
    return pipeline.training.min_games[config]


def _metadata(runtime: Runtime, registry: Registry, kept: StoredPartition) -> dict[str, Any]:
    data = kept.record.data
    svg = base64.b64encode(runtime.store.path(kept.record, PLOT).read_bytes()).decode()
    model = registry.get(data["model_id"])
    return {
        "losses": dg.MetadataValue.md(f"![{PICTURE}]({data['small_plot']})"),
        "losses_large": dg.MetadataValue.md(f"![{PICTURE}](data:image/svg+xml;base64,{svg})"),
        "model": data["model_id"],
        "weights": data["weights"],
        "parent": model.parent_id or data["parent"] or "none: it began with random weights",
        "metrics": table(metric_rows(data)),
        "loss": data["metrics"]["loss"],
        "parameters": dg.MetadataValue.json({**data["architecture"], **data["parameters"]}),
        "best_epoch": data["best_epoch"],
        "window": dg.MetadataValue.json(data["window"]),
        "games_upto_here": data["have"],
        "soft_target_share": data["soft_share"],
        "model_file": dg.MetadataValue.path(str(runtime.store.path(kept.record, WEIGHTS_FILE))),
        **partition_metadata(runtime, kept),
    }


def metric_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a figure of the games held out, beside that of the parent on the same games (0 epochs)."""
    before = data["start_metrics"] or {}
    return [
        {
            "metric": name,
            "value": round(value, 4),
            "parent": f"{before[name]:.4f}" if name in before else "",
        }
        for name, value in data["metrics"].items()
    ]


def _no_checks(have: int, need: int) -> list[dg.AssetCheckResult]:
    """Without a model one check warns and the others have nothing to judge."""
    problem = f"{have} of {need} games are there; play more, or lower training.min_games. There is no candidate"
    numbers = {"have": have, "need": need}
    return [
        result(ENOUGH_GAMES, False, problem, warn=True, numbers=numbers),
        *(result(name, True, "") for name in (SOFT_TARGETS, FINITE_METRICS, BETTER_THAN_CONSTANT)),
    ]


def _checks(kept: StoredPartition, least_soft: float) -> list[dg.AssetCheckResult]:
    data = kept.record.data
    metrics, soft = data["metrics"], data["soft_share"]
    infinite = [name for name, value in metrics.items() if not math.isfinite(value)]
    error, constant = metrics["value_mse"], metrics["value_mse_constant"]
    return [
        result(ENOUGH_GAMES, True, "", warn=True, numbers={"have": data["have"], "need": data["need"]}),
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
