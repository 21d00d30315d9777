"""The use of the hosts: those that answer are measured, others are listed with the reason."""

import re

import dagster as dg

from resources.runtime import Runtime, Where
from resources.store.contents.base import content_of
from resources.store.contents.operations import HostsContent
from resources.store.home import Home
from resources.views.status import RESOURCES_PLACE
from resources.views.text import resource_block
from ringrift_assets.assets.worker_resources import worker_resources
from ringrift_assets.runs.iteration import run_resources
from tests.sshd import Sshd, free_port, hosts_file, known, python_here

HOSTS = """
hosts:
  here: {role: all}
  there: {ssh_host: 127.0.0.1, ssh_port: 1, class: aws, role: selfplay}
  broken: {role: all, status: maintenance}
"""


def test_each_host_has_numbers_or_a_reason_and_the_newest_measurement_is_stored(home: Home, tmp_path, monkeypatch):
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    runtime = Runtime(home, hosts=tmp_path / "hosts.yaml", where=Where(backend="local"))
    with dg.DagsterInstance.ephemeral() as instance:
        for version in (1, 2):
            result = dg.materialize([worker_resources], instance=instance, resources={"runtime": runtime})
            assert result.success
            hosts = runtime.store.need(*RESOURCES_PLACE)
            assert hosts.version == version
        events = instance.fetch_materializations(worker_resources.key, limit=5).records
    for name in ("cpu", "mem", "disk", "gpu"):  # what the UI plots over time has a number at each measurement
        points = [event.asset_materialization.metadata[f"here/{name}"] for event in events]
        assert len(points) == 2 and all(isinstance(point, dg.FloatMetadataValue) for point in points)
    use = hosts.data["hosts"]
    assert use["here"]["problem"] is None and 0 <= use["here"]["cpu"] <= 100 and use["here"]["gpu"] is not None
    assert use["there"]["problem"] == "it is reached by SSH and only local hosts are in use"
    assert use["broken"]["problem"] == "status is maintenance"
    [event] = result.get_asset_materialization_events()
    shown = event.materialization.metadata
    assert 0 <= shown["here/mem"].value <= 100 and len(shown["hosts_table"].value.records) == 3
    [check] = result.get_asset_check_evaluations()
    assert check.passed


def test_hosts_reached_by_ssh_are_measured_and_one_that_does_not_answer_is_shown_as_such(
    home: Home, sshd: Sshd, tmp_path, monkeypatch
):
    known(monkeypatch, sshd)
    hosts = [
        sshd.host("there", tmp_path / "there", python_here(tmp_path)),
        sshd.host("gone", tmp_path / "gone", "python3", port=free_port()),
    ]
    runtime = Runtime(home, hosts=hosts_file(tmp_path / "hosts.yaml", *hosts))
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([worker_resources], instance=instance, resources={"runtime": runtime})
    use = content_of(runtime.store.need(*RESOURCES_PLACE), HostsContent).hosts
    assert use["there"].problem is None and 0 < use["there"].mem <= 100
    assert use["gone"].problem.startswith("cannot be reached: ")
    lines = resource_block(use).splitlines()  # by name
    assert re.fullmatch(r"  there: CPU=\d+%, MEM=\d+%, DISK=\d+%, GPU=\d+%", lines[2])
    [check] = result.get_asset_check_evaluations()
    assert not check.passed and "gone" in check.description


def test_it_runs_as_a_job_of_the_homes_instance(home: Home):
    assert set(run_resources(home).data["hosts"]) == {"local"}
