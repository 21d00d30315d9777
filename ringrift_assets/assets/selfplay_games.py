"""The games of an iteration: plan the config's jobs, run them on the hosts, compact the shards."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.games import SelfplayContent
from resources.store.learned import games_of_jobs
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record
from ringrift import names
from ringrift.config import parse_config
from ringrift.errors import RingRiftError
from ringrift.planning.incumbent import Incumbent
from ringrift.planning.selfplay import Plan, SelfplayInputs, games_by_job, plan_jobs, source_jobs
from ringrift.specs.kinds import planned_games
from ringrift.specs.prove import write_plans
from ringrift_assets.steps.checks import UNIQUE_SHARE, WHOLE, partitioned_spec, result
from ringrift_assets.steps.incumbents import load_incumbent
from ringrift_assets.steps.jobs import provenance_of
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    MaterializeOnHosts,
    StepOutput,
    StoredPartition,
    materialize_partition,
    step_errors,
)
from ringrift_assets.steps.trust import plans_of, run_proved

if TYPE_CHECKING:
    import pyarrow as pa

JOB_COLUMNS = ("job", "games", "unique", "capped", "decisions")


class TooFewGames(RingRiftError):
    """The phase ran out of time before the games that are worth going on with were there."""


@dg.asset(
    deps=[names.INCUMBENT],
    partitions_def=PARTITIONS,
    group_name="selfplay",
    kinds={"parquet"},
    owners=OWNERS,
    code_version="game-set-1/canonical-1",
    check_specs=[
        partitioned_spec(
            names.SELFPLAY_GAMES, WHOLE, "Every planned game is there; a partial partition lists what is missing."
        ),
        partitioned_spec(
            names.SELFPLAY_GAMES, UNIQUE_SHARE, "The share of unique games in each job reaches selfplay.unique_share."
        ),
    ],
)
def selfplay_games(
    context: dg.AssetExecutionContext, config: MaterializeOnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """Selfplay games of the iteration's jobs, collected from the workers.

    Each job of the pipeline is cut into chunks that run in parallel on hosts with `selfplay`. Their shards are pulled
    and verified as they appear, compared with the plan and partly played again (trust.share), and compacted into one
    file in game order. A host whose games do not hold is set apart, and its jobs are played elsewhere. A job
    whose engine is not available yet is reported as skipped; no other engine plays in its place. If the phase times out
    with enough games, the partition is partial and the next materialization plays only the missing games.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        incumbent, pipeline = load_incumbent(runtime, key, iteration), runtime.pipeline
        plan = plan_games(runtime, key, iteration, incumbent)
        inputs = plan_inputs(plan)
        skipped = inputs["skipped"]
        if (growth := pipeline.loop.growth) > 1:
            have, planned = earlier_games(runtime, key, iteration), sum(planned_games(spec) or 0 for spec in plan.jobs)
            context.log.info(f"{planned} games: networks learn from {have} earlier ones, loop.growth is {growth:g}")
        if not plan.jobs:
            why = "; ".join(f"{entry['job']}: {entry['reason']}" for entry in skipped)
            raise TooFewGames(f"no selfplay job of {key} can be played ({why or 'the pipeline has none'})")

        def make(folder: Path, partial: Record | None) -> StepOutput:
            todo = plan.jobs
            if partial:
                todo = plan_games(runtime, key, iteration, incumbent, partial.missing["games"]).jobs
                context.log.info(f"going on from {partial.rows} games, {len(todo)} chunks are missing")
            started = time.monotonic()
            minutes = pipeline.polling.selfplay_minutes
            results, proof = run_proved(context, runtime, todo, capability="selfplay", minutes=minutes)
            wall_s = time.monotonic() - started
            write_plans(folder / names.PLANS_FILE, plans_of(runtime, results, partial))
            output = _compact(runtime, folder, (key, iteration), results, skipped, partial, wall_s)
            return replace(output, provenance={**output.provenance, "proof": proof.to_json()})

        stored = materialize_partition(
            context,
            runtime,
            inputs,
            make,
            planned_rows=sum(planned_games(spec) or 0 for spec in plan.jobs),
            allow_fewer_rows=config.allow_fewer_rows,
        )
        return result_of(stored, _metadata(runtime, stored), _checks(stored, pipeline.selfplay.unique_share))


def plan_games(
    runtime: Runtime,
    key: str,
    iteration: int,
    incumbent: Incumbent,
    missing: Mapping[str, Sequence[int]] | None = None,
    coming: int = 0,
) -> Plan:
    """The selfplay jobs of an iteration, from its incumbent and the earlier games that networks learn from.

    `missing` (job → game indices) restricts them; `coming` are earlier games that are planned and not stored yet.
    """
    have = earlier_games(runtime, key, iteration) + coming
    inputs = SelfplayInputs(incumbent=incumbent, have=have, missing=missing)
    return plan_jobs(runtime.pipeline, parse_config(key), iteration, inputs)


def earlier_games(runtime: Runtime, key: str, iteration: int) -> int:
    """Games of earlier iterations that networks learn from, which loop.growth multiplies; 0 where nothing grows."""
    if runtime.pipeline.loop.growth == 1:
        return 0
    return games_of_jobs(runtime.store, key, source_jobs(runtime.pipeline, parse_config(key)), iteration - 1)


