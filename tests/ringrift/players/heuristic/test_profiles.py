"""Named profiles, profile hashes, and files of trained profiles."""

import json

import pytest

from ringrift.errors import InvalidInput, MissingInput
from ringrift.players.heuristic import profiles as w
from ringrift.players.heuristic.profiles import (
    BALANCED,
    DEFAULTS,
    NAMES,
    PROFILES,
    UNUSED_NAMES,
    complete_weights,
    find_profile,
    load_profiles,
    profile_hash,
    trained_profile_name,
    weight_vector,
)


def test_index_constants_follow_the_names():
    assert len(NAMES) == 37
    for index, name in enumerate(NAMES):
        assert getattr(w, name.removeprefix("WEIGHT_")) == index
    assert not set(NAMES) & set(UNUSED_NAMES)


def test_named_profiles_are_the_documented_factors_of_the_balanced_one():
    names = "balanced weak medium strong aggressive territorial defensive expert"
    assert list(PROFILES) == [f"heuristic_v1_{name}" for name in names.split()]
    assert PROFILES[BALANCED] == PROFILES["heuristic_v1_strong"] == DEFAULTS
    assert PROFILES["heuristic_v1_expert"] == PROFILES["heuristic_v1_aggressive"]
    for name, factor in (("weak", 0.5), ("medium", 0.75)):
        scaled = PROFILES[f"heuristic_v1_{name}"]
        assert scaled == {weight: factor * value for weight, value in DEFAULTS.items()}
    changed = {name: sum(profile[weight] != DEFAULTS[weight] for weight in NAMES) for name, profile in PROFILES.items()}
    assert (changed["heuristic_v1_aggressive"], changed["heuristic_v1_territorial"]) == (9, 10)
    assert changed["heuristic_v1_defensive"] == 11
    assert PROFILES["heuristic_v1_aggressive"]["WEIGHT_ELIMINATED_RINGS"] == 15.0
    assert PROFILES["heuristic_v1_territorial"]["WEIGHT_TERRITORY"] == 10.0
    assert PROFILES["heuristic_v1_defensive"]["WEIGHT_FORCED_ELIMINATION_RISK"] == pytest.approx(5.2)


def test_weights_are_completed_in_the_fixed_order():
    vector = weight_vector({"WEIGHT_MOBILITY": 7, "WEIGHT_SAFE_MOVE_BONUS": 3.0})
    assert vector[w.MOBILITY] == 7.0
    assert [*complete_weights({})] == [*NAMES]
    assert vector.sum() == pytest.approx(sum(DEFAULTS.values()) + 3)


def test_profile_hash_is_stable_and_ignores_order_and_number_type():
    assert profile_hash(DEFAULTS) == "4708e399bb78470c"
    shuffled = {name: int(DEFAULTS[name]) if DEFAULTS[name] % 1 == 0 else DEFAULTS[name] for name in NAMES[::-1]}
    assert profile_hash(shuffled) == profile_hash(DEFAULTS)
    assert profile_hash({**DEFAULTS, "WEIGHT_MOBILITY": 4.5}) != profile_hash(DEFAULTS)


def test_unknown_profile_lists_those_there_are():
    own = {"mine": {"WEIGHT_MOBILITY": 9.0}}
    assert find_profile("mine", own)["WEIGHT_MOBILITY"] == 9.0
    with pytest.raises(InvalidInput, match=r"heuristic_v1_balanced.*mine"):
        find_profile("theirs", own)
    assert trained_profile_name("hexagonal", 3) == "heuristic_v1_hex_3p"


def profiles_file(tmp_path, **changes):
    content = {
        "version": "1.0.0",
        "created": "2025-01-01T00:00:00Z",
        "updated": "2025-01-02T00:00:00Z",
        "description": "trained",
        "profiles": {"heuristic_v1_sq8_2p": {"WEIGHT_MOBILITY": 5, "WEIGHT_TEMPO_ADVANTAGE": 1.5}},
        "training_metadata": {
            "heuristic_v1_sq8_2p": {"source": "cmaes", "iteration": 3, "fitness": 0.61, "games": 400}
        },
    }
    path = tmp_path / "trained_heuristic_profiles.json"
    path.write_text(json.dumps(content | changes))
    return path


def test_profiles_file_is_read_and_completed(tmp_path):
    file = load_profiles(profiles_file(tmp_path))
    profile = file.profiles["heuristic_v1_sq8_2p"]
    assert profile == {**DEFAULTS, "WEIGHT_MOBILITY": 5.0}
    metadata = file.training_metadata["heuristic_v1_sq8_2p"]
    assert (metadata.iteration, metadata.model_extra) == (3, {"games": 400})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profiles": {"a": {"WEIGHT_MOBILTY": 5}}}, r"profiles\.a.*MOBILTY.*nearest.*WEIGHT_MOBILITY"),
        ({"profiles": {"a": {"WEIGHT_MOBILITY": "5"}}}, r"profiles\.a\.WEIGHT_MOBILITY: '5'.*number"),
        ({"profiles": {"a": {"WEIGHT_MOBILITY": True}}}, r"profiles\.a\.WEIGHT_MOBILITY: True"),
        ({"profiles": {"a": {"WEIGHT_MOBILITY": float("nan")}}}, r"profiles\.a\.WEIGHT_MOBILITY.*finite"),
        ({"profiles": [1]}, r"profiles: \[1\].*dictionary"),
        ({"profile": {}}, r"'profile'.*nearest.*'profiles'"),
    ],
)
def test_a_bad_profiles_file_is_refused_with_the_place(tmp_path, changes, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        load_profiles(profiles_file(tmp_path, **changes))
    assert "trained_heuristic_profiles.json" in str(caught.value)


def test_a_missing_or_broken_profiles_file_is_an_error(tmp_path):
    with pytest.raises(MissingInput, match=r"nowhere\.json"):
        load_profiles(tmp_path / "nowhere.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"broken\.json"):
        load_profiles(tmp_path / "broken.json")
