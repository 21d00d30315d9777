"""Ratings of everybody who has played a match in this config, up to this iteration."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.matches import MatchesContent, PlayerEntry, RatingsContent
from resources.store.contents.profiles import ProfileContent
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift import names
from ringrift.config import parse_config
from ringrift.files import write_text
from ringrift.jobs.contract import JobSpec
from ringrift.planning.players import alias, current_player
from ringrift.players.benchmarks import BENCHMARKS, anchor, benchmark, unavailable
from ringrift.plots.rating_history import history_lines, render_history
from ringrift.specs.store_jobs import RATE_VERSION, RateParams
from ringrift_assets.steps.checks import (
    FINITE_INTERVALS,
    KNOWN_PARTICIPANTS,
    POOL_PURITY,
    SEAT_BALANCE,
    partitioned_spec,
    result,
)
from ringrift_assets.steps.incumbents import load_incumbent, with_profile
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

PLOT, HISTORY = names.RATINGS_PLOT, names.RATING_HISTORY_PLOT
PICTURE, HISTORY_PICTURE = "ratings with 95 % intervals", "ratings over the iterations"
TABLE_COLUMNS = ("name", "rating", "low", "high", "los", "games", "elo", "key")


class RatingPlan(NamedTuple):
    """The step's inputs and its job, and what its pictures show.

    `players` are all who have played, by key; `lines` are the keys of the current player and of the frozen benchmarks,
    in this order; `earlier` are the ratings of earlier iterations.
    """

    inputs: dict[str, Any]
    spec: JobSpec
    players: dict[str, PlayerEntry]
    lines: list[str]
    earlier: list[Record]


@dg.asset(
    deps=[names.TOURNAMENT_GAMES],
    partitions_def=PARTITIONS,
    group_name="evaluation",
    kinds={"json", "parquet"},
    owners=OWNERS,
    code_version="ratings-2",
    check_specs=[
        partitioned_spec(
            names.ELO_RATINGS, POOL_PURITY, "No game of another board or table size is in this rating pool."
        ),
        partitioned_spec(
            names.ELO_RATINGS, KNOWN_PARTICIPANTS, "Every seat holds a participant that a match has planned."
        ),
        partitioned_spec(names.ELO_RATINGS, FINITE_INTERVALS, "All ratings and 95 % intervals are finite."),
        partitioned_spec(names.ELO_RATINGS, SEAT_BALANCE, "Every participant had each seat of a match equally often."),
    ],
)
def elo_ratings(
    context: dg.AssetExecutionContext, config: Materialize, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """Ratings of every participant of this config: a batch fit with 95 % intervals, and Elo with K = 32.

    Both are recomputed from every match game up to this iteration; games of earlier iterations come from the store.
    The fit is anchored at 1500 for the default heuristic without randomness. LOS is the likelihood that a participant
    is stronger than the next one in the table. Elo replays the games in their fixed order (iteration, match, game).
    Ratings belong to a participant's content, never to its name, and each config is a pool of its own. One plot shows
    all participants, another the current player, the benchmarks and the best over the iterations.
    """
    with step_errors():
        key, iteration = partition_of(context)
        inputs, spec, players, shown, earlier = plan_ratings(runtime, key, iteration)

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            output = run_job(context, runtime, spec, folder)
            rated = [row["key"] for row in output.result["ratings"]]
            entries = {k: {"name": players[k].name, "participant": players[k].participant} for k in rated}
            content = new_content(RatingsContent, {**output.result, "participants": entries})
            data = content.to_json()
            rows = {record.iteration: record.data["ratings"] for record in earlier} | {iteration: data["ratings"]}
            lines = history_lines(rows, shown, bold=shown[0])
            write_text(folder / HISTORY, render_history(lines, key))
            digest = digest_of({name: value for name, value in data.items() if name != "small_plot"})
            provenance = provenance_of([output.job], time.monotonic() - started)
            return StepOutput(len(content.ratings), digest, content, provenance)

        stored = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        return result_of(stored, _metadata(runtime, stored), _checks(stored))


def plan_ratings(runtime: Runtime, key: str, iteration: int) -> RatingPlan:
    """What the ratings of an iteration are computed from, and the job that does it."""
    runtime.store.need(names.TOURNAMENT_GAMES, key, iteration)
    matches = runtime.store.upto(names.TOURNAMENT_GAMES, key, iteration)
    earlier = runtime.store.upto(names.ELO_RATINGS, key, iteration - 1)
    board = parse_config(key)
    tuned = content_of(runtime.store.need(names.HEURISTIC_PROFILES, key, iteration), ProfileContent)
    current = with_profile(load_incumbent(runtime, key, iteration), tuned)
    in_force = current_player(runtime.pipeline, board, current.profile, current.profiles, current.player)
    fixed = anchor(board)
    frozen = [benchmark(name, board).key for name in BENCHMARKS if unavailable(name) is None]
    players = {k: entry for record in matches for k, entry in content_of(record, MatchesContent).participants.items()}
    players[fixed.key] = PlayerEntry(name=alias(fixed, board), participant=fixed.to_dict())
    rules = runtime.pipeline.evaluation
    terms: dict[str, Any] = {
        "known": {k: entry.name for k, entry in players.items()},
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
    params = RateParams(version=RATE_VERSION, config=key, iteration=iteration, games=files, **terms)
    spec = params.spec(asset=names.ELO_RATINGS, config=key, iteration=iteration, name="rate")
    return RatingPlan(inputs, spec, players, [in_force.key, *frozen], earlier)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row as far as its numbers are known: Elo points whole, a likelihood in thousandths."""
    return {
        name: (round(value, 3) if name == "los" else round(value)) if isinstance(value, float) else value
        for name, value in row.items()
    }


def _metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    content = content_of(stored.record, RatingsContent)
    large, history = (runtime.store.path(stored.record, name).read_bytes() for name in (PLOT, HISTORY))
    return {
        "plot": dg.MetadataValue.md(f"![{PICTURE}]({content.small_plot})"),
        "plot_large": picture(PICTURE, large),
        "history": picture(HISTORY_PICTURE, history),
        "ratings": table([_shown({name: getattr(row, name) for name in TABLE_COLUMNS}) for row in content.ratings]),
        "seats": table([_shown(seat.model_dump()) for seat in content.seats]),
        "best": content.ratings[0].name,
        "best_rating": round(content.ratings[0].rating),
        "games_rated": content.games,
        "games_of_this_iteration": content.games_now,
        **partition_metadata(runtime, stored),
    }


def _checks(stored: StoredPartition) -> list[dg.AssetCheckResult]:
    content = content_of(stored.record, RatingsContent)
    foreign, unknown = (content.refused.get(reason, 0) for reason in ("other_pool", "unknown_participant"))
    remedy = f"materialize {names.TOURNAMENT_GAMES} of this config again"
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
        result(FINITE_INTERVALS, content.finite, "a rating or an interval is no number; do not use these ratings"),
        result(
            SEAT_BALANCE,
            content.imbalance == 0,
            f"a participant sat {content.imbalance} times more often in one seat of a match than in another; {remedy}",
            warn=True,
            numbers={"imbalance": content.imbalance},
        ),
    ]
