"""The matches of an iteration as the store gives them: who may play, what is planned, and how it is shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from resources.models.registry import Registry
from resources.runtime import Runtime
from resources.store.contents.base import Row, content_of
from resources.store.contents.matches import Match, MatchesContent, RatingsContent
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.profiles import IncumbentContent
from resources.store.record import Record
from ringrift import names
from ringrift.config import parse_config
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.entrants import Rated
from ringrift.planning.incumbent import Incumbent, past_profiles
from ringrift.planning.matches import Candidate, MatchInputs, MatchPlan, PlannedMatch, plan_matches
from ringrift_assets.steps.incumbents import incumbent_of


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of an iteration: those that play on, and its candidate, or why there is none."""

    models: Sequence[ModelFile]
    candidate: Candidate | None = None
    no_candidate: str = "there is no candidate"


def networks_of(registry: Registry, config: str, iteration: int, model: TrainingOutcome | None) -> Networks:
    """The networks of an iteration; `model` is what its training came to, None where it is still to come."""
    models = {file.weights: file for file in registry.inputs(config, iteration)}
    playing = Networks(list(models.values()))
    if model is None:
        return playing
    if not isinstance(model, ModelContent):
        return replace(playing, no_candidate=f"no candidate: {model.have} of {model.need} games are there")
    if model.weights not in models:
        return replace(playing, no_candidate=f"the candidate {model.model_id} is deprecated")
    return replace(playing, candidate=Candidate(models[model.weights], model.network))


def plan_tournament(
    runtime: Runtime, key: str, iteration: int, before: Incumbent, current: Incumbent, networks: Networks
) -> MatchPlan:
    """The matches of an iteration.

    They follow from its incumbent `before` the search for a profile and `current` after it, its `networks`, and from
    storage the ratings and the trained profiles of earlier iterations.
    """
    records = runtime.store.upto(names.INCUMBENT, key, iteration - 1)
    earlier = [incumbent_of(content_of(record, IncumbentContent)) for record in records]
    inputs = MatchInputs(
        incumbent=current,
        candidate=networks.candidate,
        no_candidate=networks.no_candidate,
        models=networks.models,
        rated=_rated(runtime, key, iteration),
        profiles=past_profiles([*earlier, before]),
    )
    return plan_matches(runtime.pipeline, parse_config(key), iteration, inputs)


def tournament_inputs(plan: MatchPlan) -> dict[str, Any]:
    """What the games of a plan are a function of."""
    return {
        "jobs": [match.spec.job_id for match in plan.matches],
        "skipped": [entry._asdict() for entry in plan.skipped],
    }


def _rated(runtime: Runtime, config: str, iteration: int) -> Rated | None:
    """The newest ratings of earlier iterations, None if there are none with a covariance."""
    earlier = runtime.store.upto(names.ELO_RATINGS, config, iteration - 1)
    records = [record for record in earlier if names.FIT_FILE in record.files]
    if not records:
        return None
    fit = json.loads(runtime.store.path(records[-1], names.FIT_FILE).read_text(encoding="utf-8"))
    entries = content_of(records[-1], RatingsContent).participants
    players = {key: {"name": entry.name, "participant": entry.participant} for key, entry in entries.items()}
    return Rated(fit["participants"], fit["ratings"], fit["covariance"], players)


def open_matches(plan: MatchPlan, partial: Record | None) -> list[PlannedMatch]:
    """The matches of a plan that a partial partition (None: there is none) does not have whole."""
    return [m for m in plan.matches if partial is None or m.spec.name in partial.missing["matches"]]


def match_rows(content: MatchesContent) -> list[Row]:
    """One row of text a match, for tables: who played, the score of the first, and a gate's verdict."""
    return [_match_row(content, match) for match in content.matches]


def _match_row(content: MatchesContent, match: Match) -> Row:
    players = [content.participants[entrant.key].name for entrant in match.entrants]
    two = len(players) == 2 and match.kind != "round_robin"
    score, gate = match.entrants[0].score, match.gate
    outcome = gate.verdict.outcome if gate and gate.verdict else "not ended"
    return {
        "match": match.match,
        "score of the first": f"{score:.1%}" if two and score is not None else "",
        "games": match.games,
        "verdict": outcome if gate else "",
        "players": ", ".join(players),
    }
