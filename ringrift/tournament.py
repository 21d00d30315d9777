"""Matches between two participants: blocks of all seat rotations from one opening, and gates that stop themselves.

In a block the first participant sits once in each seat, copies of the second in the others; all games of a block
share their opening, a balanced one (`openings`). Game index = block * players + the first participant's seat.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from ringrift.config import parse_config
from ringrift.contract import JobSpec
from ringrift.errors import InvalidInput
from ringrift.game_job import GamePlan, PlannedGame, Rankings, run_games
from ringrift.gating import Gate, Verdict, decide
from ringrift.job import Job
from ringrift.model_files import ModelFile, by_weights, models_of
from ringrift.openings import DRAWS, SPREAD, opening_seeds
from ringrift.pipeline import ConfigKey
from ringrift.players.registry import Participant
from ringrift.ratings import game_scores
from ringrift.rules.record import read_options
from ringrift.selfplay import ParticipantDict, Profiles
from ringrift.strict import Strict, parse

ASSET = "tournament_games"
KIND = "tournament"
DEFAULT_OPENING_PLIES = 4


class MatchParams(Strict):
    """One match. `blocks` are played, or with `gate` (the parameters of gating.Gate) as many as it needs."""

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    match: str = Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)
    first: ParticipantDict
    second: ParticipantDict
    blocks: int = Field(ge=1, le=10_000)
    gate: dict[str, Any] | None = None
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    opening_draws: int = Field(default=DRAWS, ge=1, le=1000)
    opening_spread: float = Field(default=SPREAD, ge=0)
    decision_cap: int | None = Field(default=None, ge=1)  # None: the config's own, which is also the most
    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)
    models: list[ModelFile] | None = None  # of the networks that play
    options: dict[str, int | bool] = Field(default_factory=dict)


def match_job(
    *,
    config: str,
    iteration: int,
    match: str,
    first: Participant,
    second: Participant,
    root_seed: int,
    blocks: int | None = None,
    gate: Gate | None = None,
    opening_plies: int = DEFAULT_OPENING_PLIES,
    profiles: Profiles | None = None,
    models: Iterable[ModelFile] = (),
    salt: str = "",
) -> JobSpec:
    """The job of a match: `blocks` of it, or a `gate` that stops itself. Equal arguments give the equal job.

    `models` are the files of the networks that play. Raises InvalidInput if the two participants are the same, neither
    blocks nor a gate is given, or the file of a network is missing.
    """
    if first.key == second.key:
        raise InvalidInput("second", second.label, "a match needs two different participants")
    if (blocks is None) == (gate is None):
        raise InvalidInput("blocks, gate", (blocks, gate), "give one of them")
    used = {player.profile for player in (first, second)}
    params = MatchParams(
        config=config,
        iteration=iteration,
        match=match,
        first=first.to_dict(),
        second=second.to_dict(),
        blocks=gate.max_blocks if gate else blocks or 0,
        gate={name: getattr(gate, name) for name in Gate.__dataclass_fields__} if gate else None,
        root_seed=root_seed,
        opening_plies=opening_plies,
        profiles={name: dict(weights) for name, weights in (profiles or {}).items() if name in used},
        models=models_of((first, second), by_weights(models)) or None,
    )
    return JobSpec(
        asset=ASSET,
        config=params.config,
        iteration=iteration,
        name=match,
        kind=KIND,
        params=params.model_dump(mode="json", exclude_none=True),
        salt=salt,
    )


def game_plan(params: MatchParams) -> GamePlan:
    """The games of a match, in block order; with a gate it ends after the block that decides."""
    config = parse_config(params.config)
    first, second = Participant.from_dict(params.first), Participant.from_dict(params.second)
    gate = Gate(**params.gate) if params.gate is not None else None
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
            yield from (i for i in _games_of(block, config.players) if i not in rankings)
            if (
                gate
                and decide(block_scores(rankings, config.players), gate, players=config.players).outcome != "continue"
            ):
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


def _games_of(block: int, players: int) -> range:
    return range(block * players, (block + 1) * players)


def block_scores(rankings: Rankings, players: int) -> list[float]:
    """Mean score of the first participant in each whole block from block 0 on, each in [0, 1]."""
    scores: list[float] = []
    while all(index in rankings for index in _games_of(len(scores), players)):
        games = _games_of(len(scores), players)
        scores.append(sum(game_scores(rankings[i], players)[i % players] for i in games) / players)
    return scores


def match_scores(rankings: Mapping[int, Any], players: int) -> tuple[int, float]:
    """(games, mean score of the first participant) of a match's games by index."""
    scores = [game_scores(ranking, players)[index % players] for index, ranking in rankings.items()]
    return len(scores), sum(scores) / len(scores) if scores else 0.5


def verdict_of(rankings: Rankings, gate: Gate, players: int) -> Verdict:
    """What the gate says of a match's games by index."""
    return decide(block_scores(rankings, players), gate, players=players)


def run_tournament(job: Job, content: dict[str, Any]) -> dict[str, Any]:
    """Job kind `tournament`: play one match. Returns the summary of game_job.run_games."""
    return run_games(job, game_plan(parse(MatchParams, content, f"params of {job.spec.name}")))
