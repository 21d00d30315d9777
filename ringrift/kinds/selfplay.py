"""The `selfplay` job: the games of one chunk."""

from typing import Any, TypeAlias

from ringrift.config import parse_config
from ringrift.jobs.directory import Job
from ringrift.matches.plan import GamePlan, PlannedGame
from ringrift.matches.shards import run_games
from ringrift.players.participant import Participant
from ringrift.rules.position_json import read_options
from ringrift.seeds import seed_number
from ringrift.specs.selfplay import SelfplayParams

Params: TypeAlias = SelfplayParams


def game_plan(params: SelfplayParams) -> GamePlan:
    """The games of a chunk. A game's content depends on nothing but `params` and its index."""
    config = parse_config(params.config)
    pool = [Participant.from_dict(content) for content in params.pool]

    def game(index: int) -> PlannedGame:
        key = ("selfplay", params.config, params.iteration, params.job, index)
        seed = seed_number(params.root_seed, *key)  # all streams of the game derive from it
        seats = [pool[seed_number(seed, "lineup", seat) % len(pool)] for seat in range(config.players)]
        return PlannedGame(seed, seats)

    return GamePlan(
        config=config,
        iteration=params.iteration,
        source="selfplay",
        job=params.job,
        options=read_options(params.options, config),
        opening_plies=params.opening_plies,
        decision_cap=params.decision_cap,
        profiles=params.profiles,
        participants=pool,
        indices=range(params.first_game, params.first_game + params.games),
        game=game,
        models=params.models or [],
    )


def run(job: Job, params: SelfplayParams) -> dict[str, Any]:
    """Play the games of a chunk that no whole shard in `out/` holds yet.

    Returns the summary of matches.shards.run_games.
    """
    return run_games(job, game_plan(params))
