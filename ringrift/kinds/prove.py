"""The `prove` job: games that hosts brought home are replayed, compared with their plan, and some are played again.

A game of CPU players is a pure function of plan, seed and participants, so that the same game comes out again, bit for
bit: moves, result, and what the searches recorded. Runs on the machine that holds the store, which believes itself.
"""

import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from ringrift.errors import InvalidInput
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.schema import CONTENT_COLUMNS, SCHEMA, table_of
from ringrift.gamesets.shards import read_shard
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import home_file
from ringrift.kinds import round_robin, selfplay, tournament
from ringrift.matches.agreement import Agreement, agreement, total
from ringrift.matches.models import evaluators_of, values_of
from ringrift.matches.plan import GamePlan
from ringrift.matches.planned import plan_problems
from ringrift.matches.play import play_rows
from ringrift.specs.match import MatchParams
from ringrift.specs.prove import GameParams, ProveParams
from ringrift.specs.selfplay import SelfplayParams

Params: TypeAlias = ProveParams

TOLD = 5  # problems that are told; the others are counted


def plan_of(params: GameParams) -> GamePlan:
    """The games that a job of these parameters plays."""
    if isinstance(params, SelfplayParams):
        return selfplay.game_plan(params)
    return tournament.game_plan(params) if isinstance(params, MatchParams) else round_robin.game_plan(params)


def problems_of(games: pa.Table, plan: GamePlan) -> list[str]:
    """What is wrong with rows as games of a plan (`game 7: …`): not the planned ones, or no games by the rules."""
    _, bad = verify_rows(games, config=plan.config, options=plan.options)
    problems = [problem for problem in plan_problems(games, plan) if problem]
    return problems + [f"{row['reject_reason']}: {row['reject_detail']}" for row in bad.to_pylist()]


def play_again(
    games: pa.Table,
    plan: GamePlan,
    sample: Collection[int],
    root: Path | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, str]]:
    """Play games of a plan again by their indices: (index, how the row in `games` differs, empty if it does not).

    The plan's networks are looked up below `root` (default: RINGRIFT_HOME).
    """
    wanted = sorted(set(sample))
    networks, values = evaluators_of(plan, root), values_of(plan, root)
    for row in play_rows(plan, wanted, evaluators=networks, values=values, check=check):
        yield row["game_index"], _difference(games, row)


def decide_again(
    games: pa.Table,
    plan: GamePlan,
    sample: Collection[int],
    root: Path | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Agreement]:
    """Take each decision of some games of a plan again: their agreements, in the order of their indices."""
    networks, values = evaluators_of(plan, root), values_of(plan, root)
    rows = games.filter(pc.is_in(games["game_index"], pa.array(sorted(set(sample)), games["game_index"].type)))
    for row in sorted(rows.to_pylist(), key=lambda row: row["game_index"]):
        check()
        yield agreement(row, plan, evaluators=networks, values=values)


def run(job: Job, params: ProveParams) -> dict[str, Any]:
    """See the module's text.

    The result holds the games, those proved, the number of problems and some of them as text (`game 7: …`), and the CPU
    seconds it took.
    """
    started, claim = time.process_time(), params.claim
    plan = plan_of(claim.game_params())
    where = (params.config, params.iteration)
    if (plan.config.key, plan.iteration) != where:
        raise InvalidInput("claim", plan.config.key, f"the claim is of {where[0]}, iteration {where[1]}")
    games = SCHEMA.empty_table()
    try:
        games = pa.concat_tables([games, *(read_shard(home_file(shard)) for shard in claim.shards)])
        problems = problems_of(games, plan)
    except InvalidInput as error:  # a shard that is no game set
        problems = [str(error)]
    proved, wanted = 0, len(set(claim.sample))
    if not problems and claim.weaker:
        parts = []
        for part in decide_again(games, plan, claim.sample, check=job.check):
            parts.append(part)
            proved += 1
            job.report("progress", done=proved, total=wanted)
        if not (found := total(parts)).holds:
            problems.append(str(found))
    elif not problems:
        for index, difference in play_again(games, plan, claim.sample, check=job.check):
            job.check()
            if difference:
                problems.append(f"game {index}: {difference}")
            proved += 1
            job.report("progress", done=proved, total=wanted)
    return {
        "games": games.num_rows,
        "proved": proved,
        "problems": len(problems),
        "told": problems[:TOLD],
        "cpu_s": round(time.process_time() - started, 3),
    }


def _difference(games: pa.Table, row: dict[str, Any]) -> str:
    """How the game that came home differs from the one that was played here, empty if it does not."""
    own = games.filter(pc.equal(games["game_index"], row["game_index"])).to_pylist()
    if not own:
        return "it is not there"
    [again] = table_of([row]).to_pylist()
    differ = [name for name in CONTENT_COLUMNS if own[0][name] != again[name]]
    return f"played again it has other {', '.join(differ)}" if differ else ""
