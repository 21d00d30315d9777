"""A rating round robin: the tables it is given, each in every rotation of the seats.

A table is `players` different entrants and has an opening of its own, a balanced one (`openings`). Its games begin
alike, the entrants moving on by one seat from game to game, so that each of them sits once in each seat. Which tables
tell most is decided in `pairings`. Game index = table * players + rotation.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field, model_validator

from ringrift.config import Config, parse_config
from ringrift.contract import JobSpec
from ringrift.game_job import GamePlan, PlannedGame, run_games
from ringrift.job import Job
from ringrift.model_files import ModelFile, by_weights, models_of
from ringrift.openings import DRAWS, SPREAD, opening_seeds
from ringrift.pipeline import ConfigKey
from ringrift.players.registry import Participant
from ringrift.rules.record import read_options
from ringrift.selfplay import ParticipantDict, Profiles
from ringrift.strict import Strict, parse
from ringrift.tournament import ASSET, DEFAULT_OPENING_PLIES

KIND = "round_robin"


class RoundRobinParams(Strict):
    """`tables` hold indices of `entrants`, and every entrant sits at one of them at least."""

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    match: str = Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)
    entrants: list[ParticipantDict]
    tables: list[list[int]] = Field(min_length=1, max_length=10_000)
    games: int = Field(ge=0)  # follows from the others; here so that whoever follows the job knows the total
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    opening_draws: int = Field(default=DRAWS, ge=1, le=1000)
    opening_spread: float = Field(default=SPREAD, ge=0)
    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)
    models: list[ModelFile] | None = None  # of the networks that play
    options: dict[str, int | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "RoundRobinParams":
        config, keys = parse_config(self.config), {Participant.from_dict(e).key for e in self.entrants}
        if len(keys) != len(self.entrants) or len(keys) < config.players:
            raise ValueError(f"{self.config} needs at least {config.players} different entrants")
        for table in self.tables:
            if len(table) != config.players or len(set(table)) != len(table):
                raise ValueError(f"a table of {self.config} is {config.players} different entrants, not {table}")
        if {entrant for table in self.tables for entrant in table} != set(range(len(self.entrants))):
            raise ValueError(f"the tables name entrants from 0 to {len(self.entrants) - 1}, each of them once at least")
        if self.games != len(self.tables) * config.players:
            raise ValueError(f"games is {len(self.tables) * config.players} for these tables")
        return self


def round_robin_job(
    *,
    config: Config,
    iteration: int,
    match: str,
    entrants: Sequence[Participant],
    tables: Sequence[Sequence[int]],
    root_seed: int,
    opening_plies: int = DEFAULT_OPENING_PLIES,
    profiles: Profiles | None = None,
    models: Iterable[ModelFile] = (),
    salt: str = "",
) -> JobSpec:
    """The job of a round robin; equal arguments give the equal job. `tables` hold indices of `entrants`.

    Entrants who sit at no table are left out. `models` are the files of the networks that play. Raises InvalidInput for
    fewer different entrants than the config has players, for a table that is not of different ones, or if the file of a
    network is missing.
    """
    seated = sorted({entrant for table in tables for entrant in table})
    place = {entrant: number for number, entrant in enumerate(seated)}
    players = [entrants[entrant] for entrant in seated]
    used = {player.profile for player in players}
    content = {
        "config": config.key,
        "iteration": iteration,
        "match": match,
        "entrants": [player.to_dict() for player in players],
        "tables": [[place[entrant] for entrant in table] for table in tables],
        "games": len(tables) * config.players,
        "root_seed": root_seed,
        "opening_plies": opening_plies,
        "profiles": {name: dict(weights) for name, weights in (profiles or {}).items() if name in used},
        "models": [model.model_dump() for model in models_of(players, by_weights(models))] or None,
    }
    params = parse(RoundRobinParams, content, match)
    return JobSpec(
        asset=ASSET,
        config=config.key,
        iteration=iteration,
        name=match,
        kind=KIND,
        params=params.model_dump(mode="json", exclude_none=True),
        salt=salt,
    )


def game_plan(params: RoundRobinParams) -> GamePlan:
    """The games of a round robin, table by table."""
    config = parse_config(params.config)
    entrants = [Participant.from_dict(content) for content in params.entrants]
    options = read_options(params.options, config)
    seed_of = opening_seeds(
        config,
        params.root_seed,
        ("match", params.config, params.iteration, params.match),
        plies=params.opening_plies,
        options=options,
        draws=params.opening_draws,
        spread=params.opening_spread,
    )

    def game(index: int) -> PlannedGame:
        table, rotation = divmod(index, config.players)
        members = params.tables[table]
        seats = [entrants[members[(seat + rotation) % config.players]] for seat in range(config.players)]
        return PlannedGame(seed_of(table), seats, key=("rotation", rotation))

    return GamePlan(
        config=config,
        iteration=params.iteration,
        source="tournament",
        job=params.match,
        options=options,
        opening_plies=params.opening_plies,
        decision_cap=None,
        profiles=params.profiles,
        participants=entrants,
        indices=range(params.games),
        game=game,
        models=params.models or [],
    )


def run_round_robin(job: Job, content: dict[str, Any]) -> dict[str, Any]:
    """Job kind `round_robin`: play it. Returns the summary of game_job.run_games."""
    return run_games(job, game_plan(parse(RoundRobinParams, content, f"params of {job.spec.name}")))
