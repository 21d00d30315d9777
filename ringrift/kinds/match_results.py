"""The `match_results` job: matches brought home become one verified game set, scores and evidence.

Runs on the machine that holds the store. Whole matches of a partial partition's game set are taken over. A game
counts if it replays exactly and is the one its match planned: index, seed, seats and opening.
Shards: `games.parquet`, `rejects.parquet`, `games.jsonl`, `gate-{match}.json` for each gate that has ended, and
`board.svg`, the end of the longest game.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ringrift import names
from ringrift.config import parse_config
from ringrift.files import atomic_path, write_json, write_text
from ringrift.gamesets.digest import canonical_order, content_digest
from ringrift.gamesets.game_hash import game_dict
from ringrift.gamesets.replay_check import REJECT_SCHEMA, verify_rows
from ringrift.gamesets.schema import SCHEMA
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import home_file
from ringrift.kinds import round_robin, tournament
from ringrift.kinds.verify import last_position
from ringrift.matches.blocks import block_scores, verdict_of
from ringrift.matches.plan import GamePlan
from ringrift.matches.planned import plan_problems
from ringrift.players.participant import Participant
from ringrift.render import data_uri, render_svg, render_thumbnail
from ringrift.specs.match import MatchParams
from ringrift.specs.store_jobs import MatchInput, ResultsParams
from ringrift.stats.evidence import Entrant, Purpose, evidence, gate_games
from ringrift.stats.intervals import standing
from ringrift.stats.results import game_scores
from ringrift.stats.sprt import SequentialTest

Params: TypeAlias = ResultsParams

GAMES, REJECTS, RECORDS, BOARD = names.GAMES_FILE, names.REJECTS_FILE, names.GAMES_LOG, names.BOARD_PICTURE
OTHER_GAME = "other_game"  # reject reason: legal, but not the game that was planned


def plan_of(entry: MatchInput) -> GamePlan:
    """The games that a match's own job planned."""
    params = entry.match_params()
    return tournament.game_plan(params) if isinstance(params, MatchParams) else round_robin.game_plan(params)


def run(job: Job, params: ResultsParams) -> dict[str, Any]:
    """See the module's text.

    The result holds, for each match, games, scores, whether it is whole and the gate's verdict; the
    participants by key; counts of rejects; the content digest.
    """
    config = parse_config(params.config)
    empty = SCHEMA.empty_table()
    stored = read_shard(home_file(params.stored)) if params.stored else empty
    kept, rejected = [empty], [REJECT_SCHEMA.empty_table()]
    matches: list[dict[str, Any]] = []
    participants: dict[str, dict[str, Any]] = {}
    for entry in params.matches:
        job.check()
        plan = plan_of(entry)
        played = [read_shard(home_file(shard)) for shard in entry.shards]
        games = pa.concat_tables(played or [stored.filter(pc.equal(stored["job"], plan.job))])
        replayed, bad = verify_rows(games, config=config, options=plan.options)
        good, others = _planned(replayed, plan)
        rejected += [bad.cast(REJECT_SCHEMA), others]
        kept.append(good)
        matches.append(_match(job, good, plan, entry))
        participants |= {player.key: player.to_dict() for player in plan.participants}
        job.report("progress", done=len(matches), total=len(params.matches))
    table = pa.concat_tables(kept)
    table, rejects = table.take(canonical_order(table)), pa.concat_tables(rejected)
    return {
        "games": table.num_rows,
        "capped": int(pc.sum(table["capped"]).as_py() or 0),
        "matches": matches,
        "participants": participants,
        "rejected": dict(sorted(Counter(rejects["reject_reason"].to_pylist()).items())),
        "content_digest": content_digest(table),
        "thumbnail": _write(job, table, rejects),
    }


def _planned(games: pa.Table, plan: GamePlan) -> tuple[pa.Table, pa.Table]:
    """(games that are the planned ones, each index once; the others as rejects)."""
    problems = plan_problems(games, plan)
    wrong = pa.array([bool(problem) for problem in problems], pa.bool_())
    rejects = games.filter(wrong)
    rejects = rejects.append_column("reject_reason", pa.array([OTHER_GAME] * rejects.num_rows, pa.string()))
    rejects = rejects.append_column("reject_detail", pa.array([p for p in problems if p], pa.string()))
    return games.filter(pc.invert(wrong)), rejects.cast(REJECT_SCHEMA)


