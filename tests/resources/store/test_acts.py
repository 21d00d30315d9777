"""Acts of people: append-only, on the disk before they are acknowledged, damage is never silent."""

import multiprocessing

import pytest

from resources.store.acts import acts_of, record_act
from resources.store.home import Home
from resources.store.record import StoreDamaged
from ringrift.errors import InvalidInput


def test_acts_keep_their_order_and_are_found_by_kind_and_number(home):
    assert acts_of(home) == []
    first = record_act(home, "deprecate", model="square8_2p_iter3")
    second = record_act(home, "note", text="ü")
    assert acts_of(home) == [first, second] and first["at"] > 0
    assert acts_of(home, "note") == [second] and acts_of(home, upto=1) == [first]


@pytest.mark.parametrize("value", [float("nan"), {1}])
def test_what_json_cannot_hold_is_refused_and_nothing_is_written(home, value):
    with pytest.raises(InvalidInput, match="use values that JSON can hold"):
        record_act(home, "note", value=value)
    assert acts_of(home) == []


def test_a_line_torn_by_a_crash_does_not_count_and_the_next_act_takes_its_place(home):
    record_act(home, "first")
    path = home.root / "acts.jsonl"
    path.write_bytes(path.read_bytes() + b'{"act": "torn", "at"')
    assert [entry["act"] for entry in acts_of(home)] == ["first"]
    record_act(home, "next")
    assert [entry["act"] for entry in acts_of(home)] == ["first", "next"]


@pytest.mark.parametrize("change", [("{", ""), ('"act"', '"fact"')])
def test_a_damaged_line_is_an_error_that_names_it_whoever_asks(home, change):
    record_act(home, "first")
    record_act(home, "next")
    path = home.root / "acts.jsonl"
    path.write_text(path.read_text().replace(*change, 1))
    for ask in (lambda: acts_of(home, "next"), lambda: record_act(home, "third")):
        with pytest.raises(StoreDamaged, match=r"acts.jsonl line 1 does not parse"):
            ask()


def tell(root: str, writer: int) -> None:
    for number in range(20):
        record_act(Home(root), "count", number=number, writer=writer)


def test_several_processes_may_tell_at_once(home):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=tell, args=(str(home.root), writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    told = {(entry["writer"], entry["number"]) for entry in acts_of(home, "count")}
    assert told == {(writer, number) for writer in range(4) for number in range(20)} and len(acts_of(home)) == 80
