"""A record that was changed by hand is not read; taking it as it stands is an act that is kept."""

import json

import pytest

from resources.store.record import StoreDamaged, digest_of, seal_of
from resources.store.seals import accept, accepted, content_problem, is_accepted, partitions, problems, unsealed
from resources.store.store import Store
from ringrift import names
from ringrift.errors import InvalidInput, MissingInput
from tests.resources.model_makers import change_record, put_record
from tests.resources.sample_contents import sample

PLACE = (names.TIER_ASSIGNMENT, "square8_2p", 3)


def edit(store: Store, **fields: object) -> None:
    """What a person does in an editor: the data changes and nothing else."""
    path = store.folder(*PLACE) / names.RECORD_FILE
    record = json.loads(path.read_text())
    record["data"] |= fields
    path.write_text(json.dumps(record, indent=1))


@pytest.fixture
def stored(store: Store) -> Store:
    put_record(store, *PLACE, sample(names.TIER_ASSIGNMENT))
    return store


def test_every_field_is_under_the_seal(stored):
    path = stored.folder(*PLACE) / names.RECORD_FILE
    whole = json.loads(path.read_text())
    changes = {
        "version": 2,
        "rows": 7,
        "code_version": "x",
        "content_digest": "0" * 64,
        "inputs_digest": "0" * 64,
        "missing": {"a": 1},
        "files": {},
        "data": {},
        "provenance": {},
        "seal": "0" * 64,
    }
    assert set(changes) | {"record", "asset", "config", "iteration"} == set(whole)
    for name, value in changes.items():
        if whole[name] == value:
            value = {**value, "other.json": {"bytes": 1, "sha256": "0" * 64}}
        path.write_text(json.dumps(whole | {name: value}))
        with pytest.raises(StoreDamaged, match=r"partition.json was changed by hand.*store accept tier_assignment"):
            stored.get(*PLACE)
    path.write_text(json.dumps(whole, indent=3))
    assert stored.need(*PLACE).seal == seal_of(whole), "how it is written does not matter"


def test_a_record_without_a_seal_says_how_to_take_it(stored):
    path = stored.folder(*PLACE) / names.RECORD_FILE
    whole = json.loads(path.read_text())
    del whole["seal"]
    path.write_text(json.dumps(whole))
    with pytest.raises(StoreDamaged, match="has no seal"):
        stored.need(*PLACE)
    assert unsealed(stored) == [PLACE] == list(partitions(stored))


def test_what_a_person_changed_counts_once_it_is_accepted_and_the_act_is_kept(home, stored):
    before = stored.need(*PLACE)
    edit(stored, tier="D8")
    [problem] = problems(stored, *PLACE)
    assert "changed by hand" in problem
    with pytest.raises(InvalidInput, match="say why"):
        accept(home, *PLACE, " ")
    record = accept(home, *PLACE, "measured elsewhere")
    assert stored.need(*PLACE) == record and record.data["tier"] == "D8" and not problems(stored, *PLACE)
    assert record.content_digest == digest_of(record.data) != before.content_digest, "so what follows is made again"
    [act] = accepted(home)
    assert (act["asset"], act["iteration"], act["reason"]) == (PLACE[0], 3, "measured elsewhere")
    assert is_accepted(home, record) and not is_accepted(home, before)
    with pytest.raises(MissingInput, match=r"square8_2p\|0004 is not in"):
        accept(home, *PLACE[:2], 4, "why")


def test_a_forger_who_renews_the_seal_has_to_change_the_content_digest_too(stored):
    change_record(stored, *PLACE, lambda record: record["data"].update(tier="D8"))
    assert "holds other data" in content_problem(stored.need(*PLACE))
    assert problems(stored, *PLACE) == [content_problem(stored.need(*PLACE))]
