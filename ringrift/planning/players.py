"""Who plays in an iteration: the candidate, the champion, the reference search, the anchor, and players by name."""

from dataclasses import replace

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.planning.limits import CHAMPION_LABEL
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.rates import budget_of, load_rates, network_rate_key, rate_key
from ringrift.players.engines import ENGINE_MODES, ENGINES, NETWORK_DIFFICULTY, NETWORK_ENGINE
from ringrift.players.heuristic.profiles import BALANCED
from ringrift.players.participant import Participant, at_difficulty, participant
from ringrift.specs.participants import Profiles
from ringrift.specs.train import TrainedNetwork

SEARCH_DIFFICULTY = 5  # in the label of the reference search and of those with a value network; it sets nothing else


class NotAvailable(Exception):
    """An engine that is known but not there yet; the reason is its text."""


def search_player(
    pipeline: Pipeline,
    config: Config,
    profile: str,
    profiles: Profiles | None = None,
    *,
    value_model: str | None = None,
    decision_ms: float | None = None,
) -> Participant:
    """The pipeline's search with a profile, without randomness; its budget takes `decision_ms` (None: search's own).

    With the weights hash of a value network it judges positions by that, and finishes turns as search.light_finish
    says. Without one this is the reference search. Raises InvalidInput where its speed was not measured.
    """
    search = pipeline.search
    quick = search.light_finish and value_model is not None
    player = participant(
        search.engine, config, SEARCH_DIFFICULTY, randomness=0.0, profile=profile, profiles=profiles, budget=1
    )
    return at_time(pipeline, config, replace(player, value_model=value_model, light_finish=quick), decision_ms)


def network_player(pipeline: Pipeline, config: Config, weights: str) -> Participant:
    """The policy-value network of these weights as it is judged: no noise.

    It has evaluation.network_simulations a decision; where that is None, what takes search.decision_ms.
    """
    budget = pipeline.evaluation.network_simulations
    if budget is None:
        key = network_rate_key(pipeline.training.blocks, pipeline.training.channels)
        budget = budget_of(load_rates(pipeline.search.rates), config, key, pipeline.search.decision_ms)
    return participant(NETWORK_ENGINE, config, NETWORK_DIFFICULTY, budget=budget, model=weights)


def candidate_player(
    pipeline: Pipeline, config: Config, network: TrainedNetwork, weights: str, profile: str, profiles: Profiles
) -> Participant:
    """The player that a trained network makes with the profile in force."""
    if network == "value":
        return search_player(pipeline, config, profile, profiles, value_model=weights)
    return network_player(pipeline, config, weights)


def at_time(pipeline: Pipeline, config: Config, player: Participant, decision_ms: float | None = None) -> Participant:
    """The player with the budget that takes `decision_ms` (None: search.decision_ms) of CPU time a decision.

    A policy-value network keeps its own.
    """
    if player.model is not None:
        return player
    value, quick = player.value_model is not None, player.light_finish
    key = rate_key(player.engine, config, value=value, light_finish=quick)
    wanted = pipeline.search.decision_ms if decision_ms is None else decision_ms
    return replace(player, budget=budget_of(load_rates(pipeline.search.rates), config, key, wanted))


def current_player(
    pipeline: Pipeline, config: Config, profile: str, profiles: Profiles, champion: Participant | None
) -> Participant:
    """The champion, else the reference search with the profile in force. A new champion plays an iteration later."""
    return at_time(pipeline, config, champion) if champion else search_player(pipeline, config, profile, profiles)


def anchor_search(pipeline: Pipeline, config: Config) -> Participant:
    """The frozen player against which progress is told: the pipeline's search with the default heuristic."""
    return search_player(pipeline, config, BALANCED)


def player_named(
    text: str, config: Config, profiles: Profiles | None = None, champion: Participant | None = None
) -> Participant:
    """The participant `{Engine}_D{n}` names; `Champion_D{n}` is the champion at that difficulty.

    Raises InvalidInput for an engine nobody knows, NotAvailable for one that is not there yet.
    """
    label, _, difficulty = text.rpartition("_D")
    name = next((name for name, engine in ENGINES.items() if engine.label == label), None)
    if name is not None and not ENGINES[name].network:
        return participant(name, config, int(difficulty), profiles=profiles)
    if name is not None or label == CHAMPION_LABEL:
        if champion is None or name not in (None, champion.engine):
            raise NotAvailable(f"{text} is played by a champion of this kind; there is none yet")
        return at_difficulty(champion, int(difficulty))
    if f"{label.lower()}-only" not in ENGINE_MODES:
        raise InvalidInput("player", text, f"use {{Engine}}_D{{n}}; engines are {_labels()}")
    raise NotAvailable(f"the engine {label} is not available; there are {_labels()}")


def _labels() -> str:
    return ", ".join((*(engine.label for engine in ENGINES.values()), CHAMPION_LABEL))


def alias(player: Participant, config: Config) -> str:
    """The name people read: `Heuristic_D5` for the documented player of that label, else with part of its key.

    A player with a network is named by the start of its weights hash.
    """
    if weights := player.model or player.value_model:
        return f"{player.label}#{weights[:8]}"
    documented = participant(player.engine, config, player.difficulty)
    return player.label if documented.key == player.key else f"{player.label}#{player.key[:6]}"
