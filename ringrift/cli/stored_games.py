"""Proving games that are stored: they are compared with their plans again, and a share of them is played again."""

import os
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rich.progress import Progress

from ringrift import names
from ringrift.errors import MissingInput
from ringrift.gamesets.find import default_home, find_game_sets
from ringrift.gamesets.shards import read_shard
from ringrift.kinds.prove import decide_again, plan_of, play_again, problems_of
from ringrift.matches.agreement import total
from ringrift.matches.plan import GamePlan
from ringrift.progress import progress_bar
from ringrift.specs.prove import StoredPlan, read_plans
from ringrift.stats.trust import share_size

ASSETS = (names.SELFPLAY_GAMES, names.CMAES_PROFILE, names.HEURISTIC_PROFILES, names.TOURNAMENT_GAMES)
NOBODY = "(nobody)"


@dataclass
class Proof:
    """What is known of the games of one host: how many, how many were played again, and what is wrong."""

    games: int = 0
    proved: int = 0
    decided: int = 0  # of networks on a GPU or another type of processor: their decisions were taken again
    problems: list[str] = field(default_factory=list)


def stored_sets(paths: Sequence[Path]) -> list[Path]:
    """The game sets at some paths, or all that the home has played. Raises MissingInput where there is none."""
    if paths:
        return find_game_sets(list(paths))
    home = default_home()
    folders = [home / "store" / asset for asset in ASSETS]
    there = [folder for folder in folders if any(folder.rglob(names.GAMES_FILE))]
    if not there:
        raise MissingInput(f"no games are stored in {home}: `ringrift run` plays some, or name a file")
    return find_game_sets(there)


def prove_stored(
    sets: Sequence[Path], configs: Collection[str] | None, share: float, host: str | None
) -> dict[str, Proof]:
    """The proofs of the games of each host, by its name; `share` in [0, 1] of each job's games are played again.

    With `host` only its games, of `configs` only theirs. Raises MissingInput for a set without plans beside it.
    """
    found: dict[str, Proof] = {}
    with progress_bar() as bar:
        for path in sets:
            table = read_shard(path)
            if configs is not None and not set(configs) & set(table["config"].to_pylist()):
                continue
            for stored in read_plans(path.with_name(names.PLANS_FILE)):
                plan = plan_of(stored.game_params())
                games, table = _taken(table, plan)
                wanted = host in (None, stored.host) and (configs is None or plan.config.key in configs)
                if games.num_rows and wanted:
                    proof = found.setdefault(stored.host, Proof())
                    for problem in examine(proof, stored, plan, games, share, path, bar):
                        proof.problems.append(f"{path}: {plan.job}, {problem}")
            if table.num_rows and host is None and configs is None:
                strays = found.setdefault(NOBODY, Proof())
                strays.games += table.num_rows
                strays.problems.append(f"{path}: {table.num_rows} games that no job has planned")
    return found


def _taken(table: pa.Table, plan: GamePlan) -> tuple[pa.Table, pa.Table]:
    """(the rows that say they are of a plan, the others)."""
    planned = pa.array(list(plan.indices), table["game_index"].type)
    own = pc.and_(pc.equal(table["job"], plan.job), pc.is_in(table["game_index"], planned))
    return table.filter(own), table.filter(pc.invert(own))


def examine(
    proof: Proof,
    stored: StoredPlan,
    plan: GamePlan,
    games: pa.Table,
    share: float,
    path: Path,
    bar: Progress,
) -> Iterator[str]:
    """What is wrong with the games of one job, of the game set at `path`; `proof` counts them.

    Games to play again are drawn anew, so that nobody knows them beforehand. Networks are looked up in the home, or in
    the folder of a game set that lies elsewhere.
    """
    proof.games += games.num_rows
    wrong = problems_of(games, plan)
    yield from wrong
    if wrong:
        return
    home = default_home().resolve()
    root = home if path.resolve().is_relative_to(home) else path.parent
    rng, indices = random.Random(os.urandom(16)), games["game_index"].to_pylist()
    sample = rng.sample(indices, share_size(len(indices), share, 0))
    task = bar.add_task(plan.job, total=len(sample))
    if stored.exact:
        for index, difference in play_again(games, plan, sample, root):
            proof.proved += 1
            bar.advance(task)
            if difference:
                yield f"game {index}: {difference}"
    else:
        parts = []
        for part in decide_again(games, plan, sample, root):
            parts.append(part)
            proof.decided += 1
            bar.advance(task)
        if not (found := total(parts)).holds:
            yield str(found)
    bar.remove_task(task)
