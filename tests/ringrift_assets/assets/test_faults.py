"""Real workers that die in the middle of real games."""

import json
import os
import signal

import pytest

from resources.runner.events import JobEvent
from resources.runtime import Runtime
from tests.ringrift_assets.conftest import CONFIG

LONGER = """
configs: [hex8_2p]
selfplay:
  jobs:
    - {name: hex8_2p_heuristic, config: hex8_2p, engine: heuristic-only, games: 120}
polling: {first_s: 0.05, interval_s: 0.1}
"""


@pytest.mark.slow
def test_killing_the_worker_in_the_middle_of_its_games_changes_nothing_in_the_result(graph, graph_of, tmp_path):
    graph.pipeline.write_text(LONGER)
    killed = []

    def kill_once(event: JobEvent) -> None:
        graph.events.append(event)
        playing = "-prove-" not in event.job and "-verify-" not in event.job  # the others end too soon to be killed
        if event.kind == "progress" and playing and event.done < event.total and event.job not in killed:
            killed.append(event.job)
            state = json.loads((graph.home.root / "jobs-v1" / event.job / "state.json").read_text())
            os.kill(state["pid"], signal.SIGKILL)

    assert graph.run(0, runtime=Runtime(graph.home, graph.pipeline, listener=kill_once)).success
    selfplay = [job for job in killed if job.startswith("selfplay_games")]
    lost = [event.job for event in graph.events if event.kind == "lost"]
    assert selfplay and set(lost) == set(killed), "the test killed nothing: give the job more games"
    undisturbed = graph_of(type(graph.home)(tmp_path / "other").prepare())
    assert undisturbed.run(0).success
    for asset in ("selfplay_games", "training_db"):
        assert graph.record(asset).content_digest == undisturbed.record(asset).content_digest
    assert graph.runtime().store.need("training_db", CONFIG, 0).rows == 120
