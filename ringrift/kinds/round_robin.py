"""A rating round robin: the tables it is given, each in every rotation of the seats.

A table is `players` different entrants and has an opening of its own, a balanced one (`openings`). Its games begin
alike, the entrants moving on by one seat from game to game, so that each of them sits once in each seat. Which tables
tell most is decided in `pairings`. Game index = table * players + rotation.
"""

from typing import Any, TypeAlias

from ringrift.config import parse_config
from ringrift.jobs.directory import Job
from ringrift.matches.openings import opening_seeds
from ringrift.matches.plan import GamePlan, PlannedGame
from ringrift.matches.shards import run_games
from ringrift.players.participant import Participant
from ringrift.rules.position_json import read_options
from ringrift.specs.round_robin import RoundRobinParams

Params: TypeAlias = RoundRobinParams


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


def run(job: Job, params: RoundRobinParams) -> dict[str, Any]:
    """Play its games. Returns the summary of matches.shards.run_games."""
    return run_games(job, game_plan(params))