def _match(job: Job, games: pa.Table, plan: GamePlan, entry: MatchInput) -> dict[str, Any]:
    """Scores of a match; with a gate its verdict, and the evidence as a file once it has ended."""
    columns = ["game_index", "game_hash", "participants", "ranking", "capped"]
    rows = sorted(games.select(columns).to_pylist(), key=lambda row: row["game_index"])
    rankings = {row["game_index"]: row["ranking"] for row in rows}
    wanted = plan.order(rankings) if plan.order else (i for i in plan.indices if i not in rankings)
    result = {
        "match": plan.job,
        "games": len(rows),
        "capped": sum(row["capped"] for row in rows),
        "whole": next(iter(wanted), None) is None,
        "entrants": _scores(rows, plan),
        "openings": len({plan.game(row["game_index"]).seed for row in rows}),
        "gate": None,
        "standing": _standing(rankings, plan) if isinstance(entry.match_params(), MatchParams) else None,
    }
    gate = getattr(entry.match_params(), "gate", None)
    if entry.purpose is not None and gate is not None:
        result["gate"] = {"params": asdict(gate), "verdict": None, "evidence": None}
        if result["whole"]:
            result["gate"] |= _verdict(job, rows, plan, gate, entry.purpose)
    return result


def _standing(rankings: Mapping[int, Sequence[int] | None], plan: GamePlan) -> dict[str, float | None] | None:
    """The first participant in Elo against the second, over whole blocks; None without one."""
    scores = block_scores(rankings, plan.config.players)
    if not scores:
        return None
    found = standing(scores)
    return {"elo": found.elo, "low": found.elo_low, "high": found.elo_high}


def _scores(rows: list[dict[str, Any]], plan: GamePlan) -> list[dict[str, Any]]:
    """Each entrant's seats, mean score in [0, 1] (null without games) and first places."""
    points: dict[str, list[float]] = {player.key: [] for player in plan.participants}
    wins: Counter[str] = Counter()
    for row in rows:
        keys = [name.partition("#")[2] for name in row["participants"]]
        scores = game_scores(row["ranking"], plan.config.players)
        for seat, (key, score) in enumerate(zip(keys, scores, strict=True)):
            points[key].append(score)
            wins[key] += row["ranking"] is not None and row["ranking"][seat] == 1
    return [
        {"key": key, "seats": len(own), "score": sum(own) / len(own) if own else None, "wins": wins[key]}
        for key, own in points.items()
    ]


def gate_evidence(rows: list[dict[str, Any]], plan: GamePlan, gate: SequentialTest, purpose: Purpose) -> dict[str, Any]:
    """The evidence of a gate that has ended, from the rows of its games in order. Raises InvalidInput otherwise."""
    players = plan.config.players
    candidate, opponent = plan.participants
    return evidence(
        purpose=purpose,
        pool=plan.config.key,
        candidate=_entrant(candidate),
        opponent=_entrant(opponent),
        gate=gate,
        openings=[str(plan.game(block * players).seed) for block in range(len(rows) // players)],
        games=gate_games(rows, players),
    )


def _verdict(
    job: Job, rows: list[dict[str, Any]], plan: GamePlan, gate: SequentialTest, purpose: Purpose
) -> dict[str, Any]:
    """What a gate that has ended says, and the digest of its evidence, which is written as a shard."""
    players = plan.config.players
    rankings = {row["game_index"]: row["ranking"] for row in rows}
    verdict = verdict_of(rankings, gate, players)
    held = gate_evidence(rows, plan, gate, purpose)
    name = names.gate_file(plan.job)
    write_json(job.out / name, held)
    job.add_shard(name, len(rows))
    about = asdict(verdict)
    del about["llr_path"]  # it is in the evidence
    about["elo_interval"] = list(verdict.elo_interval)
    return {"verdict": about, "evidence": held["digest"]}


def _entrant(player: Participant) -> Entrant:
    hashes = {"profile": player.profile_hash, "model": player.model, "value_model": player.value_model}
    return Entrant(key=player.key, hashes={name: value for name, value in hashes.items() if value})


def _write(job: Job, table: pa.Table, rejects: pa.Table) -> str | None:
    """Write the shards that hold all matches; the thumbnail of the longest game's end as a data URI."""
    write_shard(job.out / GAMES, table)
    job.add_shard(GAMES, table.num_rows)
    with atomic_path(job.out / REJECTS) as temporary:
        pq.write_table(rejects, temporary, compression="zstd")
    job.add_shard(REJECTS, rejects.num_rows)
    write_text(job.out / RECORDS, "".join(json.dumps(_record(row)) + "\n" for row in table.to_pylist()))
    job.add_shard(RECORDS, table.num_rows)
    if not table.num_rows:
        return None
    state = last_position(parse_config(table["config"][0].as_py()), table)
    write_text(job.out / BOARD, render_svg(state))
    job.add_shard(BOARD, 1)
    return data_uri(render_thumbnail(state))


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """A game as a line of JSON for people and other programs; `hash_game` of it gives its `game_hash`."""
    names = ("game_hash", "iteration", "game_index", "seed", "participants", "victory", "plies", "capped")
    about = {name: row[name] for name in names}
    return {**game_dict(row), "match": row["job"], "config": row["config"], **about}
