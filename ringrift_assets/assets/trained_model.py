"""The network of an iteration: trained on the newest games of its config, or the word that they are too few."""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.models.registry import Registry, model_id
from resources.runtime import Runtime
from resources.store.contents.base import Row, content_of, new_content
from resources.store.contents.matches import RatingsContent
from resources.store.contents.models import TOO_FEW, TRAINED, ModelContent, TrainingOutcome
from resources.store.contents.profiles import IncumbentContent
from resources.store.learned import learned_games
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift import names
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.planning.jobs import train_job
from ringrift.planning.pipeline import Pipeline
from ringrift.specs.kinds import params_of
from ringrift.specs.train import POLICY_VALUE, TrainParams
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
STRONG_SOURCES = "strong_sources"
NEAR_ELO, MOST_WEAK = 200.0, 0.5  # rating points below the champion that make a player weak; share that is warned about


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
    code_version="card-1/encoder-1/value-1/canonical-1",
    check_specs=[
        partitioned_spec(names.TRAINED_MODEL, ENOUGH_GAMES, "The config has at least training.min_games games."),
        partitioned_spec(
            names.TRAINED_MODEL, SOFT_TARGETS, "Enough rows have a searched policy target, not only the move played."
        ),
        partitioned_spec(names.TRAINED_MODEL, FINITE_METRICS, "All held-out metrics are finite.", blocking=True),
        partitioned_spec(
            names.TRAINED_MODEL, BETTER_THAN_CONSTANT, "Predicts held-out results better than the constant baseline."
        ),
        partitioned_spec(
            names.TRAINED_MODEL, STRONG_SOURCES, "Most training games come from players near the champion."
        ),
    ],
)
def trained_model(
    context: dg.AssetExecutionContext, config: MaterializeOnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The network trained in this iteration: a candidate that only the gate can make champion.

    `training.kind` says which kind of network. It is trained on the newest games of the config, in a replay window that
    grows with the total, and evaluated on held-out games chosen by hash; a policy-value network starts from the
    champion's weights where there are such, a value network from random ones. With fewer games than
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
                "network": params.network,
                "architecture": params.architecture,
                "parameters": params.settings.model_dump(),
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
        checks = [
            *_checks(content, runtime.pipeline.training.soft_share),
            _strong_sources(content, _newest_ratings(runtime, key, iteration)),
        ]
        return result_of(stored, metadata, checks)


def plan_training(runtime: Runtime, key: str, iteration: int) -> TrainingPlan:
    """What the network of an iteration is made from, and the job that trains it."""
    sets = runtime.store.upto(TRAINING_DB, key, iteration)
    runtime.store.need(TRAINING_DB, key, iteration)
    incumbent = content_of(runtime.store.need(names.INCUMBENT, key, iteration), IncumbentContent)
    have, need = learned_games(runtime.store, runtime.pipeline, key, iteration), least_games(runtime.pipeline, key)
    if have < need:
        return TrainingPlan({"status": TOO_FEW, "have": have, "need": need}, None, have, need)
    sources = [games_file(runtime, record) for record in sets]
    parent, start = incumbent.champion_weights, None
    if parent and _begins_with(runtime.pipeline, key, incumbent):
        start = runtime.input_file(Registry(runtime.home).weights_path(parent))
    spec = train_job(runtime.pipeline, key, iteration, sources, parent=parent, start=start)
    inputs = {
        "games": [[record.iteration, record.content_digest] for record in sets],
        "parent": parent,
        "start": start is not None,
        "numbers": {name: value for name, value in spec.params.items() if name not in ("games", "parent", "start")},
    }
    return TrainingPlan(inputs, spec, have, need)


def _begins_with(pipeline: Pipeline, config: str, incumbent: IncumbentContent) -> bool:
    """True if the training begins with the champion's weights: both are policy-value networks."""
    if not pipeline.training.from_champion or pipeline.training.network_of(config) != POLICY_VALUE:
        return False
    champion = incumbent.champion_ref
    return champion is not None and champion.player.get("model") == champion.weights_hash


def least_games(pipeline: Pipeline, config: str) -> int:
    """Games a config needs for a model. Raises InvalidInput for one that the pipeline does not name."""
    if config not in pipeline.training.min_games:
        raise InvalidInput(
            "training.min_games", config, "name this config there, and for a policy-value network in training.epochs"
        )
    return pipeline.training.min_games[config]


def _metadata(runtime: Runtime, registry: Registry, stored: StoredPartition, content: ModelContent) -> dict[str, Any]:
    model = registry.get(content.model_id)
    return {
        "losses": dg.MetadataValue.md(f"![{PICTURE}]({content.small_plot})"),
        "losses_large": picture(PICTURE, runtime.store.path(stored.record, names.LOSSES_PLOT).read_bytes()),
        "model": content.model_id,
        "weights": content.weights,
        "network": content.network,
        "parent": model.parent_id or content.parent or "none: there was no champion",
        "began_with": "the parent's weights" if content.start_metrics else "random weights",
        "metrics": table(metric_rows(content)),
        "loss": content.metrics["loss"],
        "parameters": dg.MetadataValue.json({**content.architecture, **content.parameters}),
        "best_epoch": content.best_epoch,
        "window": dg.MetadataValue.json(content.window),
        "games_upto_here": content.have,
        "seats_by_player": dg.MetadataValue.json(content.players),
        **({} if content.soft_share is None else {"soft_target_share": content.soft_share}),
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
        *(result(name, True, "") for name in (SOFT_TARGETS, FINITE_METRICS, BETTER_THAN_CONSTANT, STRONG_SOURCES)),
    ]


def _checks(content: ModelContent, least_soft: float) -> list[dg.AssetCheckResult]:
    metrics = content.metrics
    infinite = [name for name, value in metrics.items() if not math.isfinite(value)]
    error, constant = metrics["value_mse"], metrics["value_mse_constant"]
    return [
        result(ENOUGH_GAMES, True, "", warn=True, numbers={"have": content.have, "need": content.need}),
        _soft_targets(content.soft_share, least_soft),
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


def _soft_targets(soft: float | None, least: float) -> dg.AssetCheckResult:
    if soft is None:
        return _passes(SOFT_TARGETS, "not applicable: a value network learns from results alone")
    return result(
        SOFT_TARGETS,
        soft >= least,
        f"{soft:.1%} of the rows carry what a search found, {least:.0%} are asked for; see whether the search "
        "jobs were played and recorded, or lower training.soft_share",
        warn=True,
        numbers={"soft_share": soft},
    )


def _newest_ratings(runtime: Runtime, key: str, iteration: int) -> RatingsContent | None:
    """The newest ratings of earlier iterations, None where nobody is rated yet."""
    records = runtime.store.upto(names.ELO_RATINGS, key, iteration - 1)
    return content_of(records[-1], RatingsContent) if records else None


def _strong_sources(content: ModelContent, ratings: RatingsContent | None) -> dg.AssetCheckResult:
    """Whether most seats of the window are of players near the champion; those without a rating are not judged."""
    if content.parent is None or ratings is None:
        return _passes(STRONG_SOURCES, f"not judged: there {'is no champion' if ratings else 'are no ratings'} yet")
    rated = {row.key: row.rating for row in ratings.ratings}
    champion = [
        rated[key]
        for key, entry in ratings.participants.items()
        if key in rated and content.parent in (entry.participant.get("model"), entry.participant.get("value_model"))
    ]
    if not champion:
        return _passes(STRONG_SOURCES, "not judged: the champion has no rating yet")
    strong = max(champion)
    found = {name: rated[key] for name in content.players if (key := name.partition("#")[2]) in rated}
    judged = sum(content.players[name] for name in found)
    weak = sum(content.players[name] for name, rating in found.items() if rating < strong - NEAR_ELO)
    if not judged:
        return _passes(STRONG_SOURCES, "not judged: no player of the window has a rating")
    share = weak / judged
    return result(
        STRONG_SOURCES,
        share <= MOST_WEAK,
        f"{share:.0%} of the rated seats in the window are of players more than {NEAR_ELO:.0f} Elo below the champion "
        f"({strong:.0f}): the network learns from weak games. Let stronger players play, or choose training.sources",
        warn=True,
        numbers={"weak_share": share, "rated_seats": judged},
    )


def _passes(name: str, text: str) -> dg.AssetCheckResult:
    """A check that passes because it has nothing to judge, which it says."""
    return dg.AssetCheckResult(check_name=name, passed=True, severity=dg.AssetCheckSeverity.WARN, description=text)
