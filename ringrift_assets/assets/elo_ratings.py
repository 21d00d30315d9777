"""Ratings of everybody who has played a match in this config, up to this iteration."""

import base64
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift.files import write_text
from ringrift.jobs.contract import JobSpec
from ringrift.plots.rating_history import history_lines, render_history
from ringrift_assets.steps.checks import (
    FINITE_INTERVALS,
    KNOWN_PARTICIPANTS,
    POOL_PURITY,
    SEAT_BALANCE,
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

ASSET = "elo_ratings"
PLOT, HISTORY = "ratings.svg", "rating_history.svg"
MATCHES = "tournament_games"
PICTURE, HISTORY_PICTURE = "ratings with 95 % intervals", "ratings over the iterations"
TABLE_COLUMNS = ("name", "rating", "low", "high", "los", "games", "elo", "key")


class RatingPlan(NamedTuple):
    """The step's inputs and its job, and what its pictures show.

    `players` are all who have played, by key; `lines` are the keys of the player in force and of the frozen benchmarks,
    in this order; `earlier` are the ratings of earlier iterations.
    """

    inputs: dict[str, Any]
    spec: JobSpec
    players: dict[str, Any]
    lines: list[str]
    earlier: list[Record]


@dg.asset(
    deps=[MATCHES],
    partitions_def=PARTITIONS,
    group_name="evaluation",
    kinds={"json", "parquet"},
    owners=OWNERS,
    code_version="ratings-2",
    check_specs=[
        partitioned_spec(ASSET, POOL_PURITY, "No game of another board or table size is in this rating pool."),
        partitioned_spec(ASSET, KNOWN_PARTICIPANTS, "Every seat holds a participant that a match has planned."),
        partitioned_spec(ASSET, FINITE_INTERVALS, "Every rating and its 95 % interval are numbers."),
        partitioned_spec(ASSET, SEAT_BALANCE, "Everybody sat equally often in each seat of a match."),
    ],
)
def elo_ratings(
    context: dg.AssetExecutionContext, config: Materialize, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """How strong each participant of this config is: a fit of all games with 95 % intervals, and Elo with K = 32.

    Both are computed again from every match game up to this iteration; the games of earlier iterations come
    from the store. The fit is anchored at the default heuristic without randomness, 1500. LOS is the likelihood
    that a participant is stronger than the next one of the table. Elo plays the games through in their fixed order
    (iteration, match, game). Ratings hang on what a participant is, never on its name, and each config is a pool
    of its own. One picture shows everybody, another how the player in force, the benchmarks and the best have come
    along over the iterations.
    """
    with step_errors():
        key, iteration = partition_of(context)
        inputs, spec, players, shown, earlier = plan_ratings(runtime, key, iteration)

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            results = runtime.run(None, [spec], listener=job_log(context), cancel_on=CANCEL_ON)
            need_done(results)
            for path in results[0].shards:
                shutil.copyfile(path, folder / path.name)
            assert results[0].manifest is not None  # a job that is done has one
            found = results[0].manifest.result
            rated = [row["key"] for row in found["ratings"]]
            found["participants"] = {k: {name: players[k][name] for name in ("name", "participant")} for k in rated}
            rows = {record.iteration: record.data["ratings"] for record in earlier} | {iteration: found["ratings"]}
            lines = history_lines(rows, shown, bold=shown[0])
            write_text(folder / HISTORY, render_history(lines, key))
            content = {name: value for name, value in found.items() if name != "small_plot"}
            return StepOutput(
                len(found["ratings"]), digest_of(content), found, provenance_of(results, time.monotonic() - started)
            )

        kept = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        return result_of(kept, _metadata(runtime, kept), _checks(kept))


def plan_ratings(runtime: Runtime, key: str, iteration: int) -> RatingPlan:
    """What the ratings of an iteration are computed from, and the job that does it."""
    from ringrift.config import parse_config
    from ringrift.planning.matches import alias, current_player, network_player
    from ringrift.planning.tuning import trained_profiles
    from ringrift.players.benchmarks import BENCHMARKS, anchor, benchmark, unavailable

    runtime.store.need(MATCHES, key, iteration)
    matches = runtime.store.upto(MATCHES, key, iteration)
    earlier = runtime.store.upto(ASSET, key, iteration - 1)
    board = parse_config(key)
    tuned = runtime.store.need("heuristic_profiles", key, iteration).data
    weights = runtime.store.need("incumbent", key, iteration).data["champion_weights"]
    champion = network_player(runtime.pipeline, board, weights) if weights else None
    profiles = trained_profiles(tuned["profile"], tuned["profile_weights"])
    in_force = current_player(board, tuned, profiles, champion)
    fixed = anchor(board)
    frozen = [benchmark(name, board).key for name in BENCHMARKS if unavailable(name) is None]
    players = {k: entry for record in matches for k, entry in record.data["participants"].items()}
    players[fixed.key] = {"name": alias(fixed, board), "participant": fixed.to_dict()}
    rules = runtime.pipeline.evaluation
    terms = {
        "known": {k: entry["name"] for k, entry in players.items()},
        "anchor": fixed.key,
        "frozen": frozen,
        "elo_start": rules.elo_start,
        "elo_k": rules.elo_k,
    }
    inputs = {
        "games": [[record.iteration, record.content_digest] for record in matches],
        "earlier": [[record.iteration, record.content_digest] for record in earlier],
        "in_force": in_force.key,
        **terms,
    }
    files = [games_file(runtime, record) for record in matches]
    params = {"version": 2, "config": key, "iteration": iteration, "games": files, **terms}
    spec = JobSpec(asset=ASSET, config=key, iteration=iteration, name="rate", kind="rate", params=params)
    return RatingPlan(inputs, spec, players, [in_force.key, *frozen], earlier)


def _metadata(runtime: Runtime, kept: StoredPartition) -> dict[str, Any]:
    data = kept.record.data
    large, history = (
        base64.b64encode(runtime.store.path(kept.record, name).read_bytes()).decode() for name in (PLOT, HISTORY)
    )
    return {
        "plot": dg.MetadataValue.md(f"![{PICTURE}]({data['small_plot']})"),
        "plot_large": dg.MetadataValue.md(f"![{PICTURE}](data:image/svg+xml;base64,{large})"),
        "history": dg.MetadataValue.md(f"![{HISTORY_PICTURE}](data:image/svg+xml;base64,{history})"),
        "ratings": table([{name: row[name] for name in TABLE_COLUMNS} for row in data["ratings"]]),
        "seats": table([{name: row[name] for name in ("seat", "advantage", "stderr")} for row in data["seats"]]),
        "best": data["ratings"][0]["name"],
        "best_rating": data["ratings"][0]["rating"],
        "games_rated": data["games"],
        "games_of_this_iteration": data["games_now"],
        **partition_metadata(runtime, kept),
    }


def _checks(kept: StoredPartition) -> list[dg.AssetCheckResult]:
    data = kept.record.data
    foreign, unknown = (data["refused"].get(reason, 0) for reason in ("other_pool", "unknown_participant"))
    remedy = f"materialize {MATCHES} of this config again"
    return [
        result(
            POOL_PURITY,
            foreign == 0,
            f"{foreign} games of another pool were refused; {remedy}",
            numbers={"refused": foreign},
        ),
        result(
            KNOWN_PARTICIPANTS,
            unknown == 0,
            f"{unknown} games with a participant nobody planned were refused; {remedy}",
            numbers={"refused": unknown},
        ),
        result(FINITE_INTERVALS, data["finite"], "a rating or an interval is no number; do not use these ratings"),
        result(
            SEAT_BALANCE,
            data["imbalance"] == 0,
            f"a participant sat {data['imbalance']} times more often in one seat of a match than in another; {remedy}",
            warn=True,
            numbers={"imbalance": data["imbalance"]},
        ),
    ]
