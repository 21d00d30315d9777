"""The training set of an iteration: its games, replayed through the rules and without those known before."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.games import TrainingContent
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record
from ringrift import names
from ringrift.jobs.contract import JobSpec
from ringrift.specs.store_jobs import VerifyParams
from ringrift_assets.steps.checks import (
    ALL_VERIFY,
    NO_DUPLICATES,
    NO_ILLEGAL,
    TRAINING_DB,
    duplicates,
    duplicates_problem,
    partitioned_spec,
    result,
)
from ringrift_assets.steps.jobs import provenance_of, run_job
from ringrift_assets.steps.metadata import partition_metadata, picture, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    Materialize,
    StepOutput,
    StoredPartition,
    games_file,
    materialize_partition,
    step_errors,
)

PICTURE = "the end of the longest game"  # shown at once if its markdown is short, else behind a link


class Verification(NamedTuple):
    """The step's inputs, and its job."""

    inputs: dict[str, Any]
    spec: JobSpec


@dg.asset(
    deps=[names.SELFPLAY_GAMES],
    partitions_def=PARTITIONS,
    group_name="training_data",
    kinds={"parquet"},
    owners=OWNERS,
    code_version="game-set-1/canonical-1",
    check_specs=[
        partitioned_spec(TRAINING_DB, ALL_VERIFY, "Every game replays to exactly the outcome it claims."),
        partitioned_spec(TRAINING_DB, NO_ILLEGAL, "No game contains an illegal move."),
    ],
)
def training_db(
    context: dg.AssetExecutionContext, config: Materialize, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """Training database: deduplicated, finished games, each verified by replaying it through the rules.

    It takes this iteration's selfplay games and the match games of earlier iterations that no training set has taken.
    A game counts only if the rules engine replays it to the outcome and hash it claims. Capped games, and games that
    are in this set or that of an earlier iteration already, are rejected with the reason. Deduplication is derived,
    never recorded: the same inputs always give the same set.
    """
    with step_errors():
        key, iteration = partition_of(context)
        inputs, spec = plan_verification(runtime, key, iteration)

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            output = run_job(context, runtime, spec, folder)
            content = new_content(TrainingContent, {**output.result, "taken": inputs["matches"]})
            assert output.content_digest is not None  # this kind of job has one
            provenance = provenance_of([output.job], time.monotonic() - started)
            return StepOutput(content.games, output.content_digest, content, provenance)

        stored = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        _warn_newer(context, runtime, key, iteration)
        return result_of(stored, _metadata(runtime, stored), _checks(stored))


def plan_verification(runtime: Runtime, key: str, iteration: int) -> Verification:
    """What the training set of an iteration is made from, and the job that makes it."""
    played = runtime.store.need(names.SELFPLAY_GAMES, key, iteration)
    earlier = runtime.store.upto(TRAINING_DB, key, iteration - 1)
    matches = _new_matches(runtime, key, iteration, earlier)
    inputs = {
        "played": played.content_digest,
        "matches": [[record.iteration, record.content_digest] for record in matches],
        "earlier": [[record.iteration, record.content_digest] for record in earlier],
    }
    params = VerifyParams(
        config=key,
        games=games_file(runtime, played),
        more=[games_file(runtime, record) for record in matches],
        earlier=[games_file(runtime, record) for record in earlier],
    )
    spec = params.spec(asset=TRAINING_DB, config=key, iteration=iteration, name=VerifyParams.kind)
    return Verification(inputs, spec)


def _new_matches(runtime: Runtime, key: str, iteration: int, earlier: list[Record]) -> list[Record]:
    """The match games of earlier iterations that are in none of the `earlier` training sets."""
    taken = [entry for record in earlier for entry in content_of(record, TrainingContent).taken]
    records = runtime.store.upto(names.TOURNAMENT_GAMES, key, iteration - 1)
    return [record for record in records if [record.iteration, record.content_digest] not in taken]


def _warn_newer(context: dg.AssetExecutionContext, runtime: Runtime, key: str, iteration: int) -> None:
    """Fail the duplicate check of newer partitions that share games with what is stored now."""
    if not runtime.store.after(TRAINING_DB, key, iteration):
        return
    for newer, shared in duplicates(runtime.store, key).items():
        if newer > iteration:
            context.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=context.asset_key,
                    check_name=NO_DUPLICATES,
                    passed=False,
                    partition=f"{key}|{newer:04d}",
                    metadata={},
                    description=duplicates_problem(key, {newer: shared}),
                )
            )


def _metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    from ringrift.gamesets.replay_check import REJECT_REASONS

    record, content = stored.record, content_of(stored.record, TrainingContent)
    meaning = {
        **REJECT_REASONS,
        "capped": "stopped by the decision cap: no result to learn from",
        "duplicate": "in this set already, or in that of an earlier iteration",
    }
    all_sets = runtime.store.upto(TRAINING_DB, record.config, record.iteration)
    shown: dict[str, Any] = {}
    if content.thumbnail:
        shown["end_of_longest_game"] = dg.MetadataValue.md(f"![{PICTURE}]({content.thumbnail})")
        svg = runtime.store.path(record, names.BOARD_PICTURE).read_bytes()
        shown["end_of_longest_game_large"] = picture(PICTURE, svg)
    shown |= {
        "read": content.read,
        "sources": ", ".join(f"{source}: {n}" for source, n in content.sources.items()),
        "games_upto_here": sum(record.rows for record in all_sets),
        "decisions": content.decisions,
        "wins_by_player": ", ".join(f"player {player}: {n}" for player, n in content.wins.items()),
        "endings": ", ".join(f"{ending}: {n}" for ending, n in content.endings.items()),
    }
    if content.rejected:
        shown["rejected"] = table(
            [{"reason": r, "games": n, "meaning": meaning.get(r, "")} for r, n in content.rejected.items()]
        )
    return {**shown, "dagster/column_schema": _columns(), **partition_metadata(runtime, stored)}


def _columns() -> dg.TableSchema:
    from ringrift.gamesets.schema import SCHEMA

    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name, str(column.type), constraints=dg.TableColumnConstraints(nullable=column.nullable)
            )
            for column in SCHEMA
        ]
    )


def _checks(stored: StoredPartition) -> list[dg.AssetCheckResult]:
    content = content_of(stored.record, TrainingContent)
    bad = content.read - content.verified
    illegal = content.rejected.get("illegal_move", 0)
    remedy = "rejects.parquet beside the games says which and why; do not train before that is understood"
    return [
        result(
            ALL_VERIFY,
            bad == 0,
            f"{bad} of {content.read} games do not verify; {remedy}",
            numbers={"verified_share": content.verified / content.read if content.read else 0.0},
        ),
        result(
            NO_ILLEGAL,
            illegal == 0,
            f"{illegal} games have an illegal move; {remedy}",
            numbers={"illegal": illegal},
        ),
    ]
