"""Who plays the games a network learns from, and how many of them an iteration plays."""

import pytest

from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.incumbent import Champion, Incumbent, baseline_incumbent
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.players import at_time, candidate_player, search_player
from ringrift.planning.selfplay import SelfplayInputs, games_by_job, plan_jobs, source_jobs
from ringrift.players.heuristic.profiles import BALANCED, profile_hash
from ringrift.players.participant import Participant, at_difficulty
from ringrift.strict import parse

SQUARE8 = parse_config("square8_2p")
MODEL = ModelFile(weights="c" * 64, path="models/c.safetensors", sha256="c" * 64)


def pipeline(*engines: str, **more) -> Pipeline:
    jobs = [{"name": f"job_{engine.replace('-', '_')}", "config": "square8_2p", "engine": engine, "games": 100}
            for engine in engines]  # fmt: skip
    return parse(Pipeline, {"selfplay": {"jobs": jobs}, **more}, "test")


def champion(network: str) -> Champion:
    return Champion(candidate_player(Pipeline(), SQUARE8, network, MODEL.weights, BALANCED, {}), MODEL)


def pool(engine: str, incumbent: Incumbent) -> tuple[list[Participant], dict]:
    [spec] = plan_jobs(pipeline(engine), SQUARE8, 0, SelfplayInputs(incumbent=incumbent)).jobs
    return [Participant.from_dict(seat) for seat in spec.params["pool"]], spec.params


def test_the_mode_champion_is_played_by_the_reference_search_with_the_profile_in_force_until_there_is_one():
    weights = {"WEIGHT_MOBILITY": 8.0}
    mine = Incumbent("D2", "mine", profile_hash(weights), weights)
    [player], params = pool("champion", mine)
    assert player == search_player(Pipeline(), SQUARE8, "mine", {"mine": weights}, decision_ms=1.0)
    assert (player.randomness, player.value_model) == (0.0, None) and set(params["profiles"]) == {"mine"}


def test_a_champion_with_a_value_network_plays_them_quickly_and_brings_its_network_and_profile():
    theirs = {"WEIGHT_MOBILITY": 9.0}
    player = candidate_player(Pipeline(), SQUARE8, "value", MODEL.weights, "theirs", {"theirs": theirs})
    now = baseline_incumbent(champion=Champion(player, MODEL, theirs))
    [seat], params = pool("champion", now)
    assert seat == at_time(Pipeline(), SQUARE8, player, 1.0) and seat.budget < player.budget
    assert seat.value_model == MODEL.weights and params["models"] == [MODEL.model_dump()]
    assert set(params["profiles"]) == {"theirs"}, "the champion keeps the profile it was promoted with"


def test_a_champion_with_a_policy_network_explores_and_nn_only_is_played_by_whichever_champion_there_is():
    [seat], _ = pool("champion", baseline_incumbent(champion=champion("policy_value")))
    assert (seat.model, seat.temperature, seat.full_share) == (MODEL.weights, 1.0, 0.25)
    [seat], _ = pool("nn-only", baseline_incumbent(champion=champion("value")))
    assert seat == at_difficulty(champion("value").player, 9)
    seats, _ = pool("mixed", baseline_incumbent(champion=champion("value")))
    assert [player.value_model for player in seats[-2:]] == [MODEL.weights] * 2, "D9 and D10 are the champion's"
    assert seats[-1].budget == 3 * seats[-2].budget


def test_an_iteration_plays_what_multiplies_the_games_networks_learn_from_and_never_fewer_than_its_numbers():
    growing = pipeline("champion", "descent-only", training={"sources": ["champion"]}, loop={"growth": 2.0})
    assert source_jobs(growing, SQUARE8) == ["job_champion"]
    counts = [games_by_job(growing, SQUARE8, have)["job_champion"] for have in (0, 60, 100, 300, 10**6)]
    assert counts == [100, 100, 100, 300, 50_000]
    assert games_by_job(growing, SQUARE8, 300)["job_descent_only"] == 100, "others keep their number"
    constant = pipeline("champion", training={"sources": ["champion"]})
    assert games_by_job(constant, SQUARE8, 10**6) == {"job_champion": 100}
    everybody = pipeline("champion", "descent-only", loop={"growth": 3.0})
    assert games_by_job(everybody, SQUARE8, 400) == {"job_champion": 400, "job_descent_only": 400}


def test_more_games_are_more_chunks_of_the_same_job():
    growing = pipeline("champion", loop={"growth": 2.0})
    jobs = plan_jobs(growing, SQUARE8, 1, SelfplayInputs(have=450)).jobs
    assert [(spec.params["first_game"], spec.params["games"]) for spec in jobs] == [(0, 200), (200, 200), (400, 50)]


def test_a_growth_below_one_is_refused():
    with pytest.raises(InvalidInput, match=r"loop.growth"):
        pipeline("champion", loop={"growth": 0.5})
