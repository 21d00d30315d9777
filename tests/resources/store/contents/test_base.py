"""The content of a record as a type: it is read whole or refused by name, and written with equal JSON."""

import json

import pytest

from resources.store.contents.base import content_of, new_content
from resources.store.contents.games import TrainingContent
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.profiles import IncumbentContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.record import Record, StoreDamaged, digest_of
from ringrift import names
from ringrift.errors import InvalidInput
from tests.resources.sample_contents import CONTENTS, KINDS, sample


def record(asset: str, data: dict) -> Record:
    digest = digest_of(data)
    return Record(
        asset=asset,
        config="square8_2p",
        iteration=3,
        version=1,
        code_version="1",
        content_digest=digest,
        inputs_digest=digest,
        rows=1,
        files={},
        data=data,
        provenance={},
    )


def test_every_asset_has_a_type():
    assert {kind.ASSET for kind in KINDS} == set(CONTENTS)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_and_writing_a_content_gives_the_same_json_byte_for_byte(kind):
    data = sample(kind.ASSET)
    content = content_of(record(kind.ASSET, data), kind)
    assert json.dumps(content.to_json(), sort_keys=True) == json.dumps(data, sort_keys=True)


def test_a_field_that_is_missing_unknown_or_of_another_type_is_damage_that_names_it():
    lacking = {name: value for name, value in sample(names.INCUMBENT).items() if name != "tier"}
    for data, field in (
        (lacking, "tier"),
        (sample(names.INCUMBENT, colour="red"), "colour"),
        (sample(names.INCUMBENT, profile_weights={"WEIGHT_TERRITORY": "9"}), "profile_weights.WEIGHT_TERRITORY"),
    ):
        with pytest.raises(StoreDamaged, match=rf"incumbent square8_2p\|0003: {field}.*partition.json"):
            content_of(record(names.INCUMBENT, data), IncumbentContent)


def test_homes_from_before_a_field_was_there_are_still_read():
    old = {name: value for name, value in sample(names.TRAINING_DB).items() if name != "taken"}
    content = content_of(record(names.TRAINING_DB, old), TrainingContent)
    assert content.taken == [] and content.to_json() == old


def test_a_content_is_not_read_as_that_of_another_asset():
    with pytest.raises(TypeError, match="tier_assignment"):
        content_of(record(names.TIER_ASSIGNMENT, sample(names.TIER_ASSIGNMENT)), IncumbentContent)
    assert content_of(record(names.TIER_ASSIGNMENT, sample(names.TIER_ASSIGNMENT)), VerdictsContent).tier == "D4"


def test_a_training_that_made_a_network_is_told_from_one_that_had_too_few_games():
    assert isinstance(
        content_of(record(names.TRAINED_MODEL, sample(names.TRAINED_MODEL)), TrainingOutcome), ModelContent
    )
    few = {"status": "not_enough_games", "have": 3, "need": 10}
    outcome = content_of(record(names.TRAINED_MODEL, few), TrainingOutcome)
    assert not isinstance(outcome, ModelContent) and outcome.have == 3


def test_what_a_step_has_made_is_checked_before_it_is_stored():
    with pytest.raises(InvalidInput, match="content of training_db"):
        new_content(TrainingContent, sample(names.TRAINING_DB, games="two"))
