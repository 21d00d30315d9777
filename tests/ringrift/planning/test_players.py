"""Who a candidate, a champion, the reference and the anchor are, and players by their names."""

from dataclasses import replace

import pytest

from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.players import (
    NotAvailable,
    anchor_search,
    at_time,
    candidate_player,
    current_player,
    network_player,
    player_named,
    search_player,
)
from ringrift.planning.rates import budget_of, load_rates
from ringrift.players.heuristic.profiles import BALANCED
from ringrift.players.participant import at_difficulty

SQUARE8, WEIGHTS = parse_config("square8_2p"), "a" * 64
MINE = {"mine": {"WEIGHT_MOBILITY": 9.0}}


def pipeline(**search) -> Pipeline:
    return Pipeline.model_validate({"search": search})


def budget(key: str, ms: float) -> int:
    return budget_of(load_rates(), SQUARE8, key, ms)


@pytest.mark.parametrize("engine", ["minimax", "mcts", "descent"])
def test_a_candidate_is_the_pipelines_search_with_its_network_at_equal_time_to_the_reference(engine):
    how = pipeline(engine=engine, decision_ms=20.0)
    candidate = candidate_player(how, SQUARE8, "value", WEIGHTS, "mine", MINE)
    reference = current_player(how, SQUARE8, "mine", MINE, None)
    assert (candidate.engine, candidate.value_model, candidate.light_finish) == (engine, WEIGHTS, True)
    assert (reference.engine, reference.value_model, reference.light_finish) == (engine, None, False)
    assert candidate.budget == budget(f"{engine}+light+value", 20.0) != reference.budget == budget(engine, 20.0)
    assert candidate.profile_hash == reference.profile_hash and candidate.randomness == reference.randomness == 0.0
    full = candidate_player(pipeline(engine=engine, light_finish=False), SQUARE8, "value", WEIGHTS, "mine", MINE)
    assert not full.light_finish and full.budget == budget(f"{engine}+value", 5.0)


def test_a_policy_network_has_the_simulations_of_the_pipeline_or_as_many_as_take_the_time():
    timed = candidate_player(pipeline(decision_ms=50.0), SQUARE8, "policy_value", WEIGHTS, "mine", MINE)
    assert timed == network_player(pipeline(decision_ms=50.0), SQUARE8, WEIGHTS)
    assert timed.budget == budget("gumbel 4x64", 50.0) and timed.profile is None
    fixed = Pipeline.model_validate({"evaluation": {"network_simulations": 3}, "training": {"blocks": 1}})
    assert network_player(fixed, SQUARE8, WEIGHTS).budget == 3
    with pytest.raises(InvalidInput, match="not gumbel 1x64"):
        network_player(Pipeline.model_validate({"training": {"blocks": 1}}), SQUARE8, WEIGHTS)


def test_the_champion_plays_on_with_its_own_profile_and_the_time_of_the_pipeline():
    champion = replace(search_player(pipeline(), SQUARE8, "mine", MINE), value_model=WEIGHTS, light_finish=True)
    now = current_player(pipeline(decision_ms=40.0), SQUARE8, BALANCED, MINE, champion)
    assert now == replace(champion, budget=budget("descent+light+value", 40.0))
    network = network_player(pipeline(), SQUARE8, WEIGHTS)
    assert at_time(pipeline(decision_ms=40.0), SQUARE8, network) == network


def test_the_anchor_is_the_search_with_the_default_heuristic():
    assert anchor_search(pipeline(engine="mcts"), SQUARE8) == search_player(pipeline(engine="mcts"), SQUARE8, BALANCED)


def test_the_champion_is_named_by_its_kind_or_as_the_champion():
    champion = candidate_player(pipeline(), SQUARE8, "value", WEIGHTS, BALANCED, {})
    assert player_named("Champion_D10", SQUARE8, champion=champion) == at_difficulty(champion, 10)
    with pytest.raises(NotAvailable, match="Champion_D10 is played by a champion"):
        player_named("Champion_D10", SQUARE8)
    with pytest.raises(NotAvailable, match="Gumbel_D9 is played by a champion of this kind"):
        player_named("Gumbel_D9", SQUARE8, champion=champion)
    network = network_player(pipeline(), SQUARE8, WEIGHTS)
    assert player_named("Gumbel_D9", SQUARE8, champion=network) == at_difficulty(network, 9)
