"""Selfplay jobs: planning an iteration's chunks, and playing one chunk inside a worker."""

import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
from pydantic import AfterValidator, Field

from ringrift.config import Config, parse_config
from ringrift.contract import JobSpec
from ringrift.errors import InvalidInput
from ringrift.game_verify import verify_rows
from ringrift.games import content_digest, dedup, make_row, read_shard, table_of, write_shard
from ringrift.job import Job
from ringrift.pipeline import ConfigKey, EngineMode, Pipeline, SelfplayJob
from ringrift.players.match import MatchGame, play_match_game
from ringrift.players.registry import Participant, available_engine_modes, engine_of_mode, participant
from ringrift.rules.game import ranking_of
from ringrift.rules.record import read_options
from ringrift.rules.state import REASON, REASONS
from ringrift.seeds import seed_number
from ringrift.strict import Strict, parse

ASSET = "selfplay_games"
FLUSH_GAMES, FLUSH_S = 25, 2.0  # a shard is written after so many games or seconds, whichever comes first
MIXED_RUNGS = range(2, 6)  # difficulties of the heuristic in `mixed`, beside the random player

Profiles = Mapping[str, Mapping[str, float]]


def _check_participant(content: dict[str, Any]) -> dict[str, Any]:
    try:
        Participant.from_dict(content)
    except TypeError as error:
        raise InvalidInput("participant", content, str(error)) from error
    return content


class SelfplayParams(Strict):
    """One chunk: the games first_game … first_game + games - 1 of a documented job.

    Each seat of each game is drawn uniformly from `pool` (participants as `Participant.to_dict`), so a pool
    of one plays all seats. `profiles` holds the weights of profiles that are not among the named ones.
    """

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    job: str = Field(pattern=r"^[a-z0-9_]+$", max_length=60)
    engine: EngineMode
    first_game: int = Field(ge=0, lt=2**31)
    games: int = Field(ge=1, le=200)
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(ge=0, le=6)
    decision_cap: int | None = Field(default=None, ge=1)  # None: the config's own, which is also the most
    pool: list[Annotated[dict[str, Any], AfterValidator(_check_participant)]] = Field(min_length=1)
    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)
    options: dict[str, int | bool] = Field(default_factory=dict)  # rules options that differ from the config's


class Skipped(NamedTuple):
    """A job that is not played, and why."""

    job: str
    engine: str
    reason: str


class Plan(NamedTuple):
    jobs: list[JobSpec]
    skipped: list[Skipped]


# --- planning -----------------------------------------------------------------------------------------------


def plan_jobs(
    pipeline: Pipeline,
    config: Config,
    iteration: int,
    *,
    tier: str = "D2",
    profiles: Profiles | None = None,
    missing: Mapping[str, Iterable[int]] | None = None,
    salt: str = "",
) -> Plan:
    """The chunks of a config's selfplay jobs in an iteration, and the jobs whose engine is not available.

    `tier` (D2 … D8) is the incumbent's: the difficulty of jobs that name none. `profiles` are trained weights
    by profile name. `missing` (job name → game indices) restricts the plan to these games. Equal arguments
    give equal specs, hence equal job ids; another `salt` gives fresh ones.
    """
    plan = Plan([], [])
    available = available_engine_modes()
    for job in pipeline.jobs_of(config.key):
        wanted = range(pipeline.scaled_games(job)) if missing is None else missing.get(job.name, ())
        runs = _runs(wanted, pipeline.selfplay.chunk_games)
        if not runs:
            continue
        if job.engine not in available:
            plan.skipped.append(
                Skipped(job.name, job.engine, f"the engine is not available; there are {', '.join(available)}")
            )
            continue
        pool = _pool(job, config, tier, profiles)
        used = {name: dict(weights) for name, weights in (profiles or {}).items() if name in _profiles(pool)}
        opening = pipeline.selfplay.opening_plies if job.opening_plies is None else job.opening_plies
        for first, games in runs:
            params = SelfplayParams(
                config=config.key,
                iteration=iteration,
                job=job.name,
                engine=job.engine,
                first_game=first,
                games=games,
                root_seed=pipeline.root_seed,
                opening_plies=opening,
                pool=[seat.to_dict() for seat in pool],
                profiles=used,
            )
            plan.jobs.append(
                JobSpec(
                    asset=ASSET,
                    config=config.key,
                    iteration=iteration,
                    name=f"{job.name}.{first:06d}",
                    kind="selfplay",
                    params=params.model_dump(mode="json", exclude_none=True),
                    salt=salt,
                )
            )
    return plan


def _runs(indices: Iterable[int], most: int) -> list[tuple[int, int]]:
    """(first, count) of the runs of consecutive indices, cut so that no run crosses a multiple of `most`."""
    runs: list[tuple[int, int]] = []
    for index in sorted(set(indices)):
        if runs and index == sum(runs[-1]) and index % most:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((index, 1))
    return runs


def _profiles(pool: Iterable[Participant]) -> set[str]:
    return {player.profile for player in pool if player.profile is not None}


def _pool(job: SelfplayJob, config: Config, tier: str, profiles: Profiles | None) -> list[Participant]:
    engine = engine_of_mode(job.engine)
    if engine is None:
        heuristics = [participant("heuristic", config, d, profiles=profiles) for d in MIXED_RUNGS]
        return [participant("random", config, 1), *heuristics]
    difficulty = int(tier.removeprefix("D")) if job.difficulty is None else job.difficulty
    return [participant(engine, config, 1 if engine == "random" else difficulty, profiles=profiles)]


# --- playing ------------------------------------------------------------------------------------------------


