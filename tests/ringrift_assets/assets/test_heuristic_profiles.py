"""The file of trained profiles is brought to the hosts that play; one that is not reached fails nothing."""

import json
import sys
from pathlib import Path

import pytest

from resources.hosts.host import LOCAL
from resources.runtime import Where
from ringrift import names
from ringrift.players.heuristic.profiles import FILE, load_profiles, profiles_file, write_profiles
from tests.resources.model_makers import put_record
from tests.resources.sample_contents import sample
from tests.ringrift_assets.cli.test_run import outcomes, ringrift
from tests.ringrift_assets.conftest import CONFIG, Graph, checks, failure, metadata
from tests.sshd import Sshd, free_port, hosts_file, known, python_here

NAME = "heuristic_v1_hex8_2p"
ASSET = "heuristic_profiles"


@pytest.fixture
def tuned(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """A graph that starts with a trained profile and whose search found no better one."""
    write_profiles(tmp_path / FILE, profiles_file({NAME: {"WEIGHT_TERRITORY": 9.0}}, {}))
    monkeypatch.setattr(sys.modules["ringrift_assets.assets.incumbent"], "TRAINED_FILE", tmp_path / FILE)
    assert graph.run(0, ["incumbent"]).success

    def logs(folder: Path) -> None:
        for name in ("generations.jsonl", "convergence.svg"):
            (folder / name).touch()

    put_record(
        graph.runtime().store, "cmaes_profile", CONFIG, 0, sample(names.CMAES_PROFILE, proposal=None, proofs=[]), logs
    )
    return graph


@pytest.fixture
def fleet(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hosts that play, one of which is not there, one that only trains, and this machine."""
    known(monkeypatch, sshd)
    python = python_here(tmp_path)
    hosts = [
        sshd.host("plays", tmp_path / "plays", python, role="selfplay_cmaes"),
        sshd.host("gone", tmp_path / "gone", python, role="selfplay", port=free_port()),
        sshd.host("trains", tmp_path / "trains", python, role="nn_training"),
    ]
    file = hosts_file(tmp_path / "hosts.yaml", LOCAL, *hosts)
    monkeypatch.setenv("RINGRIFT_HOSTS", str(file))
    return file


def rows(result) -> list[dict]:
    return [record.data for record in metadata(result, ASSET)["profiles_on_hosts"].records]


def arrived(result) -> dict[str, str]:
    return {row["host"]: row["file"] for row in rows(result)}


def test_the_hosts_that_play_get_the_file_once_and_a_missing_one_is_named(tuned, fleet, tmp_path):
    result = tuned.run(0, [ASSET])
    assert result.success, failure(result)
    assert arrived(result) == {"plays": "sent now", "gone": "not reached"}
    there = tmp_path / "plays" / FILE
    assert there.read_bytes() == (tuned.home.root / FILE).read_bytes()
    assert load_profiles(there).profiles[NAME]["WEIGHT_TERRITORY"] == 9.0
    assert not (tmp_path / "trains").exists() and not list((tmp_path / "plays").glob(".*.tmp"))
    found = checks(result)["profiles_arrived"]
    assert not found.passed and found.severity.value == "WARN" and checks(result)["evidence_holds"].passed
    assert found.description.startswith("gone: cannot be reached: ")
    [problem] = [row["problem"] for row in rows(result) if row["problem"]]
    assert problem in found.description

    node = there.stat().st_ino
    again = tuned.run(0, [ASSET])
    assert arrived(again)["plays"] == "had it" and there.stat().st_ino == node
    there.write_text("{}")
    assert arrived(tuned.run(0, [ASSET]))["plays"] == "sent now"


def test_the_phase_sends_it_again_when_a_host_is_back(tuned, fleet, sshd, tmp_path):
    run = ("run", "--config", tuned.pipeline, "--phase", "profile-sync")
    code, text = ringrift(*run)
    assert code == 0 and f"{CONFIG}|0000 WARN {ASSET}.profiles_arrived: gone: cannot be reached" in text
    gone = sshd.host("gone", tmp_path / "gone", tmp_path / "python", role="selfplay")
    hosts_file(fleet, LOCAL, gone)
    code, text = ringrift(*run, "--json")
    [outcome] = outcomes(text)
    assert code == 0 and outcome["reused"] == {ASSET: True} and all(check["passed"] for check in outcome["checks"])
    assert json.loads((tmp_path / "gone" / FILE).read_text())["profiles"][NAME]["WEIGHT_TERRITORY"] == 9.0


def test_nothing_is_sent_where_there_is_no_trained_profile_or_remote_hosts_are_left_out(tuned, fleet, tmp_path):
    runtime = tuned.runtime()
    runtime.where = Where(backend="local")
    assert "profiles_on_hosts" not in metadata(tuned.run(0, [ASSET], runtime=runtime), ASSET)
    data = tuned.record("incumbent").data
    put_record(tuned.runtime().store, "incumbent", CONFIG, 0, {**data, "profile": "heuristic_v1_balanced"})
    (tuned.home.root / FILE).unlink()
    result = tuned.run(0, [ASSET])
    assert "profiles_on_hosts" not in metadata(result, ASSET) and checks(result)["profiles_arrived"].passed
    assert not (tmp_path / "plays" / FILE).exists()
