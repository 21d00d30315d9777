"""The matches of an iteration: what is played, and what is not and why."""

from collections import Counter
from itertools import combinations

import pytest

from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.jobs.inputs import ModelFile
from ringrift.planning import players
from ringrift.planning.entrants import Rated, field_of
from ringrift.planning.incumbent import Champion, Incumbent, baseline_incumbent, past_profiles
from ringrift.planning.matches import Candidate, MatchInputs, next_tier, plan_matches, title_of
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.players import (
    alias,
    anchor_search,
    candidate_player,
    current_player,
    network_player,
    player_named,
)
from ringrift.players import benchmarks
from ringrift.players import participant as registry
from ringrift.players.benchmarks import Benchmark
from ringrift.players.engines import ENGINES
from ringrift.players.heuristic.profiles import BALANCED, profile_hash
from ringrift.players.participant import participant

SQUARE8 = parse_config("square8_2p")
BASELINE = baseline_incumbent()
MODEL, OTHER = (ModelFile(weights=c * 64, path=f"models/{c}.safetensors", sha256=c * 64) for c in "ab")
TWO = {name: ENGINES[name] for name in ("random", "heuristic")}
NO_ANCHOR = Pipeline.model_validate({"evaluation": {"anchor_blocks": 0}})
REFERENCE = current_player(Pipeline(), SQUARE8, BALANCED, {}, None)


def champion(model: ModelFile, network: str = "policy_value") -> Champion:
    return Champion(candidate_player(Pipeline(), SQUARE8, network, model.weights, BALANCED, {}), model)


def inputs(champion: Champion | None = None, **more) -> MatchInputs:
    return MatchInputs(incumbent=baseline_incumbent(champion=champion), **more)


@pytest.fixture
def only_two_engines(monkeypatch):
    for module in (registry, benchmarks, players):
        monkeypatch.setattr(module, "ENGINES", TWO)


def test_documented_match_ups_are_played_or_reported_and_never_replaced(only_two_engines):
    plan = plan_matches(NO_ANCHOR, SQUARE8, 3, inputs())
    assert [(m.kind, m.title) for m in plan.matches] == [
        ("matchup", "Heuristic3_vs_Heuristic5_Square8"),
        ("round_robin", "RoundRobin_Square8"),
    ]
    skipped = dict(plan.skipped)
    assert len(skipped) == 8 and skipped["candidate"] == "there is no candidate"
    reason = "the engine MCTS is not available; there are Random, Heuristic, Champion"
    assert skipped["Heuristic_D5_vs_MCTS_D6"] == reason and "anchor_blocks is 0" in skipped["anchor"]
    assert skipped["tier_D2_to_D4"].startswith("benchmark B4 needs the engine")
    assert plan.matches[0].spec.params["blocks"] == 4, "8 games are 4 blocks of both seats"


@pytest.mark.parametrize("key", ["square8_3p", "hexagonal_4p"])
def test_every_config_has_a_round_robin(only_two_engines, key):
    plan = plan_matches(NO_ANCHOR, parse_config(key), 0, inputs())
    assert [match.kind for match in plan.matches] == ["round_robin"]
    assert plan.matches[0].spec.params["games"] == (30 if key.endswith("3p") else 20)


def rated(*players, errors, ratings=None):
    """Stored ratings of participants with independent standard errors."""
    count = len(players)
    return Rated(
        [player.key for player in players],
        ratings or [1500.0] * count,
        [[errors[i] ** 2 if i == j else 0.0 for j in range(count)] for i in range(count)],
        {player.key: {"name": f"name of {player.label}", "participant": player.to_dict()} for player in players},
    )


def round_robin_of(known, key="square8_2p"):
    plan = plan_matches(Pipeline(), parse_config(key), 1, inputs(rated=known))
    [spec] = [match.spec for match in plan.matches if match.kind == "round_robin"]
    return spec, dict(plan.skipped)


@pytest.mark.parametrize(("key", "games"), [("square8_2p", 20), ("square8_3p", 30), ("hexagonal_4p", 20)])
def test_before_there_are_ratings_every_set_of_players_meets_once(key, games):
    spec, _ = round_robin_of(None, key)
    players = parse_config(key).players
    assert spec.params["games"] == games and len(spec.params["entrants"]) == 5
    assert sorted(map(tuple, spec.params["tables"])) == list(combinations(range(5), players))


def test_who_is_rated_enters_the_round_robin_and_the_uncertain_play_most():
    old = [player_named(f"Heuristic_D{n}", SQUARE8) for n in (2, 3, 5, 7)]
    new = participant("heuristic", SQUARE8, 5, randomness=0.3)
    random = player_named("Random_D1", SQUARE8)
    known = rated(random, *old, new, errors=[30, 30, 30, 30, 30, 250], ratings=[300.0] + [1500.0] * 5)
    spec, _ = round_robin_of(known)
    assert spec.params["games"] == 20, "the budget is that of the pipeline's players"
    at = spec.params["entrants"].index(new.to_dict())
    seats = Counter(entrant for table in spec.params["tables"] for entrant in table)
    assert seats[at] == max(seats.values()) >= 4
    assert random.to_dict() not in spec.params["entrants"], "what it would do is known"
    again, _ = round_robin_of(known)
    assert again.job_id == spec.job_id


