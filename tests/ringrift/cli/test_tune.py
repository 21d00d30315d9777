"""`ringrift tune` as a user types it, and the file it writes."""

import json

import pytest

from ringrift.bench.tuner import BAD
from ringrift.players.heuristic.profiles import load_profiles, profiles_file, write_profiles
from tests.ringrift.cli.command import ringrift

NAME = "heuristic_v1_hex8_2p"
PIPELINE = """
cmaes: {population: 6, games_per_evaluation: 4, sigma: 1.5, replicas: 2, proofs: 3, panel: []}
gate: {min_blocks: 4, max_blocks: 32, elo1: 150}
"""


def test_a_bad_start_is_beaten_with_evidence_and_the_file_is_read_back(tmp_path):
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    write_profiles(tmp_path / "bad.json", profiles_file({NAME: BAD}, {}))
    out = tmp_path / "tuned.json"
    files = ["--config", tmp_path / "pipeline.yaml", "--from", tmp_path / "bad.json", "--out", out]
    command = ["tune", "-c", "hex8_2p", "--generations", 4, "--json", "--processes", 1, *files]
    done = ringrift(*command)
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads(done.stdout)
    file = load_profiles(out)
    assert file.profiles[NAME] == result["chosen"]["weights"] != result["before"]
    assert file.training_metadata[NAME].source == "ringrift tune" and file.created
    assert result["candidates"][0]["kind"] == "consensus" and len(result["histories"]) == 2
    assert result["changed"] and (tmp_path / "tuned.svg").read_text().startswith("<svg")
    verified = ringrift("gate", "verify", result["proofs"][-1]["file"])
    assert verified.returncode == 0 and "holds; promoted" in verified.stdout
    again = ringrift(*command)
    assert json.loads(again.stdout)["chosen"] == result["chosen"], "the same command takes what is done"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["-c", "hex8_2p"], "give the generations of hex8_2p"),
        (["--out", "x.yaml"], "ends in .json"),
        (["--from", "{bad}"], "it has no heuristic_v1_sq8_2p; it has heuristic_v1_hex8_2p"),
    ],
)
def test_wrong_arguments_are_told(tmp_path, arguments, message):
    write_profiles(tmp_path / "bad.json", profiles_file({NAME: BAD}, {}))
    done = ringrift("tune", *(text.format(bad=tmp_path / "bad.json") for text in arguments))
    assert done.returncode == 2 and message in done.stderr


def test_the_file_has_the_documented_keys(tmp_path):
    path = tmp_path / "trained_heuristic_profiles.json"
    write_profiles(path, profiles_file({NAME: BAD}, {NAME: {"source": "test", "fitness": 0.5}}, updated=0.0))
    content = json.loads(path.read_text())
    assert (
        list(content) == sorted(["version", "created", "updated", "description", "profiles", "training_metadata"])
        and content["created"] == "1970-01-01T00:00:00Z"
    )
    write_profiles(path, profiles_file({NAME: BAD}, {}, updated=86400.0))
    content = json.loads(path.read_text())
    assert (content["created"], content["updated"]) == ("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z")
