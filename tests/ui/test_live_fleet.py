"""A whole iteration on three hosts of two classes, by command and by web server, is the one made here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.hosts.host import LOCAL
from resources.store.home import Home
from resources.store.store import Store
from ringrift_assets.definitions import ITERATION
from ringrift_assets.devtools.sshd import Sshd
from ringrift_assets.devtools.webserver import query
from tests.ringrift_assets.cli.test_run import digests, ringrift
from tests.sshd import hosts_file, known, python_here
from tests.ui.test_live import served, wait_for

pytestmark = [pytest.mark.ui, pytest.mark.slow]

CONFIG = "hex8_2p"
PIPELINE = """
configs: [hex8_2p]
selfplay:
  min_games: 1
  chunk_games: 12
  jobs:
    - {name: hex8_2p_random, config: hex8_2p, engine: random-only, games: 24}
search: {decision_ms: 0.5}
cmaes: {population: 4, games_per_evaluation: 2, generations: {hex8_2p: 1}, replicas: 1, proofs: 1, panel: []}
training:
  {kind: policy_value, blocks: 1, channels: 8, batch_size: 64, max_row_uses: 1, device: cpu,
   min_games: {hex8_2p: 10}, epochs: {hex8_2p: 1}}
evaluation:
  anchor_blocks: 1
  network_simulations: 2
  matchups: [{first: Heuristic_D2, second: Heuristic_D3, config: hex8_2p, games: 4}]
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
gate: {min_blocks: 2, max_blocks: 2}
tiers: {ladder: [D2]}
polling: {first_s: 0.1, interval_s: 0.5}
"""
PLAYING, TRAINING = {"aws-1", "aws-2"}, {"lambda-1"}
WORKED_ON = {
    "selfplay_games": PLAYING,
    "cmaes_profile": PLAYING,
    "trained_model": TRAINING,
    "tournament_games": PLAYING,
}
HERE = {"verify", "match_results", "rate", "prove"}  # kinds of jobs that read the store, and so stay with it
WHERE = 'repositoryName: "__repository__", repositoryLocationName: "ringrift"'
OPEN = f"""mutation {{ addDynamicPartition(partitionsDefName: "iteration", partitionKey: "0000",
  repositorySelector: {{{WHERE}}}) {{ __typename }} }}"""
LAUNCH = f"""mutation {{ launchPipelineExecution(executionParams: {{mode: "default",
  selector: {{pipelineName: "iteration", {WHERE}}},
  executionMetadata: {{tags: [{{key: "dagster/partition", value: "{CONFIG}|0000"}}]}}}})
  {{ __typename ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}"""
SHOWN = """{ assetNodeOrError(assetKey: {path: ["%s"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
  metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""


def run_here(home: Home, pipeline: Path) -> dict[str, str]:
    """Content digests of the iteration made by `ringrift run`."""
    code, text = ringrift("run", "--config", pipeline, "-c", CONFIG, "--iterations", 1, "--json")
    assert code == 0, text
    return digests(text)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of the same iteration made on this machine alone."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGRIFT_HOME", str(folder / "home"))
        patch.delenv("RINGRIFT_HOSTS", raising=False)
        found = run_here(Home(folder / "home"), folder / "pipeline.yaml")
    assert len(found) == len(ITERATION)
    return found


@pytest.fixture
def fleet(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three servers: two hosts that play and tune, one of another class that trains. This machine does neither."""
    servers, hosts, python = [], [], python_here(tmp_path)
    try:
        for name, klass, role in (
            ("aws-1", "aws", "selfplay_cmaes"),
            ("aws-2", "aws", "selfplay_cmaes"),
            ("lambda-1", "lambda_labs", "nn_training"),
        ):
            servers.append(Sshd(tmp_path / f"sshd-{name}"))
            more = {"class": klass, "role": role, "max_parallel_jobs": 1}
            hosts.append(servers[-1].host(name, tmp_path / name, python, **more))
        known(monkeypatch, servers[0])
        servers[0].known_hosts.write_text("".join(server.known_hosts.read_text() for server in servers))
        here = LOCAL.model_copy(update={"role": "coordinator"})
        monkeypatch.setenv("RINGRIFT_HOSTS", str(hosts_file(tmp_path / "hosts.yaml", here, *hosts)))
        yield tmp_path
    finally:
        for server in servers:
            server.stop()


def check(home: Home, fleet: Path, reference: dict[str, str]) -> None:
    """The iteration is the reference, and each step was done by the hosts that may do it, and by no other."""
    store = Store(home.store)
    records = {asset: store.need(asset, CONFIG, 0) for asset in ITERATION}
    assert {f"{CONFIG} 0 {asset}": record.content_digest for asset, record in records.items()} == reference
    worked = {asset: set(records[asset].provenance["hosts"]) - {"local"} for asset in WORKED_ON}
    assert all(worked[asset] and worked[asset] <= allowed for asset, allowed in WORKED_ON.items()), worked
    assert worked["selfplay_games"] == PLAYING and records["trained_model"].data["status"] == "trained"
    assert kinds(home.root) == HERE
    assert kinds(fleet / "lambda-1") == {"train"}
    assert kinds(fleet / "aws-1") | kinds(fleet / "aws-2") == {"selfplay", "cmaes", "tournament", "round_robin"}


def kinds(folder: Path) -> set[str]:
    """The kinds of the jobs that lie in a host's folder."""
    return {json.loads(spec.read_text())["kind"] for spec in folder.glob("jobs-v1/*/spec.json")}


def test_the_command_makes_the_iteration_on_the_hosts(home, fleet, reference):
    (fleet / "pipeline.yaml").write_text(PIPELINE)
    assert run_here(home, fleet / "pipeline.yaml") == reference
    check(home, fleet, reference)


def test_the_web_server_makes_the_iteration_on_the_hosts(home, fleet, reference):
    with served(fleet, PIPELINE) as url:
        assert query(url, OPEN)["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess"
        run = query(url, LAUNCH)["launchPipelineExecution"]["run"]["runId"]

        def status() -> str:
            return query(url, f'{{ runOrError(runId: "{run}") {{ ... on Run {{ status }} }} }}')["runOrError"]["status"]

        wait_for(lambda: status() in ("SUCCESS", "FAILURE", "CANCELED"), 480)
        assert status() == "SUCCESS"
        for asset, allowed in WORKED_ON.items():
            [made] = query(url, SHOWN % asset)["assetNodeOrError"]["assetMaterializations"]
            [hosts] = [entry["text"] for entry in made["metadataEntries"] if entry["label"] == "hosts"]
            assert any(name in hosts for name in allowed), hosts
    check(home, fleet, reference)
