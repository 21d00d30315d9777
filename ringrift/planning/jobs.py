"""Job specs of matches, round robins, trainings and CMA-ES searches."""

from collections.abc import Iterable, Sequence

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.pipeline import Pipeline
from ringrift.players.participant import Participant
from ringrift.specs import cmaes, round_robin, train
from ringrift.specs import match as match_spec
from ringrift.specs.cmaes import CmaesParams
from ringrift.specs.match import DEFAULT_OPENING_PLIES, MatchParams
from ringrift.specs.participants import Profiles, by_weights, models_of
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.specs.train import TrainParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse


def search_job(params: CmaesParams, *, salt: str = "", asset: str = cmaes.ASSET) -> JobSpec:
    """The job of a search; equal params are the same job."""
    return JobSpec(
        asset=asset,
        config=params.config,
        iteration=params.iteration,
        name=f"search.{params.replica:03d}",
        kind=cmaes.KIND,
        params=params.model_dump(mode="json", exclude_none=True),
        salt=salt,
    )


# Numbers of pipeline.yaml's `training` that the loop takes as they are.
SETTINGS = ("batch_size", "learning_rate", "weight_decay", "max_row_uses", "patience", "device")


def train_job(
    pipeline: Pipeline,
    config: str,
    iteration: int,
    games: list[dict[str, str]],
    parent: dict[str, str] | None = None,
    salt: str = "",
) -> JobSpec:
    """The job that trains a config's candidate of an iteration.

    `games` and `parent` are inputs `{"path", "sha256"}` (game_files.home_file): all game sets up to the iteration, and
    the champion's model.safetensors, whose card stands beside it.
    """
    training = pipeline.training
    params = TrainParams(
        config=config,
        iteration=iteration,
        games=games,
        parent=parent if training.from_champion else None,
        root_seed=pipeline.root_seed,
        blocks=training.blocks,
        channels=training.channels,
        window=training.window,
        held_out_share=training.held_out_share,
        epochs=training.epochs[config],
        settings={name: getattr(training, name) for name in SETTINGS},
    )
    return JobSpec(
        asset=train.ASSET,
        config=config,
        iteration=iteration,
        name="train",
        kind=train.KIND,
        params=params.model_dump(mode="json"),
        salt=salt,
    )


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
        asset=match_spec.ASSET,
        config=config.key,
        iteration=iteration,
        name=match,
        kind=round_robin.KIND,
        params=params.model_dump(mode="json", exclude_none=True),
        salt=salt,
    )


def match_job(
    *,
    config: str,
    iteration: int,
    match: str,
    first: Participant,
    second: Participant,
    root_seed: int,
    blocks: int | None = None,
    gate: SequentialTest | None = None,
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
        gate={name: getattr(gate, name) for name in SequentialTest.__dataclass_fields__} if gate else None,
        root_seed=root_seed,
        opening_plies=opening_plies,
        profiles={name: dict(weights) for name, weights in (profiles or {}).items() if name in used},
        models=models_of((first, second), by_weights(models)) or None,
    )
    return JobSpec(
        asset=match_spec.ASSET,
        config=params.config,
        iteration=iteration,
        name=match,
        kind=match_spec.KIND,
        params=params.model_dump(mode="json", exclude_none=True),
        salt=salt,
    )
