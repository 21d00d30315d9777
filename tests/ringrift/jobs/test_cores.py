"""The cores that a process may use: by affinity and by the quotas of control groups of either version."""

import os

import pytest

from ringrift.jobs import cores
from ringrift.jobs.cores import usable_cores
from ringrift.jobs.folder import JobFolder
from ringrift.jobs.probe import probe


@pytest.fixture(autouse=True)
def eight(monkeypatch):
    """Affinity leaves eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def group(tmp_path, membership: str, **files: str) -> int:
    """Usable cores with these lines in /proc/self/cgroup and these files, `__` for a slash in their names."""
    (tmp_path / "membership").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "cgroup" / name.replace("__", "/").replace("_max", ".max").replace("_cfs", ".cfs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return usable_cores(tmp_path / "cgroup", tmp_path / "membership")


def test_affinity_counts_and_not_the_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert usable_cores(tmp_path, tmp_path / "none") == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores(tmp_path, tmp_path / "none") == 64


@pytest.mark.parametrize(
    ("text", "found"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("150000 100000\n", 2), ("10000 100000\n", 1), ("nonsense", 8)],
)
def test_the_quota_of_a_container(tmp_path, text, found):
    assert group(tmp_path, "0::/\n", cpu_max=text) == found


def test_the_smallest_quota_around_the_process_counts(tmp_path):
    assert group(tmp_path, "0::/a/b\n", a__b__cpu_max="max 100000", a__cpu_max="300000 100000") == 3


@pytest.mark.parametrize(("quota", "found"), [("-1", 8), ("200000", 2)])
@pytest.mark.parametrize("top", ["cpu", "cpu,cpuacct"])
def test_control_groups_of_version_1_where_the_own_path_may_not_be_there(tmp_path, quota, found, top):
    files = {f"{top}__cpu_cfs_quota_us": quota, f"{top}__cpu_cfs_period_us": "100000"}
    assert group(tmp_path, "3:memory:/x\n2:cpu,cpuacct:/docker/0123\n", **files) == found


def test_slots_and_the_probe_count_the_usable_cores(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "_quotas", lambda cgroups, membership: [3.0])
    assert JobFolder(tmp_path).slots == 3
    assert probe(tmp_path, sample_s=0.01)["cores"] == 3
