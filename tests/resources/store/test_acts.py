"""The ledger: append-only, each event once, on the disk before it is acknowledged, damage is never silent."""

import multiprocessing
import threading

import pytest

from resources.store.acts import acts_of, append, read, record_act
from resources.store.home import Home
from resources.store.record import StoreDamaged
from ringrift.errors import InvalidInput

EVENT = {"kind": "deprecate", "model": "square8_2p_iter3", "reason": "Superseded"}


def test_an_event_told_twice_is_there_once_and_events_keep_their_order(home):
    first = append(home, EVENT)
    second = append(home, {"kind": "note", "text": "ü"})
    assert append(home, dict(reversed(EVENT.items()))) == first != second
    assert [(entry.id, entry.event["kind"]) for entry in read(home)] == [(first, "deprecate"), (second, "note")]
    assert all(entry.at > 0 for entry in read(home))


def test_a_home_without_events_has_none(home):
    assert read(home) == []


@pytest.mark.parametrize("event", [{}, {"kind": ""}, {"kind": "a", "x": float("nan")}, {"kind": "a", "x": {1}}, []])
def test_what_is_no_event_is_refused_and_nothing_is_written(home, event):
    with pytest.raises(InvalidInput, match="event"):
        append(home, event)
    assert read(home) == []


def test_a_line_torn_by_a_crash_was_never_told_and_the_next_event_takes_its_place(home):
    append(home, EVENT)
    path = home.root / "ledger.jsonl"
    path.write_bytes(path.read_bytes() + b'{"id": "0123", "at"')
    assert [entry.event for entry in read(home)] == [EVENT]
    append(home, {"kind": "next"})
    assert [entry.event["kind"] for entry in read(home)] == ["deprecate", "next"]


@pytest.mark.parametrize("change", [("Superseded", "Superseeded"), ("{", ""), ('"at"', '"when"')])
def test_a_changed_line_is_an_error_that_names_it(home, change):
    append(home, EVENT)
    append(home, {"kind": "next"})
    path = home.root / "ledger.jsonl"
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(StoreDamaged, match=r"ledger.jsonl, line 1 is damaged"):
        read(home)


def tell(root: str, writer: int) -> None:
    for number in range(20):
        append(Home(root), {"kind": "count", "number": number, "writer": writer % 2})


def test_several_processes_may_tell_at_once(home):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=tell, args=(str(home.root), writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(read(home)) == 40


def test_acts_of_many_writers_are_all_there_and_a_damaged_file_is_told(home):
    def write(n: int) -> None:
        for i in range(20):
            record_act(home, "note", n=n, i=i)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(act["n"], act["i"]) for act in acts_of(home, "note")} == {(n, i) for n in range(4) for i in range(20)}
    with (home.root / "acts.jsonl").open("a") as handle:
        handle.write("{half a li")
    with pytest.raises(StoreDamaged, match="line 81 does not parse"):
        record_act(home, "note")
