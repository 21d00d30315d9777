"""The memory benchmark measures real workers of every kind, on games and a network small enough for a test."""

import pytest

from ringrift.bench import memory
from ringrift.config import parse_config
from ringrift.jobs.contract import JobSpec

HEX8 = parse_config("hex8_2p")


def test_the_peak_of_a_worker_is_its_own_and_a_job_that_fails_is_told(tmp_path):
    noop = JobSpec(asset="bench", config="hex8_2p", iteration=0, name="noop", kind="noop", params={})
    assert 20 < memory.peak_mb(tmp_path, noop) < 150, "not this process's, which has loaded numba"
    with pytest.raises(RuntimeError, match="seconds"):
        memory.peak_mb(tmp_path, noop.model_copy(update={"name": "bad", "params": {"seconds": -1}}))


@pytest.mark.slow
def test_every_kind_of_job_is_measured(monkeypatch):
    for name, value in {
        "ARCHITECTURES": ((1, 8),),
        "GAMES": 8,
        "HELD_OUT": 2,
        "BLOCKS": 2,
        "WINDOW_ROWS": 1000,
    }.items():
        monkeypatch.setattr(memory, name, value)
    rows = memory.bench_memory([HEX8])["rows"]
    assert [row["job"] for row in rows] == [
        "selfplay heuristic-only",
        "selfplay descent-only",
        "cmaes",
        "rate, 4 games",
        "train value",
        "selfplay nn-only 1x8",
        "train 1x8",
        "train value, 1000 rows",
        "train 1x8, 1000 rows",
    ]
    assert all(50 < row["MB"] < 5000 for row in rows)
