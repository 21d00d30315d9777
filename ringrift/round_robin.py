"""A round robin: every set of entrants that fills a table meets in every rotation of the seats.

A block is one opening. In it each set of `players` entrants (of two players: each pair) plays `players` games
that begin alike, the entrants moving on by one seat from game to game, so that each of them sits once in each
seat. Game index = (block * sets + set) * players + rotation.
"""

from collections.abc import Iterable
from itertools import combinations
from math import comb
from typing import Any

from pydantic import Field, model_validator

from ringrift.config import Config, parse_config
from ringrift.contract import JobSpec
from ringrift.game_job import GamePlan, PlannedGame, run_games
from ringrift.job import Job
from ringrift.model_files import ModelFile, by_weights, models_of
from ringrift.pipeline import ConfigKey
from ringrift.players.registry import Participant
from ringrift.rules.record import read_options
from ringrift.seeds import seed_number
from ringrift.selfplay import ParticipantDict, Profiles
from ringrift.strict import Strict, parse
from ringrift.tournament import ASSET, DEFAULT_OPENING_PLIES

KIND = "round_robin"


class RoundRobinParams(Strict):
    """`blocks` openings, each played by every set of entrants that fills a table."""

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    match: str = Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)
    entrants: list[ParticipantDict]
    blocks: int = Field(ge=1, le=1000)
    games: int = Field(ge=0)  # follows from the others; here so that whoever follows the job knows the total
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)
    models: list[ModelFile] | None = None  # of the networks that play
    options: dict[str, int | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "RoundRobinParams":
        config, keys = parse_config(self.config), {Participant.from_dict(e).key for e in self.entrants}
        if len(keys) != len(self.entrants) or len(keys) < config.players:
            raise ValueError(f"{self.config} needs at least {config.players} different entrants")
        if self.games != games_of(config, len(keys), self.blocks):
            raise ValueError(f"games is {games_of(config, len(keys), self.blocks)} for these entrants and blocks")
        return self


def games_of(config: Config, entrants: int, blocks: int) -> int:
    """Games of a round robin."""
    return comb(entrants, config.players) * config.players * blocks


def round_robin_job(
    *,
    config: Config,
    iteration: int,
    match: str,
    entrants: list[Participant],
    blocks: int,
    root_seed: int,
    opening_plies: int = DEFAULT_OPENING_PLIES,
    profiles: Profiles | None = None,
    models: Iterable[ModelFile] = (),
    salt: str = "",
) -> JobSpec:
    """The job of a round robin; equal arguments give the equal job.

    `models` are the files of the networks that play. Raises InvalidInput for fewer different entrants than the config
    has players, or if the file of a network is missing.
    """
    used = {player.profile for player in entrants}
    content = {
        "config": config.key,
        "iteration": iteration,
        "match": match,
        "entrants": [player.to_dict() for player in entrants],
        "blocks": blocks,
        "games": games_of(config, len(entrants), blocks),
        "root_seed": root_seed,
        "opening_plies": opening_plies,
        "profiles": {name: dict(weights) for name, weights in (profiles or {}).items() if name in used},
        "models": [model.model_dump() for model in models_of(entrants, by_weights(models))] or None,
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
    """The games of a round robin, in block order."""
    config = parse_config(params.config)
    entrants = [Participant.from_dict(content) for content in params.entrants]
    tables = list(combinations(entrants, config.players))

    def game(index: int) -> PlannedGame:
        place, rotation = divmod(index, config.players)
        block, table = divmod(place, len(tables))
        key = ("match", params.config, params.iteration, params.match, block)
        seats = [tables[table][(seat + rotation) % config.players] for seat in range(config.players)]
        return PlannedGame(seed_number(params.root_seed, *key), seats, key=("table", table, "rotation", rotation))

    return GamePlan(
        config=config,
        iteration=params.iteration,
        source="tournament",
        job=params.match,
        options=read_options(params.options, config),
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
