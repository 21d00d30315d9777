"""Playing planned games inside a worker: shards as games are finished, and going on after a kill.

A job kind says which games it wants (a GamePlan); this module plays those that no whole shard holds yet,
writes shards so often that a killed worker loses little, and sums up. Where networks play, many games are in progress
at once, those to come begun ahead; they come out in order all the same, and those not wanted in the end are dropped.
"""

import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.game_verify import verify_rows
from ringrift.games import VALUE_SCALE, content_digest, dedup, make_row, read_shard, table_of, write_shard
from ringrift.job import Job
from ringrift.model_files import ModelFile, by_weights, find_model, models_of
from ringrift.players.match import MatchGame, ValueNetworks, networks, play_match_game, value_networks
from ringrift.players.registry import Participant
from ringrift.rules.game import ranking_of
from ringrift.rules.state import REASON, REASONS

if TYPE_CHECKING:
    from ringrift.network.inference import Evaluator
    from ringrift.network.lockstep import PlayedGame

FLUSH_GAMES, FLUSH_S = 25, 2.0  # a shard is written after so many games or seconds, whichever comes first

Rankings = Mapping[int, Sequence[int] | None]  # game index to final ranks, None for a capped game


class PlannedGame(NamedTuple):
    """One game to come: its seed number, who sits where, and the keys of its streams below the seed.

    Games of equal seed and `opening_key` open alike; `key` tells their other streams apart.
    """

    seed: int
    seats: list[Participant]
    key: tuple[str | int, ...] = ()
    opening_key: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GamePlan:
    """The games of one job. `game` says what game an index is, a pure function.

    `indices` are all games it may play, in order. `order`, where given, yields the indices really wanted: it may
    look at the rankings of the games before, which are entered as they finish, and stop early.
    """

    config: Config
    iteration: int
    source: str
    job: str
    options: dict[str, int | bool]
    opening_plies: int
    decision_cap: int | None  # None: the config's own, which is also the most
    profiles: Mapping[str, Mapping[str, float]]
    participants: Sequence[Participant]
    indices: Sequence[int]
    game: Callable[[int], PlannedGame]
    order: Callable[[Rankings], Iterator[int]] | None = None
    models: Sequence[ModelFile] = field(default_factory=list)


def participant_name(player: Participant) -> str:
    """How rows name a participant: label and key, for example `Heuristic_D5#0123456789abcdef`."""
    return f"{player.label}#{player.key}"


def outcome(game: MatchGame) -> dict[str, Any]:
    """The outcome columns of a played game: winner (from 1), ranking, victory, capped."""
    if game.capped:
        return {"winner": None, "ranking": None, "victory": None, "capped": True}
    return {
        "winner": game.winner + 1,
        "ranking": ranking_of(game.state),
        "victory": REASONS[int(game.state[REASON])],
        "capped": False,
    }


def search_targets(game: MatchGame) -> dict[str, Any] | None:
    """The search columns of a played game (games.SEARCH_COLUMNS), None if no player searched.

    Values are for the player to move; a search that shares no visits (minimax) gives its decision one visit.
    """
    found = game.searched
    plies = [ply for ply in range(game.plies) if found.kept[ply]]
    if not plies:
        return None
    return {
        "search_plies": plies,
        "search_codes": [found.codes[ply, : found.kept[ply]].tolist() for ply in plies],
        "search_visits": [found.visits[ply, : found.kept[ply]].tolist() for ply in plies],
        "search_values": [round(float(found.value[ply]) * VALUE_SCALE) for ply in plies],
    }


def play_rows(
    plan: GamePlan,
    indices: Iterable[int],
    *,
    evaluators: "Mapping[str, Evaluator] | None" = None,
    values: ValueNetworks | None = None,
    ahead: Sequence[int] | None = None,
    check: Callable[[], None] = lambda: None,
    timed: bool = False,
) -> Iterator[dict[str, Any]]:
    """Play games of a plan by their indices, one row (games.make_row) each, as they are asked for.

    A plan with policy or value networks needs them, `evaluators` or `values`, by weights hash. With policy networks it
    begins games of `ahead` (default: `indices`, which then must have an end) in this order before they are asked for,
    and calls `check` between steps. `timed` measures what the players take: a row then also has `cpu_s` and
    `decisions`, lists by seat (match.Effort).
    """
    if networks(plan.participants):
        if ahead is None:
            indices = ahead = list(indices)
        played: Iterator[tuple[int, MatchGame, float]] = _network_games(
            plan, indices, ahead, evaluators or {}, values, check
        )
    else:
        played = (_match_game(plan, index, values, timed) for index in indices)
    host, worker_version = socket.gethostname(), version("ringrift-assets")
    for index, game, seconds in played:
        planned, effort = plan.game(index), {}
        if timed and game.effort:
            effort = {"cpu_s": game.effort.cpu_s.tolist(), "decisions": game.effort.decisions.tolist()}
        row = make_row(
            config=plan.config,
            iteration=plan.iteration,
            source=plan.source,
            job=plan.job,
            game_index=index,
            seed=planned.seed,
            options=plan.options,
            participants=[participant_name(seat) for seat in planned.seats],
            opening_plies=min(plan.opening_plies, game.plies),
            moves=game.codes.tolist(),
            **outcome(game),
            search=search_targets(game),
            host=host,
            duration_s=seconds,
            worker_version=worker_version,
            created_at=datetime.now(UTC),
        )
        yield row | effort


