"""The champion keeps the profile it was promoted with, whatever becomes of the profile's name."""

from ringrift.jobs.inputs import ModelFile
from ringrift.planning.incumbent import Incumbent, champion_of, past_profiles
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, complete_weights, profile_hash
from ringrift.players.participant import Participant, participant

MODEL = ModelFile(weights="c" * 64, path="models/c.safetensors", sha256="c" * 64)
OLD, NEW = ({"WEIGHT_MOBILITY": value} for value in (8.0, 9.0))


def player(profile: str, weights) -> Participant:
    from ringrift.config import parse_config

    config = parse_config("square8_2p")
    return participant("descent", config, 5, profile=profile, profiles={profile: weights})


def test_a_champion_and_the_profile_in_force_may_have_profiles_of_one_name():
    found = champion_of(player("mine", OLD), MODEL, OLD)
    now = Incumbent("D2", "mine", profile_hash(NEW), NEW, found)
    name = f"mine#{profile_hash(OLD)[:8]}"
    assert found.player.profile == name and found.player.key == player("mine", OLD).key
    assert now.profiles == {name: complete_weights(OLD), "mine": complete_weights(NEW)}
    assert now.player == found.player and Incumbent("D2", "mine", profile_hash(NEW), NEW).player is None
    assert past_profiles([now]) == {f"mine#{profile_hash(NEW)[:8]}": complete_weights(NEW)}, (
        "the champion's is its own iteration's"
    )


def test_a_champion_with_a_named_profile_carries_no_weights():
    found = champion_of(player(BALANCED, PROFILES[BALANCED]), MODEL, PROFILES[BALANCED])
    assert found.player.profile == BALANCED and found.profiles == {}
