"""The fleet benchmark measures real servers and real jobs, few of each."""

import pytest

from ringrift_assets.bench.fleet import bench_fleet
from tests.sshd import need_sshd


@pytest.mark.slow
def test_it_reports_what_ssh_and_the_orchestrator_cost():
    need_sshd()
    measures = {m["name"]: m["value"] for m in bench_fleet(4, 2, repeats=1, megabytes=2, work_s=0.1)["measures"]}
    assert measures["jobs"] == 4 and measures["work_s"] == pytest.approx(0.1)
    assert 0 < measures["look_cpu_ms"] < measures["job_cpu_ms"] < 1000
    assert measures["host_threads"] >= 1 and measures["host_files"] >= 1, "a connection has a thread and a socket"
    for name in ("dispatch_latency_ms", "dispatch_latency_ratio", "sftp_mb_per_s", "sftp_ratio", "orchestrator_mb"):
        assert measures[name] > 0
