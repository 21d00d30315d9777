"""The store: a partition is whole or unchanged, one run writes it at a time, and rows do not vanish."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resources.store import store as storage
from resources.store.record import NewVersion, Record, StoreDamaged, digest_of
from resources.store.store import ClaimHeld, FewerRows, Store
from ringrift.errors import MissingInput

KEY = ("training_db", "square8_2p", 3)


def write(store: Store, text: str = "one", rows: int = 1, key: tuple = KEY, **more: object) -> Record:
    asset, config, iteration = key
    with store.claim(*key, run="run-1"), store.draft(*key) as folder:
        (folder / "games.txt").write_text(text)
        new = NewVersion(
            code_version="1",
            content_digest=digest_of(text),
            inputs_digest=digest_of(["in", text]),
            rows=rows,
            data={"games": rows},
            provenance={"run": "run-1"},
        )
        return store.commit(folder, asset, config, iteration, new, **more)


def text_of(store: Store, record: Record) -> str:
    return store.path(record, "games.txt").read_text()


def test_what_is_committed_is_read_back(store):
    record = write(store)
    assert store.get(*KEY) == record and store.need(*KEY) == record
    assert text_of(store, record) == "one" and record.rows == 1 and store.damage(record) is None
    assert record.files["games.txt"].bytes == 3 and record.provenance["written_at"] > 0


def test_a_partition_that_was_never_written_is_none_and_needing_it_names_the_remedy(store):
    assert store.get(*KEY) is None and store.upto("training_db", "square8_2p", 9) == []
    with pytest.raises(MissingInput, match=r"training_db square8_2p\|0003 .* materialize it first"):
        store.need(*KEY)


@pytest.mark.parametrize("moment", ["before the version has its name", "before the record is replaced"])
def test_a_crash_in_the_middle_of_a_commit_leaves_the_old_version_in_force(store, monkeypatch, moment):
    old = write(store, "old")

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    if moment == "before the version has its name":
        monkeypatch.setattr(Path, "rename", crash)
    else:
        monkeypatch.setattr(storage, "write_json", crash)
    with pytest.raises(KeyboardInterrupt):
        write(store, "new")
    monkeypatch.undo()
    assert store.get(*KEY) == old and text_of(store, old) == "old"
    new = write(store, "newer")
    assert text_of(store, new) == "newer" and new.version > old.version
    assert not list(store.folder(*KEY).glob(".draft-*"))


def test_a_reader_of_the_version_before_still_finds_its_files_and_older_ones_are_dropped(store):
    first, second = write(store, "1"), write(store, "2")
    assert text_of(store, first) == "1"
    third = write(store, "3")
    assert (text_of(store, second), text_of(store, third)) == ("2", "3")
    assert not store.path(first, "games.txt").exists()


def test_rows_do_not_fall_unless_somebody_says_so(store):
    old = write(store, "many", rows=10)
    with pytest.raises(FewerRows, match=r"has 10 rows and the new version 4.*allow_fewer_rows"):
        write(store, "few", rows=4)
    assert store.get(*KEY) == old
    assert write(store, "few", rows=4, allow_fewer_rows=True).rows == 4


def test_a_draft_is_gone_when_nobody_commits_it(store):
    with store.draft(*KEY) as folder:
        (folder / "half.txt").write_text("half")
    assert not folder.exists() and store.get(*KEY) is None


@pytest.mark.parametrize("text", ["", "{", '{"asset": "training_db"}', "[]"])
def test_a_record_that_does_not_parse_is_an_error_and_never_an_empty_partition(store, text):
    write(store)
    (store.folder(*KEY) / "partition.json").write_text(text)
    with pytest.raises(StoreDamaged, match=r"partition.json does not parse"):
        store.get(*KEY)


def test_a_record_of_another_partition_is_refused(store):
    write(store)
    other = store.folder("training_db", "square8_3p", 3)
    other.mkdir(parents=True)
    (other / "partition.json").write_bytes((store.folder(*KEY) / "partition.json").read_bytes())
    with pytest.raises(StoreDamaged, match="another partition"):
        store.get("training_db", "square8_3p", 3)


def test_files_that_changed_or_vanished_are_named(store):
    record = write(store)
    path = store.path(record, "games.txt")
    path.write_text("two")
    assert "not the file that was stored" in (store.damage(record) or "")
    path.unlink()
    assert "is missing" in (store.damage(record) or "")


def test_partitions_come_in_the_order_of_iterations_and_other_folders_are_ignored(store):
    for iteration in (12, 0, 3):
        write(store, key=("training_db", "square8_2p", iteration))
    (store.root / "training_db" / "square8_2p" / "notes").mkdir()
    numbers = [record.iteration for record in store.upto("training_db", "square8_2p", 11)]
    assert numbers == [0, 3]
    assert [record.iteration for record in store.after("training_db", "square8_2p", 0)] == [3, 12]


HOLDER = """
import sys, time
from pathlib import Path
from resources.store.store import Store
with Store(Path(sys.argv[1])).claim("training_db", "square8_2p", 3, run="run-of-another"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_partition_claimed_by_another_process_is_refused_with_its_run_until_that_process_dies(store):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(store.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        message = rf"run run-of-another \(pid {holder.pid} on .*, since 20.*\)"
        with pytest.raises(ClaimHeld, match=message), store.claim(*KEY, run="mine"):
            pass
        with store.claim("training_db", "square8_2p", 4, run="mine"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        with store.claim(*KEY, run="mine"):
            held = json.loads((store.folder(*KEY) / "claim.json").read_text())
            assert held["run"] == "mine"
    finally:
        holder.kill()
        holder.wait(10)
        holder.stdout.close()


def test_a_claim_is_free_again_after_its_block_even_when_that_failed(store):
    with pytest.raises(ZeroDivisionError), store.claim(*KEY, run="a"):
        raise ZeroDivisionError
    with store.claim(*KEY, run="b"), pytest.raises(ClaimHeld, match="run b"), store.claim(*KEY, run="c"):
        pass


def test_a_store_moved_aside_keeps_everything_and_leaves_an_empty_one(store):
    assert store.move_aside() is None
    record = write(store)
    moved = store.move_aside()
    assert moved is not None and moved.parent == store.root.parent
    assert re.fullmatch(r"store-\d{8}T\d{6}", moved.name)
    assert store.get(*KEY) is None and Store(moved).get(*KEY) == record


def test_a_store_somebody_writes_in_stays_where_it_is(store):
    write(store)
    with store.claim(*KEY, run="the-run"), pytest.raises(ClaimHeld, match=r"training_db/square8_2p/0003 .*run the-run"):
        store.move_aside()
    assert store.get(*KEY)


def test_its_iterations_are_those_with_a_partition(store):
    assert store.iterations() == []
    write(store)
    write(store, key=("selfplay_games", "hexagonal_2p", 11))
    (store.root / "training_db" / "square8_2p" / "0007").mkdir()  # claimed, and nothing came of it
    assert store.iterations() == [3, 11]
