"""`ringrift rules`: vectors checked, moves counted."""

import json

from tests.ringrift.cli.command import ringrift
from tests.ringrift.rules.golden import GOLDEN


def test_check_vectors_says_what_it_checked(tmp_path):
    for name in ("square8_2p_0.jsonl.zst", "hex8_3p_1.jsonl.zst"):
        (tmp_path / name).write_bytes((GOLDEN / name).read_bytes())
    done = ringrift("rules", "check-vectors", tmp_path, "--json", "--workers", 1)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["files"], result["games"], result["differ"]) == (2, 2, 0) and result["plies"] > 100


def test_check_vectors_fails_on_a_difference_and_names_it(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"k": "header", "board": "square8"}\n{"k": "end"}\n')
    done = ringrift("rules", "check-vectors", tmp_path, "--workers", 1)
    assert done.returncode == 1
    assert "1 files differ" in done.stdout and "bad.jsonl: malformed record" in done.stdout


def test_a_missing_folder_is_one_line(tmp_path):
    done = ringrift("rules", "check-vectors", tmp_path / "nowhere")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("ringrift: no *.jsonl") and done.stderr.count("\n") == 1


def test_perft_counts():
    done = ringrift("rules", "perft", "-c", "square8_2p", "--depth", 2, "--json")
    assert [row["sequences"] for row in json.loads(done.stdout)] == [192, 3192]