def participant_name(player: Participant) -> str:
    """How rows name a participant: label and key, for example `Heuristic_D5#0123456789abcdef`."""
    return f"{player.label}#{player.key}"


def game_seed(params: SelfplayParams, index: int) -> int:
    """Seed number of one game; all its streams derive from it, so a row alone says how to play it again."""
    return seed_number(params.root_seed, "selfplay", params.config, params.iteration, params.job, index)


def play_rows(params: SelfplayParams, indices: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Play games of a chunk by their indices, one row (games.make_row) each, as they are asked for.

    A row's content depends on nothing but `params` and the index.
    """
    config = parse_config(params.config)
    options = read_options(params.options, config)
    pool = [Participant.from_dict(content) for content in params.pool]
    host, worker_version = socket.gethostname(), version("ringrift-assets")
    for index in indices:
        started = time.perf_counter()
        seed = game_seed(params, index)
        seats = [pool[seed_number(seed, "lineup", seat) % len(pool)] for seat in range(config.players)]
        game = play_match_game(
            config,
            seats,
            seed,
            (),
            opening_plies=params.opening_plies,
            cap=params.decision_cap,
            profiles=params.profiles,
            options=options,
        )
        yield make_row(
            config=config,
            iteration=params.iteration,
            source="selfplay",
            job=params.job,
            game_index=index,
            seed=seed,
            options=options,
            participants=[participant_name(seat) for seat in seats],
            opening_plies=min(params.opening_plies, game.plies),
            moves=game.codes.tolist(),
            **outcome(game),
            host=host,
            duration_s=time.perf_counter() - started,
            worker_version=worker_version,
            created_at=datetime.now(UTC),
        )


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


# --- in the worker ------------------------------------------------------------------------------------------


def run_selfplay(job: Job, content: dict[str, Any]) -> dict[str, Any]:
    """Job kind `selfplay`: play the games of a chunk that no whole shard in `out/` holds yet.

    Returns counts (games, finished, capped, unique, plies, victories, played_now), the content digest of all
    games and the participants by name. Raises InvalidInput for bad params.
    """
    params = parse(SelfplayParams, content, f"params of {job.spec.name}")
    if (params.config, params.iteration) != (job.spec.config, job.spec.iteration):
        where = f"{job.spec.config}, iteration {job.spec.iteration}"
        raise InvalidInput("params", f"{params.config}, iteration {params.iteration}", f"the job is of {where}")
    config = parse_config(params.config)
    if params.decision_cap is not None and params.decision_cap > config.decision_cap:
        raise InvalidInput("decision_cap", params.decision_cap, f"use at most {config.decision_cap}")
    tables = _whole_shards(job, params)
    done = {index for table in tables for index in table["game_index"].to_pylist()}
    todo = [i for i in range(params.first_game, params.first_game + params.games) if i not in done]
    if done:
        job.log(f"{len(done)} games are there already, {len(todo)} to play")
    started, played = time.monotonic(), 0
    for rows in _batches(job, play_rows(params, todo)):
        table = table_of(rows)
        name = f"games-{rows[0]['game_index']:06d}-{rows[-1]['game_index']:06d}.parquet"
        write_shard(job.out / name, table)
        tables.append(table)
        job.add_shard(name, table.num_rows)
        played += table.num_rows
        rate = played / (time.monotonic() - started)
        job.report("progress", done=len(done) + played, total=params.games, games_per_s=round(rate, 3))
    return _summary(params, pa.concat_tables(tables), len(todo))


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


def _whole_shards(job: Job, params: SelfplayParams) -> list[pa.Table]:
    """Game sets of earlier attempts in `out/`, verified and entered; one that does not verify is removed."""
    config = parse_config(params.config)
    options = read_options(params.options, config)
    planned = set(range(params.first_game, params.first_game + params.games))
    tables: list[pa.Table] = []
    for path in sorted(job.out.glob("*.parquet")):
        try:
            table = read_shard(path)
            _, rejects = verify_rows(table, config=config, options=options)
            fault = f"{rejects.num_rows} games do not verify" if rejects.num_rows else ""
        except InvalidInput as error:
            fault = str(error)
        if not fault and not _of_this_chunk(table, params, planned):
            fault = "its games are not of this chunk, or are there already"
        if fault:
            job.log(f"{path.name} is played again: {fault}", "WARNING")
            path.unlink()
            continue
        planned -= set(table["game_index"].to_pylist())
        tables.append(table)
        job.add_shard(path.name, table.num_rows)
    return tables


def _of_this_chunk(table: pa.Table, params: SelfplayParams, planned: set[int]) -> bool:
    indices: Sequence[int] = table["game_index"].to_pylist()
    wanted = {"iteration": params.iteration, "job": params.job, "source": "selfplay"}
    same = all(set(table[name].to_pylist()) <= {value} for name, value in wanted.items())
    fresh = set(indices) <= planned and len(set(indices)) == len(indices)
    return same and fresh and table["seed"].to_pylist() == [game_seed(params, index) for index in indices]


def _summary(params: SelfplayParams, table: pa.Table, played_now: int) -> dict[str, Any]:
    capped = sum(table["capped"].to_pylist())
    pool = [Participant.from_dict(content) for content in params.pool]
    return {
        "games": table.num_rows,
        "finished": table.num_rows - capped,
        "capped": capped,
        "unique": dedup(table)[0].num_rows,
        "plies": sum(table["plies"].to_pylist()),
        "victories": dict(Counter(v for v in table["victory"].to_pylist() if v is not None)),
        "played_now": played_now,
        "content_digest": content_digest(table),
        "participants": {participant_name(player): player.to_dict() for player in pool},
    }
