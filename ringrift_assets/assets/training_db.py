"""The training set of an iteration: its games, replayed through the rules and without those known before."""

import base64
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record
from ringrift.jobs.contract import JobSpec
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
from ringrift_assets.steps.jobs import CANCEL_ON, job_log, need_done, provenance_of
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    Materialize,
    StepOutput,
    StoredPartition,
    games_file,
    materialize_partition,
    step_errors,
)

MATCHES = "tournament_games"
PICTURE = "the end of the longest game"  # shown at once if its markdown is short, else behind a link


class Verification(NamedTuple):
    """The step's inputs, and its job."""

    inputs: dict[str, Any]
    spec: JobSpec


@dg.asset(
    deps=["selfplay_games"],
    partitions_def=PARTITIONS,
    group_name="training_data",
    kinds={"parquet"},
    owners=OWNERS,
    code_version="game-set-1/canonical-1",
    check_specs=[
        partitioned_spec(TRAINING_DB, ALL_VERIFY, "Every game replays to exactly the outcome it claims."),
        partitioned_spec(TRAINING_DB, NO_ILLEGAL, "No game has a move that is not legal where it was played."),
    ],
)
def training_db(
    context: dg.AssetExecutionContext, config: Materialize, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The games a network may learn from: replayed move by move, finished, and each of them once.

    It takes this iteration's selfplay games, and the match games of earlier iterations that no set has taken.
    A game counts only after the rules engine has replayed it to the outcome and hash it claims. Games that
    were cut off, and games that are in this iteration's set already or in that of any earlier iteration, are
    set aside with the reason. Asking records nothing: the same inputs always give the same set.
    """
    with step_errors():
        key, iteration = partition_of(context)
        inputs, spec = plan_verification(runtime, key, iteration)

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            results = runtime.run(None, [spec], listener=job_log(context), cancel_on=CANCEL_ON)
            need_done(results)
            for path in results[0].shards:
                shutil.copyfile(path, folder / path.name)
            assert results[0].manifest is not None  # a job that is done has one
            found = results[0].manifest.result
            digest, rows = found.pop("content_digest"), found["games"]
            data = {**found, "taken": inputs["matches"]}
            return StepOutput(rows, digest, data, provenance_of(results, time.monotonic() - started))

        kept = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        _warn_newer(context, runtime, key, iteration)
        return result_of(kept, _metadata(runtime, kept), _checks(kept))


def plan_verification(runtime: Runtime, key: str, iteration: int) -> Verification:
    """What the training set of an iteration is made from, and the job that makes it."""
    played = runtime.store.need("selfplay_games", key, iteration)
    earlier = runtime.store.upto(TRAINING_DB, key, iteration - 1)
    matches = _new_matches(runtime, key, iteration, earlier)
    inputs = {
        "played": played.content_digest,
        "matches": [[record.iteration, record.content_digest] for record in matches],
        "earlier": [[record.iteration, record.content_digest] for record in earlier],
    }
    params = {
        "config": key,
        "games": games_file(runtime, played),
        "more": [games_file(runtime, record) for record in matches],
        "earlier": [games_file(runtime, record) for record in earlier],
    }
    name = "verify"
    spec = JobSpec(asset=TRAINING_DB, config=key, iteration=iteration, name=name, kind=name, params=params)
    return Verification(inputs, spec)


def _new_matches(runtime: Runtime, key: str, iteration: int, earlier: list[Record]) -> list[Record]:
    """The match games of earlier iterations that are in none of the `earlier` training sets."""
    taken = [entry for record in earlier for entry in record.data.get("taken", [])]
    records = runtime.store.upto(MATCHES, key, iteration - 1)
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


def _metadata(runtime: Runtime, kept: StoredPartition) -> dict[str, Any]:
    from ringrift.gamesets.replay_check import REJECT_REASONS

    data = kept.record.data
    meaning = {
        **REJECT_REASONS,
        "capped": "stopped by the decision cap: no result to learn from",
        "duplicate": "in this set already, or in that of an earlier iteration",
    }
    all_sets = runtime.store.upto(TRAINING_DB, kept.record.config, kept.record.iteration)
    shown: dict[str, Any] = {}
    if data["thumbnail"]:
        shown["end_of_longest_game"] = dg.MetadataValue.md(f"![{PICTURE}]({data['thumbnail']})")
        svg = base64.b64encode(runtime.store.path(kept.record, "board.svg").read_bytes()).decode()
        shown["end_of_longest_game_large"] = dg.MetadataValue.md(f"![{PICTURE}](data:image/svg+xml;base64,{svg})")
    shown |= {
        "read": data["read"],
        "sources": ", ".join(f"{source}: {n}" for source, n in data["sources"].items()),
        "games_upto_here": sum(record.rows for record in all_sets),
        "decisions": data["decisions"],
        "wins_by_player": ", ".join(f"player {player}: {n}" for player, n in data["wins"].items()),
        "endings": ", ".join(f"{ending}: {n}" for ending, n in data["endings"].items()),
    }
    if data["rejected"]:
        shown["rejected"] = table(
            [{"reason": r, "games": n, "meaning": meaning.get(r, "")} for r, n in data["rejected"].items()]
        )
    return {**shown, "dagster/column_schema": _columns(), **partition_metadata(runtime, kept)}


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


def _checks(kept: StoredPartition) -> list[dg.AssetCheckResult]:
    data = kept.record.data
    bad = data["read"] - data["verified"]
    illegal = data["rejected"].get("illegal_move", 0)
    remedy = "rejects.parquet beside the games says which and why; do not train before that is understood"
    return [
        result(
            ALL_VERIFY,
            bad == 0,
            f"{bad} of {data['read']} games do not verify; {remedy}",
            numbers={"verified_share": data["verified"] / data["read"] if data["read"] else 0.0},
        ),
        result(
            NO_ILLEGAL,
            illegal == 0,
            f"{illegal} games have an illegal move; {remedy}",
            numbers={"illegal": illegal},
        ),
    ]
