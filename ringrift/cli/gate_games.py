"""The games behind the evidence of a gate: found by their hashes, replayed, compared with their plan, played again."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ringrift import names
from ringrift.cli.stored_games import Proof, examine
from ringrift.config import parse_config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.shards import read_shard
from ringrift.kinds.match_results import gate_evidence
from ringrift.kinds.prove import plan_of
from ringrift.progress import progress_bar
from ringrift.specs.match import MatchParams
from ringrift.specs.prove import StoredPlan, read_plans
from ringrift.stats.evidence import differences, gate_games

PLAYED = (names.TOURNAMENT_GAMES, names.CMAES_PROFILE, names.HEURISTIC_PROFILES)  # assets that hold gates' games


@dataclass
class Checked:
    """What the games of an evidence showed: where they are, how many, how many were played again, what is wrong."""

    games_file: str
    games: int = 0
    proved: int = 0
    planned: bool = False  # the plan was there: line-ups, seeds and openings were compared with it
    decided: int = 0  # of those played where other bits may come out: their decisions were taken again
    problems: list[str] = field(default_factory=list)


def games_beside(evidence: Path) -> Path | None:
    """The game set that an evidence is about: in its folder, or of its partition's matches in the same store."""
    beside = [evidence.with_name(names.GAMES_FILE)]
    if evidence.name.endswith(".gate.json"):  # of `ringrift play --save`
        beside.append(evidence.with_name(evidence.name.removesuffix(".gate.json") + ".parquet"))
    partition = evidence.resolve().parent.parent  # store/ASSET/CONFIG/ITERATION/vNNNN/FILE
    if len(partition.parents) > 2:
        store, place = partition.parents[2], partition.relative_to(partition.parents[1])
        beside += [file for asset in PLAYED for file in sorted((store / asset / place).glob(f"v*/{names.GAMES_FILE}"))]
    wanted = evidence.resolve()
    held = [file for file in beside if file.is_file()]
    matching = [file for file in held if wanted.parent == file.resolve().parent or _has(file, wanted)]
    return next(iter(matching), None)


def _has(games: Path, evidence: Path) -> bool:
    """Whether the folder of a game set holds the same evidence, or the set is named after it."""
    if games.name != names.GAMES_FILE:
        return True
    data = evidence.read_bytes()
    return any(file.read_bytes() == data for file in games.parent.glob(names.gate_file("*")))


def check_games(evidence: dict[str, Any], games: Path, share: float) -> Checked:
    """Check an evidence that holds by itself against a game set; `share` in [0, 1] of its games are played again.

    Raises MissingInput without the game set.
    """
    if not games.is_file():
        raise MissingInput(f"{games} is not there; give the game set of the match by --games")
    config = parse_config(evidence["pool"])
    table = read_shard(games)
    wanted = [game["game_hash"] for game in evidence["games"]]
    own = table.filter(pc.is_in(table["game_hash"], pa.array(wanted)))
    found = Checked(str(games), len(wanted))
    plan = None
    with contextlib.suppress(MissingInput):  # stored by an older version, or played outside a home
        plan = _plan(read_plans(games.with_name(names.PLANS_FILE)), evidence)
    if plan is None:
        _, bad = verify_rows(own, config=config)
        found.problems += [f"{row['reject_reason']}: {row['reject_detail']}" for row in bad.to_pylist()]
        have = {
            (game.block, game.game_hash, *game.seats): game.ranking for game in gate_games(_rows(own), config.players)
        }
        for game in evidence["games"]:
            place = (game["block"], game["game_hash"], *game["seats"])
            if place not in have or have[place] != game["ranking"]:
                found.problems.append(
                    f"game {game['game_hash']} of block {game['block']} is not in {games}, or differs"
                )
        return found
    found.planned = True
    _compare(found, plan, table, evidence, share, games)
    return found


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """What evidence is made of, in the order of the games."""
    rows = table.select(["game_index", "game_hash", "participants", "ranking"]).to_pylist()
    return sorted(rows, key=lambda row: row["game_index"])


def _plan(plans: Sequence[StoredPlan], evidence: dict[str, Any]) -> StoredPlan | None:
    """The plan of a gate among some, by who plays it and how it decides."""
    sides = [evidence[side]["key"] for side in ("candidate", "opponent")]
    for stored in plans:
        params = stored.game_params()
        if isinstance(params, MatchParams) and params.gate is not None:
            plan = plan_of(params)
            if [player.key for player in plan.participants] == sides and plan.config.key == evidence["pool"]:
                return stored
    return None


def _compare(
    found: Checked, stored: StoredPlan, table: pa.Table, evidence: dict[str, Any], share: float, games: Path
) -> None:
    """Compare the games of a plan with it, make the evidence again from them, and play some of them again."""
    params = stored.game_params()
    assert isinstance(params, MatchParams)  # it is a gate
    assert params.gate is not None
    plan, proof = plan_of(params), Proof()
    own = table.filter(pc.equal(table["job"], plan.job))
    with progress_bar() as bar:
        found.problems += examine(proof, stored, plan, own, share, games, bar)
    found.proved, found.decided = proof.proved, proof.decided
    if not found.problems:
        try:
            renewed = gate_evidence(_rows(own), plan, params.gate, evidence["purpose"])
            found.problems += differences(evidence, renewed)
        except InvalidInput as error:  # not the games of a whole gate
            found.problems.append(str(error))
