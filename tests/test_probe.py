"""What a host tells of itself."""

import json
import subprocess
import sys

from ringrift import probe as module
from ringrift.probe import probe


def test_the_numbers_are_percentages_of_this_machine(tmp_path):
    found = probe(tmp_path, sample_s=0.05)
    assert all(0 <= found[name] <= 100 for name in ("cpu", "mem", "disk"))
    assert found["cores"] >= 1 and found["memory_gb"] > 0 and found["disk_free_gb"] >= 0


def test_it_can_be_asked_from_a_shell(tmp_path):
    done = subprocess.run([sys.executable, "-m", "ringrift.probe", str(tmp_path)], capture_output=True, check=True)
    assert set(json.loads(done.stdout)) == {"cpu", "mem", "disk", "gpu", "cores", "memory_gb", "disk_free_gb"}


def nvidia(folder, monkeypatch, body: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_several_cards_give_their_mean_and_a_silent_one_gives_nothing(tmp_path, monkeypatch):
    nvidia(tmp_path, monkeypatch, "echo 80; echo 91")
    assert module.probe(tmp_path, 0.01)["gpu"] == 85.5
    nvidia(tmp_path, monkeypatch, "echo 'No devices were found'; exit 6")
    assert module.probe(tmp_path, 0.01)["gpu"] is None