def _match_game(plan: GamePlan, index: int, values: ValueNetworks | None, timed: bool) -> tuple[int, MatchGame, float]:
    """(index, game, wall time in seconds) of a game without policy networks."""
    started, planned = time.perf_counter(), plan.game(index)
    game = play_match_game(
        plan.config,
        planned.seats,
        planned.seed,
        planned.key,
        opening_plies=plan.opening_plies,
        opening_key=planned.opening_key,
        cap=plan.decision_cap,
        profiles=plan.profiles,
        values=values,
        options=plan.options,
        timed=timed,
    )
    return index, game, time.perf_counter() - started


def _network_games(
    plan: GamePlan,
    indices: Iterable[int],
    ahead: Sequence[int],
    evaluators: "Mapping[str, Evaluator]",
    values: ValueNetworks | None,
    check: Callable[[], None],
) -> "Iterator[PlayedGame]":
    """Games with networks in the order of `indices`, begun in that of `ahead`."""
    from ringrift.network.lockstep import GameStart, Lockstep, play_lockstep

    def starts() -> Iterator[GameStart]:
        for index in ahead:
            planned = plan.game(index)
            yield GameStart(index, planned.seed, planned.seats, planned.key, planned.opening_key)

    table = Lockstep(
        plan.config,
        evaluators,
        width=min(len(ahead), max(evaluator.games for evaluator in evaluators.values())) if evaluators else 1,
        budgets={player.budget for player in plan.participants if player.model is not None},
        cap=plan.decision_cap,
        opening_plies=plan.opening_plies,
        options=plan.options,
        profiles=plan.profiles,
        values=values,
    )
    running, ended = play_lockstep(table, starts(), check), {}
    for index in indices:
        while index not in ended:
            played = next(running)
            ended[played.number] = played
        yield ended.pop(index)


def _evaluators(plan: GamePlan) -> "dict[str, Evaluator]":
    """The policy networks of a plan by weights hash, from this machine's files."""
    if not (files := _files(plan, networks(plan.participants))):
        return {}
    from ringrift.network.inference import load_evaluators

    return load_evaluators(files, plan.config)


def _values(plan: GamePlan) -> ValueNetworks:
    """The value networks of a plan by weights hash, from this machine's files."""
    if not (files := _files(plan, value_networks(plan.participants))):
        return {}
    from ringrift.network.value_files import load_value_networks

    return load_value_networks(files, plan.config)


def _files(plan: GamePlan, wanted: Collection[str]) -> dict[str, Path]:
    """The files of some networks of a plan by weights hash."""
    models = models_of(plan.participants, by_weights(plan.models))
    return {model.weights: find_model(model) for model in models if model.weights in wanted}


def run_games(job: Job, plan: GamePlan) -> dict[str, Any]:
    """Play the plan's games that no whole shard in `out/` holds yet.

    Returns counts (games, finished, capped, unique, plies, victories, played_now), the content digest of all
    games and the participants by name. Raises InvalidInput if the plan is not of the job's partition, or its cap
    is above the config's.
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
    for rows in _batches(job, _played(job, plan, rankings)):
        table = table_of(rows)
        name = f"games-{rows[0]['game_index']:06d}-{rows[-1]['game_index']:06d}.parquet"
        write_shard(job.out / name, table)
        tables.append(table)
        job.add_shard(name, table.num_rows)
        rate = (len(rankings) - there) / (time.monotonic() - started)
        job.report("progress", done=len(rankings), total=len(plan.indices), games_per_s=round(rate, 3))
    return _summary(plan, pa.concat_tables(tables), len(rankings) - there)


def _played(job: Job, plan: GamePlan, rankings: dict[int, Sequence[int] | None]) -> Iterator[dict[str, Any]]:
    """Play what is wanted and not there; each ranking is entered before the next index is asked for."""
    missing = [i for i in plan.indices if i not in rankings]
    wanted = plan.order(rankings) if plan.order else iter(missing)
    if not missing:
        return
    loaded, values = _evaluators(plan), _values(plan)
    for row in play_rows(plan, wanted, evaluators=loaded, values=values, ahead=missing, check=job.check):
        rankings[row["game_index"]] = row["ranking"]
        yield row


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
