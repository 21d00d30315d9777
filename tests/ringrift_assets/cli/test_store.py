"""`ringrift store`: what is not as it was written is named, and a person may take it as it is."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from resources.store.store import Store
from ringrift import names
from ringrift.errors import InvalidInput
from ringrift_assets.cli import status, store
from tests.resources.model_makers import put_record
from tests.resources.sample_contents import sample

PLACE = (names.INCUMBENT, "square8_2p", 0)


def ringrift(*arguments: str) -> tuple[int, str]:
    app = Typer()
    for verbs in (store, status):
        verbs.register(app)
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return result.exit_code, result.stdout


def _with_file(folder: Path) -> None:
    (folder / "incumbent.json").write_text("{}")


def test_a_changed_record_and_a_changed_file_are_told_and_a_record_can_be_accepted(home):
    own = Store(home.store)
    for iteration in (0, 1):
        put_record(
            own, *PLACE[:2], iteration, sample(names.INCUMBENT), lambda f: (f / "incumbent.json").write_text("{}")
        )
    assert ringrift("store", "check") == (0, "2 partitions, 0 problems\n")
    assert ringrift("store", "accept", "--unsealed") == (0, "every record has a seal\n")
    path = own.folder(*PLACE) / names.RECORD_FILE
    record = json.loads(path.read_text())
    record["data"]["tier"] = "D8"
    path.write_text(json.dumps(record))
    own.path(own.need(*PLACE[:2], 1), "incumbent.json").write_text("[]")
    code, text = ringrift("store", "check", "--json")
    found = json.loads(text)
    assert code == 1 and found["partitions"] == 2 and len(found["problems"]) == 2
    assert "was changed by hand" in found["problems"][0] and "not the file that was stored" in found["problems"][1]

    command = ("store", "accept", "incumbent", "square8_2p|0000", "--reason", "as measured")
    assert ringrift(*command, "--dry-run") == (0, "would accept incumbent square8_2p|0000\n")
    assert ringrift("store", "check")[1].count("changed by hand") == 1
    assert ringrift(*command) == (0, "accepted incumbent square8_2p|0000\n")
    assert own.need(*PLACE).data["tier"] == "D8"
    code, text = ringrift("status")
    assert code == 0 and "incumbent square8_2p|0000 was changed by hand and accepted on 20" in text
    assert text.rstrip().endswith(": as measured")


def test_records_of_a_version_without_seals_are_taken_together(home):
    own = Store(home.store)
    put_record(own, *PLACE, sample(names.INCUMBENT))
    path = own.folder(*PLACE) / names.RECORD_FILE
    record = json.loads(path.read_text())
    del record["seal"]
    path.write_text(json.dumps(record))
    command = ("store", "accept", "--unsealed", "--reason", "made before records had seals")
    assert ringrift(*command) == (0, "accepted incumbent square8_2p|0000\n")
    assert own.need(*PLACE).seal and ringrift("store", "check")[0] == 0


@pytest.mark.parametrize("arguments", [(), ("incumbent",), ("incumbent", "square8_2p"), ("incumbent", "square8_2p|x")])
def test_what_names_no_partition_is_refused(home, arguments):
    with pytest.raises(InvalidInput):
        ringrift("store", "accept", *arguments, "--reason", "why")
