"""What was changed in the store after Dagster was told of it is not believed, unless a person accepted it."""

from resources.store.record import digest_of
from resources.store.seals import accept
from ringrift import names
from ringrift_assets.steps.seals import seal_problem
from tests.resources.model_makers import change_record
from tests.ringrift_assets.conftest import CONFIG, Graph, checks, failure, metadata

LAST = ["iteration_report"]


def promote(record: dict) -> None:
    """What a forger does who knows the format."""
    record["data"]["tier"] = "D8"
    record["content_digest"] = digest_of(record["data"])


def test_a_verdict_that_was_changed_in_the_store_is_not_in_force_in_the_next_iteration(finished: Graph):
    store, place = finished.runtime().store, (names.TIER_ASSIGNMENT, CONFIG, 1)
    assert metadata(finished.run(1, ["tier_assignment"]), "tier_assignment")["reused"], "now Dagster knows of it"
    assert seal_problem(finished.instance, finished.home, store.need(*place)) == ""
    before = store.need(*place)
    change_record(store, *place, promote)
    result = finished.run(2, ["incumbent"])
    assert not result.success and "tier_assignment hex8_2p|0001 holds content" in failure(result)
    assert "Dagster was told of" in failure(result) and "ringrift store accept" in failure(result)

    change_record(store, *place, lambda record: record.update(content_digest=before.content_digest))
    assert "holds other data" in failure(finished.run(2, ["incumbent"]))

    change_record(store, *place, promote)
    accept(finished.home, *place, "measured elsewhere")
    assert finished.run(2, ["incumbent"]).success and finished.record("incumbent", 2).data["tier"] == "D8"
    assert checks(finished.run(1, LAST))["sealed"].passed


def test_making_it_again_mends_it_and_the_report_tells_of_what_is_not_mended(finished: Graph):
    store, place = finished.runtime().store, (names.TIER_ASSIGNMENT, CONFIG, 1)
    assert metadata(finished.run(1, ["tier_assignment"]), "tier_assignment")["reused"], "now Dagster knows of it"
    before = store.need(*place)
    change_record(store, *place, promote)
    told = checks(finished.run(1, LAST))["sealed"]
    assert not told.passed and "tier_assignment hex8_2p|0001 holds content" in (told.description or "")
    again = finished.run(1, ["tier_assignment"])
    assert again.success and not metadata(again, "tier_assignment")["reused"]
    assert store.need(*place).content_digest == before.content_digest
    assert checks(finished.run(1, LAST))["sealed"].passed and finished.run(2, ["incumbent"]).success