def plan_inputs(plan: Plan) -> dict[str, Any]:
    """What the games of a plan are a function of."""
    return {"jobs": [spec.job_id for spec in plan.jobs], "skipped": [dict(entry._asdict()) for entry in plan.skipped]}


def _compact(
    runtime: Runtime,
    folder: Path,
    partition: tuple[str, int],
    results: Sequence[JobResult],
    skipped: list[dict[str, Any]],
    partial: Record | None,
    wall_s: float,
) -> StepOutput:
    """One file in game order from the shards and, if there is one, the stored partial partition."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from ringrift.gamesets.digest import canonical_order, content_digest
    from ringrift.gamesets.shards import read_shard, write_shard

    key, iteration = partition
    shards = [path for result in results for path in result.shards]
    if partial:
        shards.append(runtime.store.path(partial, names.GAMES_FILE))
    counts = games_by_job(runtime.pipeline, parse_config(key), earlier_games(runtime, key, iteration))
    left_out = {entry["job"] for entry in skipped}
    planned = {job: count for job, count in counts.items() if job not in left_out}
    games = pa.concat_tables([read_shard(path) for path in shards]) if shards else None
    enough = min(runtime.pipeline.selfplay.min_games, sum(planned.values()))
    have = games.num_rows if games is not None else 0
    if games is None or have < enough:
        late = "; ".join(sorted({result.error for result in results if result.error}))
        raise TooFewGames(
            f"{have} of {sum(planned.values())} games are there, {enough} are the least to go on with ({late}); "
            "materialize again to play the rest, or raise polling.selfplay_minutes"
        )
    games = games.take(canonical_order(games))
    write_shard(folder / names.GAMES_FILE, games)
    jobs = _job_rows(games, planned)
    missing = _missing(games, planned)
    work = provenance_of(results, wall_s)
    played = games.num_rows - (partial.rows if partial else 0)
    seconds = {
        job["job"]: round(pc.sum(games.filter(pc.equal(games["job"], job["job"]))["duration_s"]).as_py() or 0.0, 2)
        for job in jobs
    }
    return StepOutput(
        rows=games.num_rows,
        content_digest=content_digest(games),
        content=new_content(
            SelfplayContent,
            {
                "planned": sum(planned.values()),
                "games": games.num_rows,
                "capped": sum(job["capped"] for job in jobs),
                "jobs": jobs,
                "skipped": skipped,
            },
        ),
        provenance={
            **work,
            "played": played,
            "games_per_s": round(played / max(work["wall_s"], 1e-3), 2),
            "job_seconds": seconds,
        },
        missing={"games": missing} if missing else {},
    )


def _missing(games: "pa.Table", planned: dict[str, int]) -> dict[str, list[int]]:
    """Game indices that were planned and are not there, by job."""
    have: dict[str, set[int]] = {}
    for job, index in zip(games["job"].to_pylist(), games["game_index"].to_pylist(), strict=True):
        have.setdefault(job, set()).add(index)
    gaps = {job: sorted(set(range(count)) - have.get(job, set())) for job, count in planned.items()}
    return {job: indices for job, indices in gaps.items() if indices}


def _job_rows(games: "pa.Table", planned: dict[str, int]) -> list[dict[str, Any]]:
    """Counts of each job, in the pipeline's order."""
    import pyarrow.compute as pc

    from ringrift.gamesets.dedup import dedup

    rows = []
    for job, count in planned.items():
        own = games.filter(pc.equal(games["job"], job))
        n = own.num_rows
        rows.append(
            {
                "job": job,
                "planned": count,
                "games": n,
                "unique": dedup(own)[0].num_rows,
                "capped": int(pc.sum(own["capped"]).as_py() or 0),
                "decisions": int(pc.sum(own["plies"]).as_py() or 0),
            }
        )
    return rows


def _metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    content, work = content_of(stored.record, SelfplayContent), stored.record.provenance
    shown: dict[str, Any] = {
        "planned": content.planned,
        "capped": content.capped,
        "games_per_s": work["games_per_s"],
        "jobs": table(
            [
                {**{name: getattr(job, name) for name in JOB_COLUMNS}, "player_s": work["job_seconds"][job.job]}
                for job in content.jobs
            ]
        ),
    }
    if content.skipped:
        shown["skipped"] = table([entry.model_dump() for entry in content.skipped])
    if stored.record.missing:
        shown["missing"] = dg.MetadataValue.json(stored.record.missing)
    return {**shown, **partition_metadata(runtime, stored)}


def _checks(stored: StoredPartition, share: float) -> list[dg.AssetCheckResult]:
    content, missing = content_of(stored.record, SelfplayContent), stored.record.missing.get("games", {})
    lacking = sum(len(indices) for indices in missing.values())
    shares = {job.job: job.unique / job.games for job in content.jobs if job.games}
    low = [f"{job.job}: {job.unique} of {job.games}" for job in content.jobs if shares.get(job.job, 1.0) < share]
    return [
        result(
            WHOLE,
            not lacking,
            f"{lacking} of {content.planned} games are missing; materialize again to play them",
            warn=True,
            numbers={"missing": lacking},
        ),
        result(
            UNIQUE_SHARE,
            not low,
            f"fewer than {share:.0%} different games in {'; '.join(low)}; give the job more opening_plies",
            warn=True,
            numbers={"lowest": min(shares.values(), default=0.0)},
        ),
    ]
