"""The graph on hosts reached by SSH: the same games as here, the hosts a person chose, and who is shown how."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from resources import runtime as workbench
from resources.hosts.dagster_resources import CLASSES, host_resources
from resources.hosts.host import LOCAL, Host
from resources.runner.events import JobResult
from resources.runner.runner import JobRunner
from resources.runtime import Runtime, Where
from resources.store.home import Home
from ringrift.bench.tuner import BAD
from ringrift.jobs.contract import JobSpec
from ringrift.players.heuristic.profiles import profiles_file, write_profiles
from ringrift_assets.assets import ASSETS as ALL
from ringrift_assets.definitions import ITERATION, defs
from tests.ringrift_assets.conftest import CONFIG, Graph, failure, metadata
from tests.sshd import Sshd, free_port, hosts_file, known, python_here

ASSETS = ["incumbent", "selfplay_games"]
MATCHES = "tournament_games"
EVERY_JOB = """
configs: [hex8_2p]
selfplay: {min_games: 20, jobs: [{name: a, config: hex8_2p, engine: random-only, games: 30}]}
evaluation:
  anchor_blocks: 1
  matchups: []
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
search: {decision_ms: 0.5}
cmaes:
  {population: 4, games_per_evaluation: 2, generations: {hex8_2p: 1}, replicas: 1, proofs: 1, panel: [],
   import_file: elsewhere.json}
gate: {max_blocks: 16}
tiers: {ladder: [D2]}
training: {min_games: {hex8_2p: 1000}}
polling: {first_s: 0.1, interval_s: 0.3}
"""


@pytest.fixture
def fleet(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hosts file with two remote hosts of two classes, and this machine for nothing."""
    known(monkeypatch, sshd)
    python = python_here(tmp_path)
    hosts = [
        sshd.host(name, tmp_path / name, python, max_parallel_jobs=1, **{"class": klass})
        for name, klass in (("one", "aws"), ("two", "vast_ai"))
    ]
    file = hosts_file(tmp_path / "hosts.yaml", *hosts, LOCAL.model_copy(update={"role": "coordinator"}))
    monkeypatch.setenv("RINGRIFT_HOSTS", str(file))
    return file


def test_games_played_on_remote_hosts_are_the_games_played_here(graph: Graph, played_home: Home, fleet: Path):
    result = graph.run(0, ASSETS)
    assert result.success, failure(result)
    here = Graph(played_home, graph.pipeline, graph.instance).record("selfplay_games")
    assert graph.record("selfplay_games").content_digest == here.content_digest
    hosts = graph.record("selfplay_games").provenance["hosts"]
    assert set(hosts) == {"one", "two"} and sum(hosts.values()) == 3, "one slot each, so both worked"
    here_too = [json.loads(path.read_text())["kind"] for path in (graph.home.root / "jobs-v1").glob("*/spec.json")]
    assert here_too == ["prove"] * 3, "no job lay here but for what proves each of them"


def test_the_launchpad_keeps_the_work_to_a_class_of_hosts(graph: Graph, fleet: Path):
    result = graph.run(0, ASSETS, host_class="vast_ai")
    assert result.success, failure(result)
    assert set(graph.record("selfplay_games").provenance["hosts"]) == {"two"}
    assert "two" in metadata(result, "selfplay_games")["hosts"]
    refused = failure(graph.run(1, ASSETS, host_class="mac_cluster"))
    assert "one: its class is aws and only mac_cluster is in use" in refused
    assert "use one of local, mac_cluster" in failure(graph.run(1, ASSETS, host_class="macs"))


def test_every_step_that_takes_a_class_runs_its_jobs_on_it_alone_and_the_others_take_none(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {"name": "away", "class": "aws", "role": "all", "ssh_host": "127.0.0.1", "ssh_port": free_port()}
    hosts = [Host(name="here", role="all"), Host.model_validate(away)]
    monkeypatch.setenv("RINGRIFT_HOSTS", str(hosts_file(tmp_path / "hosts.yaml", *hosts)))
    offered: dict[str, set[str]] = {}  # asset → the hosts that its jobs could be given to
    real = JobRunner.run

    def run(runner: JobRunner, specs: Sequence[JobSpec], **options: Any) -> list[JobResult]:
        for spec in specs:
            offered.setdefault(spec.asset, set()).update(transport.host.name for transport in runner.transports)
        return real(runner, specs, **options)

    monkeypatch.setattr(workbench.JobRunner, "run", run)
    write_profiles(tmp_path / "elsewhere.json", profiles_file({f"heuristic_v1_{CONFIG}": BAD}, {}))
    graph.pipeline.write_text(EVERY_JOB)
    schemas = {asset.key.path[-1]: asset.op.config_schema.config_type for asset in ALL}
    taking = {name for name, schema in schemas.items() if "host_class" in getattr(schema, "fields", ())}
    for asset in (*ITERATION, "trained_model"):
        result = graph.run(0, [asset], **({"host_class": "local"} if asset in taking else {}))
        assert result.success, failure(result)
        if asset == "iteration_report":  # nobody waits for the network's matches
            graph.pipeline.write_text(EVERY_JOB.replace("{hex8_2p: 1000}", "{hex8_2p: 1}"))
    on_hosts = {asset for asset, names in offered.items() if names != {LOCAL.name}}
    assert on_hosts == taking == {"selfplay_games", "cmaes_profile", "heuristic_profiles", "trained_model", MATCHES}
    assert all(offered[asset] <= {"here", LOCAL.name} for asset in taking), "no job of theirs could go away"


def test_the_local_backend_leaves_remote_hosts_out(home: Home, fleet: Path):
    runtime = Runtime(home, where=Where(backend="local"))
    with pytest.raises(Exception, match="one: it is reached by SSH and only local hosts are in use"):
        runtime.eligible("selfplay")
    assert [host.name for host in Runtime(home).eligible("selfplay")] == ["one", "two"]


def test_each_class_is_a_resource_that_shows_its_hosts_and_the_fleet_is_over_them(fleet: Path):
    found = host_resources()
    assert set(found) == {*CLASSES, "fleet"}
    [line] = found["aws"].hosts
    assert line.startswith("one: ") and "@127.0.0.1; may selfplay, cmaes, nn_training; 1 slots" in line
    assert found["mac_cluster"].hosts == [] and len(found["vast_ai"].hosts) == 1
    assert [host.name for host in found["fleet"].eligible("selfplay", "aws")] == ["one"]
    shown = defs.get_repository_def().get_top_level_resources()
    assert {*CLASSES, "fleet"} <= set(shown)


def test_the_hosts_are_measured_every_ten_minutes():
    schedule = defs.get_repository_def().get_schedule_def("measure_hosts")
    assert schedule.cron_schedule == "*/10 * * * *" and schedule.job_name == "resources"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING, "the daemon starts it, nobody turns it on"
    with dg.DagsterInstance.ephemeral() as instance:
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance, repository_def=defs.get_repository_def()))
    assert len(tick.run_requests or []) == 1 and tick.skip_message is None
