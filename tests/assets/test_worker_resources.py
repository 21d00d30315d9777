"""The use of the hosts: this machine is measured, others are listed with the reason."""

import dagster as dg

from resources.storage import Home
from resources.views import RESOURCES_PLACE
from resources.workbench import Workbench
from ringrift_assets.assets import worker_resources
from ringrift_assets.run import run_resources

HOSTS = """
hosts:
  here: {role: all}
  there: {ssh_host: 192.0.2.1, class: aws, role: selfplay}
  broken: {role: all, status: maintenance}
"""


def test_each_host_has_numbers_or_a_reason_and_the_newest_measurement_is_stored(home: Home, tmp_path, monkeypatch):
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    bench = Workbench(home, hosts=tmp_path / "hosts.yaml")
    with dg.DagsterInstance.ephemeral() as instance:
        for version in (1, 2):
            result = dg.materialize([worker_resources], instance=instance, resources={"bench": bench})
            assert result.success
            hosts = bench.store.need(*RESOURCES_PLACE)
            assert hosts.version == version
    use = hosts.data["hosts"]
    assert use["here"]["problem"] is None and 0 <= use["here"]["cpu"] <= 100 and use["here"]["gpu"] is not None
    assert use["there"]["problem"] == "it is reached by SSH and only local hosts are in use"
    assert use["broken"]["problem"] == "status is maintenance"
    [event] = result.get_asset_materialization_events()
    shown = event.materialization.metadata
    assert 0 <= shown["here/mem"].value <= 100 and len(shown["hosts_table"].value.records) == 3
    [check] = result.get_asset_check_evaluations()
    assert check.passed


def test_it_runs_as_a_job_of_the_homes_instance(home: Home):
    assert set(run_resources(home).data["hosts"]) == {"local"}