def test_who_cannot_be_played_any_more_does_not_enter_and_the_reason_is_told():
    mine = {"mine": {"WEIGHT_MOBILITY": 8.0}}
    trained = participant("heuristic", SQUARE8, 5, profile="mine", profiles=mine)
    gone = participant("heuristic", SQUARE8, 6)
    known = rated(trained, gone, errors=[300, 300])
    known.players[gone.key]["participant"]["version"] = 1
    spec, skipped = round_robin_of(known)
    assert len(spec.params["entrants"]) == 5
    reasons = [why for name, why in skipped.items() if name.startswith("round_robin with name of ")]
    assert len(reasons) == 2 and any("mine" in why for why in reasons) and any("version" in why for why in reasons)
    entrants = field_of([], known, mine).entrants
    assert entrants == [trained]
    assert field_of([], known, {"mine": {"WEIGHT_MOBILITY": 9.0}}).entrants == [], "other weights are another player"


def test_a_trained_profile_plays_on_after_its_name_has_got_other_weights():
    old, new = ({"WEIGHT_MOBILITY": value} for value in (8.0, 9.0))
    veteran = participant("heuristic", SQUARE8, 5, profile="mine", profiles={"mine": old})
    earlier = Incumbent("D2", "mine", veteran.profile_hash, old, None)
    profiles = {**past_profiles([BASELINE, earlier]), "mine": new}
    [entrant] = field_of([], rated(veteran, errors=[300]), profiles).entrants
    assert entrant.key == veteran.key and profile_hash(profiles[entrant.profile]) == veteran.profile_hash
    plan = plan_matches(Pipeline(), SQUARE8, 1, inputs(profiles=profiles, rated=rated(veteran, errors=[300])))
    [spec] = [match.spec for match in plan.matches if match.kind == "round_robin"]
    assert entrant.to_dict() in spec.params["entrants"]
    assert spec.params["profiles"] == {entrant.profile: profiles[entrant.profile]}, "the job carries its old weights"


def test_the_player_in_force_meets_the_benchmark_of_the_next_tier_in_a_gate(monkeypatch):
    monkeypatch.setitem(benchmarks.BENCHMARKS, "B4", Benchmark("heuristic", 4, 0.5))
    plan = plan_matches(Pipeline(), SQUARE8, 0, inputs())
    [tier] = [match for match in plan.matches if match.kind == "tier"]
    params = tier.spec.params
    assert (tier.spec.name, tier.title) == ("tier_D2_to_D4", "Descent5_vs_B4_Square8")
    assert params["gate"]["max_blocks"] == params["blocks"] == 256 and params["gate"]["floor_score"] == 0.55
    assert params["first"] == REFERENCE.to_dict()
    assert params["second"]["randomness"] == 0.5


def planned(**networks):
    """Matches by kind and reasons by match, for a config with networks."""
    plan = plan_matches(Pipeline(), SQUARE8, 0, inputs(**networks))
    return {match.kind: match.spec.params for match in plan.matches}, dict(plan.skipped)


@pytest.mark.parametrize(("network", "field"), [("value", "value_model"), ("policy_value", "model")])
def test_a_candidate_meets_the_reference_search_as_long_as_there_is_no_champion(network, field):
    matches, _ = planned(candidate=Candidate(MODEL, network))
    params = matches["champion"]
    assert (params["match"], params["models"]) == ("candidate_vs_reference", [MODEL.model_dump()])
    assert params["first"][field] == MODEL.weights
    assert params["second"] == REFERENCE.to_dict() and "gate" in params
    assert matches["tier"]["first"] == params["second"], "the tier is won by who is in force, not by the candidate"


@pytest.mark.parametrize("network", ["value", "policy_value"])
def test_a_candidate_meets_the_champion_of_equal_time_and_the_champion_plays_for_the_tier(network):
    matches, _ = planned(candidate=Candidate(MODEL, "value"), champion=champion(OTHER, network))
    params, field = matches["champion"], "value_model" if network == "value" else "model"
    assert params["match"] == "candidate_vs_champion" and params["second"][field] == OTHER.weights
    assert (params["first"]["budget"] == params["second"]["budget"]) == (network == "value")
    assert {model["weights"] for model in params["models"]} == {MODEL.weights, OTHER.weights}
    assert matches["tier"]["first"][field] == OTHER.weights


