"""The engine against recorded games: our own golden ones, and the foreign ones where they are at hand."""

import json
import os
from pathlib import Path

import pytest

from ringrift.rules.moves import MOVE_TYPES
from ringrift.rules.state import REASONS
from ringrift.rules.vectors import VectorReport, check_file, check_folder, read_lines, vector_files
from tests.ringrift.rules.golden import GOLDEN

BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "vectors"


def _vectors() -> Path:
    folder = Path(os.environ.get("RINGRIFT_VECTORS", BESIDE_CHECKOUT))
    if folder.is_dir():
        return folder
    reason = f"no recorded games at {folder}: set RINGRIFT_VECTORS to a folder of rr-vectors/1 files"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.slow
def test_every_recorded_game_is_reproduced():
    report = VectorReport(list(check_folder(_vectors(), os.cpu_count() or 1)))
    assert {f.file: f.difference for f in report.failed} == {}
    assert report.totals()["games"] > 0 and report.totals()["positions"] > 0


@pytest.mark.parametrize("path", vector_files(GOLDEN), ids=lambda p: p.name.removesuffix(".jsonl.zst"))
def test_golden_game_is_reproduced(path):
    result = check_file(path)
    assert result.difference is None
    assert result.games == 1 and result.plies > 10


def test_golden_games_show_every_move_type_and_most_endings():
    played, endings = set(), set()
    for path in vector_files(GOLDEN):
        _, *plies, end = read_lines(path)
        played |= {row["legal"][row["c"]][0] for row in plies}
        endings.add(end["reason"])
    assert set(MOVE_TYPES[1:]) - played == set()
    assert len(endings & set(REASONS)) >= 4


def test_a_changed_record_is_reported_at_its_ply(tmp_path):
    rows = read_lines(vector_files(GOLDEN)[0])
    rows[5]["state"]["hand"][0] -= 1
    changed = tmp_path / "changed.jsonl"
    changed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert check_file(changed).difference.startswith("ply 4: hand is")


def test_a_legal_move_too_many_or_too_few_is_reported_with_its_ply(tmp_path):
    rows = read_lines(vector_files(GOLDEN)[0])
    row = rows[6]
    dropped = row["legal"].pop(0 if row["c"] else -1)
    row["c"] -= row["c"] > 0
    row["legal"].append(["place_ring", "99,99", 1])
    changed = tmp_path / "changed.jsonl"
    changed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    difference = check_file(changed).difference
    assert difference.startswith("ply 5: legal moves differ; missing: ['place_ring', '99,99', 1]; not expected:")
    assert difference.endswith(repr(dropped))
