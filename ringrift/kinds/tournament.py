"""Matches between two participants: blocks of all seat rotations from one opening, and gates that stop themselves.

In a block the first participant sits once in each seat, copies of the second in the others; all games of a block
share their opening, a balanced one (`openings`). Game index = block * players + the first participant's seat.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from ringrift.config import parse_config
from ringrift.jobs.directory import Job
from ringrift.matches.blocks import games_of, verdict_of
from ringrift.matches.openings import opening_seeds
from ringrift.matches.plan import GamePlan, PlannedGame, Rankings
from ringrift.matches.shards import run_games
from ringrift.players.participant import Participant
from ringrift.rules.position_json import read_options
from ringrift.specs.match import MatchParams

Params: TypeAlias = MatchParams


def game_plan(params: MatchParams) -> GamePlan:
    """The games of a match, in block order; with a gate it ends after the block that decides."""
    config = parse_config(params.config)
    first, second = Participant.from_dict(params.first), Participant.from_dict(params.second)
    gate = params.gate
    indices = range(params.blocks * config.players)
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
        block, seat = divmod(index, config.players)
        seats = [first if other == seat else second for other in range(config.players)]
        return PlannedGame(seed_of(block), seats, key=("rotation", seat))

    def order(rankings: Rankings) -> Iterator[int]:
        for block in range(params.blocks):
            yield from (i for i in games_of(block, config.players) if i not in rankings)
            if gate and verdict_of(rankings, gate, config.players).outcome != "continue":
                return

    return GamePlan(
        config=config,
        iteration=params.iteration,
        source="tournament",
        job=params.match,
        options=options,
        opening_plies=params.opening_plies,
        decision_cap=params.decision_cap,
        profiles=params.profiles,
        participants=[first, second],
        indices=indices,
        game=game,
        order=order if gate else None,
        models=params.models or [],
    )


def run(job: Job, params: MatchParams) -> dict[str, Any]:
    """Play one match. Returns the summary of matches.shards.run_games."""
    return run_games(job, game_plan(params))
