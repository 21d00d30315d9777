"""Job specs of matches, round robins, trainings and CMA-ES searches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile, ModelFile
from ringrift.planning.pipeline import Pipeline, Training
from ringrift.players.participant import Participant
from ringrift.specs import cmaes, match, train
from ringrift.specs.cmaes import CmaesParams
from ringrift.specs.match import DEFAULT_OPENING_PLIES, MatchParams
from ringrift.specs.participants import by_weights, models_of
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.specs.train import LoopNumbers, LoopSettings, TrainedNetwork, TrainParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse


def search_job(params: CmaesParams, *, salt: str = "", asset: str = cmaes.ASSET) -> JobSpec:
    """The job of a search; equal params are the same job."""
    name = f"search.{params.replica:03d}"
    return params.spec(asset=asset, config=params.config, iteration=params.iteration, name=name, salt=salt)


def train_params(
    pipeline: Pipeline,
    config: str,
    iteration: int,
    games: Sequence[InputFile],
    *,
    parent: str | None = None,
    start: InputFile | None = None,
) -> TrainParams:
    """The parameters of the training of a config in an iteration.

    `games` are all game sets up to the iteration, `parent` is the weights hash of the champion and `start` its
    model.safetensors, whose card stands beside it: a policy-value network begins with it where training.from_champion
    says so. Raises InvalidInput if training.sources names a mode that no selfplay job of the config plays.
    """
    training = pipeline.training
    network = training.network_of(config)
    return TrainParams(
        network=network,
        config=config,
        iteration=iteration,
        games=list(games),
        sources=_sources(pipeline, config),
        parent=parent,
        start=start if training.from_champion and network == train.POLICY_VALUE else None,
        root_seed=pipeline.root_seed,
        architecture=_architecture(training, network),
        window=training.window,
        held_out_share=training.held_out_share,
        settings=_loop_settings(training, config, network),
    )


def train_job(
    pipeline: Pipeline,
    config: str,
    iteration: int,
    games: Sequence[InputFile],
    *,
    parent: str | None = None,
    start: InputFile | None = None,
    salt: str = "",
) -> JobSpec:
    """The job that trains a config's candidate of an iteration; arguments and errors as of train_params."""
    params = train_params(pipeline, config, iteration, games, parent=parent, start=start)
    return params.spec(asset=train.ASSET, config=config, iteration=iteration, name="train", salt=salt)


def _sources(pipeline: Pipeline, config: str) -> list[str] | None:
    """The names of the selfplay jobs that a config learns from, None for all games."""
    modes = pipeline.training.sources
    if modes is None:
        return None
    jobs = pipeline.jobs_of(config)
    if idle := [mode for mode in modes if mode not in {job.engine for job in jobs}]:
        played = ", ".join(dict.fromkeys(job.engine for job in jobs))
        raise InvalidInput("training.sources", idle[0], f"the selfplay jobs of {config} play {played or 'nothing'}")
    return [job.name for job in jobs if job.engine in modes]


def _architecture(training: Training, network: TrainedNetwork) -> dict[str, int]:
    if network == train.VALUE:
        return dict(train.VALUE_ARCHITECTURE)
    return {"blocks": training.blocks, "channels": training.channels}


def _loop_settings(training: Training, config: str, network: TrainedNetwork) -> LoopSettings:
    if network == train.VALUE:
        return LoopSettings(device=training.device, **training.value.model_dump())
    if config not in training.epochs:
        raise InvalidInput("training.epochs", config, "name this config there and in training.min_games")
    numbers = {name: getattr(training, name) for name in LoopNumbers.model_fields}
    return LoopSettings(device=training.device, epochs=training.epochs[config], **numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTerms:
    """What the matches of a config in an iteration share.

    `profiles` are weights of profiles that are not among the named ones, `models` the files of networks; a match takes
    those of its players. Another `salt` gives fresh jobs.
    """

    config: Config
    iteration: int
    root_seed: int
    opening_plies: int = DEFAULT_OPENING_PLIES
    profiles: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    models: Sequence[ModelFile] = ()
    salt: str = ""

    def shared(self, name: str, players: Sequence[Participant]) -> dict[str, Any]:
        """Parameters of the match `name`. Raises InvalidInput if the file of a player's network is missing."""
        used = {player.profile for player in players}
        return {
            "config": self.config.key,
            "iteration": self.iteration,
            "match": name,
            "root_seed": self.root_seed,
            "opening_plies": self.opening_plies,
            "profiles": {name: dict(weights) for name, weights in self.profiles.items() if name in used},
            "models": models_of(players, by_weights(self.models)) or None,
        }


def match_terms(pipeline: Pipeline, config: Config, iteration: int, **more: Any) -> MatchTerms:
    """The terms of a pipeline's matches; `more` are further fields."""
    plies = pipeline.selfplay.opening_plies
    return MatchTerms(config=config, iteration=iteration, root_seed=pipeline.root_seed, opening_plies=plies, **more)


def round_robin_job(
    terms: MatchTerms, name: str, entrants: Sequence[Participant], tables: Sequence[Sequence[int]]
) -> JobSpec:
    """The job of a round robin; equal arguments give the equal job. `tables` hold indices of `entrants`.

    Entrants who sit at no table are left out. Raises InvalidInput for fewer different entrants than the config has
    players, for a table that is not of different ones, or if the file of a network is missing.
    """
    seated = sorted({entrant for table in tables for entrant in table})
    place = {entrant: number for number, entrant in enumerate(seated)}
    players = [entrants[entrant] for entrant in seated]
    content = {
        **terms.shared(name, players),
        "entrants": [player.to_dict() for player in players],
        "tables": [[place[entrant] for entrant in table] for table in tables],
        "games": len(tables) * terms.config.players,
    }
    params = parse(RoundRobinParams, content, name)
    return params.spec(asset=match.ASSET, config=params.config, iteration=terms.iteration, name=name, salt=terms.salt)


def match_job(
    terms: MatchTerms,
    name: str,
    first: Participant,
    second: Participant,
    *,
    blocks: int | None = None,
    gate: SequentialTest | None = None,
) -> JobSpec:
    """The job of a match: `blocks` of it, or a `gate` that stops itself. Equal arguments give the equal job.

    Raises InvalidInput if the two participants are the same, neither blocks nor a gate is given, or the file of a
    network is missing.
    """
    if first.key == second.key:
        raise InvalidInput("second", second.label, "a match needs two different participants")
    if (blocks is None) == (gate is None):
        raise InvalidInput("blocks, gate", (blocks, gate), "give one of them")
    params = MatchParams(
        **terms.shared(name, (first, second)),
        first=first.to_dict(),
        second=second.to_dict(),
        blocks=gate.max_blocks if gate else blocks or 0,
        gate=gate,
    )
    return params.spec(asset=match.ASSET, config=params.config, iteration=terms.iteration, name=name, salt=terms.salt)
