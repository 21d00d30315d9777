"""Games grow under the web server and its daemon until the sensor asks for one training, which trains a model."""

from pathlib import Path
from typing import Any

import pytest

from resources.store.home import Home
from resources.store.store import Store
from ringrift_assets.devtools.webserver import query
from tests.ui.test_live import served, wait_for

pytestmark = [pytest.mark.ui, pytest.mark.slow]

CONFIG = "hex8_2p"
PIPELINE = """
configs: [hex8_2p]
selfplay:
  min_games: 1
  jobs:
    - {name: hex8_2p_random, config: hex8_2p, engine: random-only, games: 20}
search: {decision_ms: 0.5}
cmaes: {population: 4, games_per_evaluation: 2, generations: {hex8_2p: 1}, replicas: 1, proofs: 1, panel: []}
training:
  {kind: policy_value, blocks: 1, channels: 8, batch_size: 64, max_row_uses: 1, device: cpu,
   min_games: {hex8_2p: 10}, epochs: {hex8_2p: 1}}
evaluation:
  anchor_blocks: 1
  network_simulations: 2
  matchups: []
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
gate: {min_blocks: 2, max_blocks: 2}
tiers: {ladder: [D2]}
retrain: {new_games: 30}
polling: {first_s: 0.1, interval_s: 0.5}
"""
WHERE = 'repositoryName: "__repository__", repositoryLocationName: "ringrift"'
START = f"""mutation {{ startSensor(sensorSelector: {{sensorName: "retraining", {WHERE}}}) {{ __typename }} }}"""
TICKS = f"""{{ sensorOrError(sensorSelector: {{sensorName: "retraining", {WHERE}}}) {{ ... on Sensor {{
  sensorState {{ ticks(limit: 50) {{ status runIds skipReason }} }} }} }} }}"""
RUNS = "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"


def collect(url: str, iteration: int) -> str:
    """Launch `collect` for an iteration; returns the run."""
    key = f"{iteration:04d}"
    opened = query(
        url,
        f'mutation {{ addDynamicPartition(partitionsDefName: "iteration", partitionKey: "{key}", '
        f"repositorySelector: {{{WHERE}}}) {{ __typename }} }}",
    )
    assert opened["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess"
    launched = query(
        url,
        f"""mutation {{ launchPipelineExecution(executionParams: {{mode: "default",
        selector: {{pipelineName: "collect", {WHERE}}},
        executionMetadata: {{tags: [{{key: "dagster/partition", value: "{CONFIG}|{key}"}}]}}}})
        {{ __typename ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}""",
    )
    return launched["launchPipelineExecution"]["run"]["runId"]


def runs(url: str) -> list[dict[str, Any]]:
    """All runs but those of the clock, which fall in at any minute."""
    return [run for run in query(url, RUNS)["runsOrError"]["results"] if run["jobName"] != "resources"]


def ticks(url: str) -> list[dict[str, Any]]:
    return query(url, TICKS)["sensorOrError"]["sensorState"]["ticks"]


def test_the_sensor_asks_for_one_training_when_enough_games_are_there(home: Home, tmp_path: Path):
    store = Store(home.store)
    with served(tmp_path, PIPELINE) as url:
        assert query(url, START)["startSensor"]["__typename"] == "Sensor"
        collect(url, 0)
        wait_for(lambda: store.get("training_db", CONFIG, 0), 240)
        few = f"{CONFIG}: {store.get('training_db', CONFIG, 0).rows} of 30 new games"
        wait_for(lambda: any(tick["skipReason"] == few for tick in ticks(url)), 120)
        assert [run["jobName"] for run in runs(url)] == ["collect"]
        collect(url, 1)
        wait_for(lambda: store.get("trained_model", CONFIG, 1), 480)
        wait_for(lambda: ticks(url)[0]["skipReason"] and "30 new games" not in ticks(url)[0]["skipReason"], 120)
        asked = [run for run in runs(url) if run["jobName"] == "improve"]
        assert len(asked) == 1, "the games are used up, and one run is enough"
        tags = {tag["key"]: tag["value"] for tag in asked[0]["tags"]}
        games = sum(record.rows for record in store.upto("training_db", CONFIG, 1))
        assert (
            tags["dagster/partition"] == f"{CONFIG}|0001" and tags["dagster/run_key"] == f"retrain:{CONFIG}:{games}:1"
        )
        assert store.get("trained_model", CONFIG, 1).data["status"] == "trained"
        assert sum(len(tick["runIds"]) for tick in ticks(url)) == 1
        wait_for(lambda: all(run["status"] not in ("STARTED", "QUEUED") for run in runs(url)), 480)
        assert {run["status"] for run in runs(url)} == {"SUCCESS"}
