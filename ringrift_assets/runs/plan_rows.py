"""Rows of a dry run: the jobs of a plan, compared with the plans from other inputs, so that open ids show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ringrift.config import Config
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.incumbent import Champion, Incumbent
from ringrift.planning.matches import Candidate, PlannedMatch, next_tier
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.players import candidate_player
from ringrift.players.heuristic.profiles import find_profile, profile_hash, trained_profile_name
from ringrift.specs.cmaes import CmaesParams
from ringrift.specs.kinds import params_of
from ringrift.specs.train import TrainedNetwork

Entry = dict[str, Any]
"""A job as it is shown: `job` its name, `id` (None until all of `after` is made), and more by its kind."""


def other_incumbent(pipeline: Pipeline, config: Config, incumbent: Incumbent) -> Incumbent:
    """An incumbent that differs in everything a verdict may still change."""
    name = trained_profile_name(config.board, config.players)
    weights = {weight: value + 1.0 for weight, value in incumbent.profile_weights.items()}
    weights = find_profile(name, {name: weights})
    other = other_candidate(1, pipeline.training.network_of(config.key))
    return Incumbent(
        tier=next_tier(pipeline, incumbent.tier) or incumbent.tier,
        profile=name,
        profile_hash=profile_hash(weights),
        profile_weights=weights,
        champion=Champion(
            candidate_player(pipeline, config, other.network, other.model.weights, name, {name: weights}), other.model
        ),
    )


def other_candidate(number: int, network: TrainedNetwork) -> Candidate:
    """A network that nobody has trained."""
    return Candidate(_other_model(number), network)


def _other_model(number: int) -> ModelFile:
    return ModelFile(weights=f"{number:064x}", path="models/other.safetensors", sha256="0" * 64)


def by_name(specs: Iterable[JobSpec]) -> dict[str, JobSpec]:
    """Jobs by their names."""
    return {spec.name: spec for spec in specs}


def by_row(matches: Iterable[PlannedMatch]) -> dict[str, PlannedMatch]:
    """Matches by what they are for: names of the gates follow from who plays."""
    return {match.kind if match.purpose else match.spec.name: match for match in matches}


def compare(
    now: Mapping[str, JobSpec], others: Mapping[str, Mapping[str, JobSpec]]
) -> dict[str, tuple[JobSpec, list[str]]]:
    """Every job of some plans, with the inputs on which its id hangs: those whose other plan has another id or none."""
    specs = {row: spec for plan in (*reversed(list(others.values())), now) for row, spec in plan.items()}
    order = dict.fromkeys(row for plan in (now, *others.values()) for row in plan)

    def same(row: str, plan: Mapping[str, JobSpec]) -> bool:
        return row in now and row in plan and plan[row].job_id == now[row].job_id

    return {row: (specs[row], [label for label, plan in others.items() if not same(row, plan)]) for row in order}


def common(first: Sequence[Any], *others: Sequence[Any]) -> list[dict[str, Any]]:
    """The skipped entries that all plans have."""
    return [entry._asdict() for entry in first if all(entry in other for other in others)]


def entry_of(spec: JobSpec, after: Sequence[str]) -> Entry:
    """A job as it is shown; without an id while it waits for something."""
    return {"job": spec.name, "id": None if after else spec.job_id, "after": list(after)}


def most_games(spec: JobSpec) -> dict[str, int]:
    """Generations of a search and its games at most, measuring the candidates included."""
    params = params_of(spec)
    assert isinstance(params, CmaesParams)  # of a search
    return {"generations": params.generations, "games": params.most_games}
