"""Playing a plan shard by shard: what whole shards hold already is not played again."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from ringrift.errors import InvalidInput
from ringrift.gamesets.dedup import dedup
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.directory import Job
from ringrift.matches.models import evaluators_of, values_of
from ringrift.matches.plan import GamePlan, participant_name
from ringrift.matches.play import play_rows

FLUSH_GAMES, FLUSH_S = 25, 2.0  # a shard is written after so many games or seconds, whichever comes first


def run_games(job: Job, plan: GamePlan) -> dict[str, Any]:
    """Play the plan's games that no whole shard in `out/` holds yet.

    Returns counts (games, finished, capped, unique, plies, victories, played_now), the content digest of all
    games, the participants by name, and by the same names CPU seconds and decisions of the games played now
    (`effort`). Raises InvalidInput if the plan is not of the job's partition, or
    its cap is above the config's.
    """
    if (plan.config.key, plan.iteration) != (job.spec.config, job.spec.iteration):
        where = f"{job.spec.config}, iteration {job.spec.iteration}"
        raise InvalidInput("params", f"{plan.config.key}, iteration {plan.iteration}", f"the job is of {where}")
    if plan.decision_cap is not None and plan.decision_cap > plan.config.decision_cap:
        raise InvalidInput("decision_cap", plan.decision_cap, f"use at most {plan.config.decision_cap}")
    tables = _whole_shards(job, plan)
    rankings: dict[int, Sequence[int] | None] = {}
    for table in tables:
        rankings.update(zip(table["game_index"].to_pylist(), table["ranking"].to_pylist(), strict=True))
    there = len(rankings)
    if there:
        job.log(f"{there} games are there already")
    started = time.monotonic()
    effort: dict[str, list[float]] = {}
    for rows in _batches(job, _played(job, plan, rankings)):
        _add_effort(effort, rows)
        table = table_of(rows)
        name = f"games-{rows[0]['game_index']:06d}-{rows[-1]['game_index']:06d}.parquet"
        write_shard(job.out / name, table)
        tables.append(table)
        job.add_shard(name, table.num_rows)
        rate = (len(rankings) - there) / (time.monotonic() - started)
        job.report("progress", done=len(rankings), total=len(plan.indices), games_per_s=round(rate, 3))
    return {**_summary(plan, pa.concat_tables(tables), len(rankings) - there), "effort": effort}


def _played(job: Job, plan: GamePlan, rankings: dict[int, Sequence[int] | None]) -> Iterator[dict[str, Any]]:
    """Play what is wanted and not there; each ranking is entered before the next index is asked for."""
    missing = [i for i in plan.indices if i not in rankings]
    wanted = plan.order(rankings) if plan.order else iter(missing)
    if not missing:
        return
    loaded, values = evaluators_of(plan), values_of(plan)
    for row in play_rows(plan, wanted, evaluators=loaded, values=values, ahead=missing, check=job.check, timed=True):
        rankings[row["game_index"]] = row["ranking"]
        yield row


def _add_effort(effort: dict[str, list[float]], rows: Sequence[dict[str, Any]]) -> None:
    """Take the measured effort out of rows, and add it up: CPU seconds and decisions of each participant by name."""
    for row in rows:
        measured = row.pop("cpu_s", None), row.pop("decisions", None)
        if measured[0] is None or measured[1] is None:
            continue
        for name, cpu_s, decisions in zip(row["participants"], *measured, strict=True):
            spent = effort.setdefault(name, [0.0, 0])
            spent[0] += cpu_s
            spent[1] += decisions


def _batches(job: Job, rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows in batches of FLUSH_GAMES games or FLUSH_S seconds, of consecutive indices.

    When the job is cancelled or a game fails, the rows before come out first, then the exception goes on.
    """
    batch: list[dict[str, Any]] = []
    since = time.monotonic()
    while True:
        try:
            job.check()
            row = next(rows, None)
        except BaseException:
            if batch:
                yield batch
            raise
        gap = row is not None and batch and row["game_index"] != batch[-1]["game_index"] + 1
        if batch and (row is None or gap):
            yield batch
            batch, since = [], time.monotonic()
        if row is None:
            return
        batch.append(row)
        if len(batch) >= FLUSH_GAMES or time.monotonic() - since >= FLUSH_S:
            yield batch
            batch, since = [], time.monotonic()


def _whole_shards(job: Job, plan: GamePlan) -> list[pa.Table]:
    """Game sets of earlier attempts in `out/`, verified and entered; one that does not verify is removed."""
    planned = set(plan.indices)
    tables: list[pa.Table] = []
    for path in sorted(job.out.glob("*.parquet")):
        try:
            table = read_shard(path)
            _, rejects = verify_rows(table, config=plan.config, options=plan.options)
            fault = f"{rejects.num_rows} games do not verify" if rejects.num_rows else ""
        except InvalidInput as error:
            fault = str(error)
        if not fault and not _of_this_plan(table, plan, planned):
            fault = "its games are not of this job, or are there already"
        if fault:
            job.log(f"{path.name} is played again: {fault}", "WARNING")
            path.unlink()
            continue
        planned -= set(table["game_index"].to_pylist())
        tables.append(table)
        job.add_shard(path.name, table.num_rows)
    return tables


def _of_this_plan(table: pa.Table, plan: GamePlan, planned: set[int]) -> bool:
    indices: Sequence[int] = table["game_index"].to_pylist()
    wanted = {"iteration": plan.iteration, "job": plan.job, "source": plan.source}
    same = all(set(table[name].to_pylist()) <= {value} for name, value in wanted.items())
    fresh = set(indices) <= planned and len(set(indices)) == len(indices)
    return same and fresh and table["seed"].to_pylist() == [plan.game(index).seed for index in indices]


def _summary(plan: GamePlan, table: pa.Table, played_now: int) -> dict[str, Any]:
    capped = sum(table["capped"].to_pylist())
    return {
        "games": table.num_rows,
        "finished": table.num_rows - capped,
        "capped": capped,
        "unique": dedup(table)[0].num_rows,
        "plies": sum(table["plies"].to_pylist()),
        "victories": dict(Counter(v for v in table["victory"].to_pylist() if v is not None)),
        "played_now": played_now,
        "content_digest": content_digest(table),
        "participants": {participant_name(player): player.to_dict() for player in plan.participants},
    }