def test_another_time_a_decision_gives_the_champion_another_budget_too():
    pipeline = Pipeline.model_validate({"search": {"decision_ms": 50}})
    given = inputs(candidate=Candidate(MODEL, "value"), champion=champion(OTHER, "value"))
    [gate] = [
        match.spec.params for match in plan_matches(pipeline, SQUARE8, 0, given).matches if match.kind == "champion"
    ]
    assert gate["second"]["budget"] == gate["first"]["budget"] > 5 * champion(OTHER, "value").player.budget


def test_the_newest_player_meets_the_frozen_anchor_unless_it_is_the_anchor():
    anchor = anchor_search(Pipeline(), SQUARE8)
    assert anchor == REFERENCE, "with the balanced profile the reference is the anchor"
    matches, skipped = planned()
    assert "anchor" not in matches and skipped["anchor"] == "the current player is the anchor itself"
    matches, _ = planned(champion=champion(OTHER, "value"))
    params = matches["anchor"]
    assert params["first"]["value_model"] == OTHER.weights and params["second"] == anchor.to_dict()
    assert params["blocks"] == 25 and "gate" not in params
    matches, _ = planned(candidate=Candidate(MODEL, "value"), champion=champion(OTHER, "value"))
    assert matches["anchor"]["first"]["value_model"] == MODEL.weights


def test_a_candidate_that_is_the_champion_or_not_there_plays_no_gate_and_the_reason_is_told():
    matches, skipped = planned(candidate=Candidate(MODEL, "value"), champion=champion(MODEL, "value"))
    assert "champion" not in matches and "weight for weight" in skipped["candidate"]
    matches, skipped = planned(champion=champion(MODEL), no_candidate="no candidate: 3 of 10 games are there")
    assert "champion" not in matches and skipped["candidate"] == "no candidate: 3 of 10 games are there"


def test_a_rated_network_plays_on_only_while_its_file_is_there_and_nobody_has_deprecated_it():
    player = network_player(Pipeline(), SQUARE8, OTHER.weights)
    entry = {"name": alias(player, SQUARE8), "participant": player.to_dict()}
    known = Rated([player.key], [1500.0], [[250_000.0]], {player.key: entry})
    assert entry["name"] == f"Gumbel_D9#{OTHER.weights[:8]}"
    _, skipped = planned(rated=known)
    assert "it is deprecated" in skipped[f"round_robin with {entry['name']}"]
    matches, _ = planned(rated=known, models=[OTHER])
    assert player.to_dict() in matches["round_robin"]["entrants"]


def test_at_the_top_there_is_no_tier_match_and_an_unknown_tier_is_refused():
    plan = plan_matches(Pipeline(), SQUARE8, 0, MatchInputs(incumbent=baseline_incumbent("D8")))
    assert dict(plan.skipped)["tier_D8"] == "D8 is the highest tier"
    assert [next_tier(Pipeline(), tier) for tier in ("D2", "D4", "D6", "D8")] == ["D4", "D6", "D8", None]
    with pytest.raises(InvalidInput, match="the pipeline's ladder is D2, D4, D6, D8"):
        next_tier(Pipeline(), "D3")


def test_equal_arguments_give_equal_jobs_and_another_iteration_other_ones():
    ids = [[m.spec.job_id for m in plan_matches(Pipeline(), SQUARE8, n, inputs()).matches] for n in (0, 0, 1)]
    assert ids[0] == ids[1] and not set(ids[0]) & set(ids[2])


def test_a_pair_that_stands_twice_in_the_pipeline_is_two_matches():
    matchup = {"first": "Heuristic_D2", "second": "Heuristic_D3", "config": "square8_2p", "games": 3}
    pipeline = Pipeline.model_validate({"evaluation": {"matchups": [matchup, matchup]}})
    names = [match.spec.name for match in plan_matches(pipeline, SQUARE8, 0, inputs()).matches]
    assert names[:2] == ["Heuristic_D2_vs_Heuristic_D3", "Heuristic_D2_vs_Heuristic_D3_2"]


def test_a_misspelt_engine_is_an_error_and_not_a_skipped_match():
    with pytest.raises(InvalidInput, match=r"Heuristc_D5.*engines are Random, Heuristic"):
        player_named("Heuristc_D5", SQUARE8)


def test_names_are_the_documented_ones_and_other_players_of_a_label_carry_their_key():
    documented = player_named("Heuristic_D5", SQUARE8)
    other = participant("heuristic", SQUARE8, 5, randomness=0.5)
    assert alias(documented, SQUARE8) == "Heuristic_D5"
    assert alias(other, SQUARE8) == f"Heuristic_D5#{other.key[:6]}"
    assert title_of("Heuristic_D5", "MCTS_D6", SQUARE8) == "Heuristic5_vs_MCTS6_Square8"
    assert title_of("Heuristic_D5", "MCTS_D5", parse_config("hex_2p")) == "Heuristic5_vs_MCTS5_Hex"
    assert title_of("Heuristic_D2", "B4", parse_config("square19_4p")) == "Heuristic2_vs_B4_Square19_4p"
