"""What a host tells of itself."""

import json
import subprocess
import sys

import pytest

from ringrift.jobs import probe as module
from ringrift.jobs.probe import probe


def test_the_numbers_are_percentages_of_this_machine(tmp_path):
    found = probe(tmp_path, sample_s=0.05)
    assert all(0 <= found[name] <= 100 for name in ("cpu", "mem", "disk"))
    assert found["cores"] >= 1 and found["memory_gb"] > 0 and found["disk_free_gb"] >= 0


def test_it_can_be_asked_from_a_shell(tmp_path):
    done = subprocess.run([sys.executable, "-m", "ringrift.jobs.probe", str(tmp_path)], capture_output=True, check=True)
    assert set(json.loads(done.stdout)) == {"cpu", "mem", "disk", "gpu", "cores", "memory_gb", "disk_free_gb"}


def nvidia(folder, monkeypatch, body: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize(
    ("answer", "load"),
    [
        ("37\n", 37.0),
        ("0\n", 0.0),
        ("80\n91\n", 85.5),
        ("100\n100\n97\n0\n12\n3\n0\n100\n", 51.5),
        ("37\r\n", 37.0),
        ("[N/A]\n", None),  # cut into MIG instances
        ("[N/A]\n64\n", 64.0),
        ("[Not Supported]\n", None),
        ("[Unknown Error]\n50\n", 50.0),
        ("[GPU requires reset]\n", None),
        ("", None),
        ("37 %\n", None),  # with units, which were not asked for
        ("No devices were found\n", None),
    ],
)
def test_the_answer_of_nvidia_smi_is_the_mean_of_the_cards_that_tell(answer, load):
    assert module.mean_load(answer) == load


def test_cards_are_asked_as_a_shell_would_and_a_fault_is_no_load(tmp_path, monkeypatch):
    nvidia(tmp_path, monkeypatch, 'test "$*" = "--query-gpu=utilization.gpu --format=csv,noheader,nounits" && echo 42')
    assert module.probe(tmp_path, 0.01)["gpu"] == 42.0
    for fault in (
        "echo 'NVIDIA-SMI has failed because it couldn'\\''t communicate with the NVIDIA driver.'; exit 9",
        "echo 'No devices were found'; exit 6",
        "printf '\\377\\376\\n'",
    ):
        nvidia(tmp_path, monkeypatch, fault)
        assert module.probe(tmp_path, 0.01)["gpu"] is None
    monkeypatch.setattr(module, "GPU_ANSWER_S", 0.2)
    nvidia(tmp_path, monkeypatch, "exec sleep 30")
    assert module.probe(tmp_path, 0.01)["gpu"] is None
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert module.probe(tmp_path, 0.01)["gpu"] is None, "a machine without cards"
