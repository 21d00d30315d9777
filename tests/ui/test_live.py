"""A run launched and terminated from the web server, with the daemon and the run queue in between."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resources.hosts.host import LOCAL
from resources.store.home import Home
from ringrift_assets.devtools.sshd import Sshd
from ringrift_assets.devtools.webserver import free_port, query, wait_until_loaded
from tests.sshd import hosts_file, known, python_here

pytestmark = [pytest.mark.ui, pytest.mark.slow]

PIPELINE = """
configs: [square8_2p]
selfplay:
  min_games: 1
  jobs:
    - {name: square8_2p_heuristic, config: square8_2p, engine: heuristic-only, games: 20000}
"""
OPEN_ITERATION = """mutation { addDynamicPartition(partitionsDefName: "iteration", partitionKey: "0000",
  repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "ringrift"}) { __typename } }"""
LAUNCH = """mutation { launchPipelineExecution(executionParams: {mode: "default",
  selector: {pipelineName: "collect", repositoryName: "__repository__", repositoryLocationName: "ringrift"},
  executionMetadata: {tags: [{key: "dagster/partition", value: "square8_2p|0000"}]}})
  { __typename ... on LaunchRunSuccess { run { runId } } } }"""


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)


@pytest.fixture
def jobs(home: Home, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders in which the jobs lie: of this machine, and of one reached by SSH."""
    known(monkeypatch, sshd)
    there = sshd.host("there", tmp_path / "there", python_here(tmp_path), max_parallel_jobs=1)
    here = LOCAL.model_copy(update={"max_parallel_jobs": 1})
    monkeypatch.setenv("RINGRIFT_HOSTS", str(hosts_file(tmp_path / "hosts.yaml", here, there)))
    return [home.root / "jobs-v1", tmp_path / "there" / "jobs-v1"]


@pytest.fixture
def live(jobs: list[Path], tmp_path: Path) -> Iterator[str]:
    """Address of `ringrift ui` on the home."""
    with served(tmp_path, PIPELINE) as url:
        yield url


@contextmanager
def served(tmp_path: Path, pipeline: str) -> Iterator[str]:
    """Address of `ringrift ui` on RINGRIFT_HOME with a pipeline file; stopped as a person stops it."""
    (tmp_path / "pipeline.yaml").write_text(pipeline)
    port = free_port()
    main = "from ringrift.cli.main import main; main()"
    command = [sys.executable, "-c", main, "ui", "--port", str(port), "--config", str(tmp_path / "pipeline.yaml")]
    with (tmp_path / "log.txt").open("w+b") as log:
        process = subprocess.Popen(command, env=os.environ, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until_loaded(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def test_terminating_a_run_in_the_web_server_stops_its_workers(live, jobs):
    with pytest.raises(urllib.error.HTTPError, match="405"):  # the guard stands before this server too
        urllib.request.urlopen(f"{live}/graphql?query=mutation", timeout=30)
    assert query(live, OPEN_ITERATION)["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess"
    run = query(live, LAUNCH)["launchPipelineExecution"]["run"]["runId"]

    def status() -> str:
        return query(live, f'{{ runOrError(runId: "{run}") {{ ... on Run {{ status }} }} }}')["runOrError"]["status"]

    def states(folder: Path) -> list[dict]:
        return [json.loads(path.read_text()) for path in folder.glob("*/state.json")]

    wait_for(lambda: all(any(folder.glob("*/out/*.parquet")) for folder in jobs), 120)
    assert status() == "STARTED" and all(any(s["status"] == "running" for s in states(folder)) for folder in jobs)
    query(live, f'mutation {{ terminateRun(runId: "{run}", terminatePolicy: SAFE_TERMINATE) {{ __typename }} }}')
    wait_for(lambda: status() == "CANCELED", 60)
    for state in (state for folder in jobs for state in states(folder)):
        assert state["status"] in ("cancelled", "done")
        with pytest.raises(ProcessLookupError):
            os.kill(state["pid"], 0)
