"""Two commands that want the same partition."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resources.store.home import Home
from resources.store.store import Store
from ringrift.jobs.contract import JOBS_FOLDER, STATE, JobState
from ringrift_assets.devtools.kills import workers

CONFIG = "square8_2p"
PIPELINE = """
configs: [square8_2p]
selfplay:
  min_games: 1
  jobs:
    - {name: square8_2p_long, config: square8_2p, engine: heuristic-only, games: 4000}
polling: {first_s: 0.1, interval_s: 0.2}
"""


def start(home: Home, pipeline: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ringrift.cli", "run", "--config", str(pipeline), "--phase", "selfplay"]
    environment = {**os.environ, "RINGRIFT_HOME": str(home.root)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def attempts(home: Home) -> dict[str, JobState]:
    """Each job that has begun, with the state of its latest attempt."""
    states = home.root.glob(f"{JOBS_FOLDER}/*/{STATE}")
    return {path.parent.name: JobState.model_validate_json(path.read_text()) for path in states}


@pytest.mark.slow
def test_the_second_launcher_says_which_run_holds_the_partition_and_leaves_the_first_alone(home, tmp_path):
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(PIPELINE)
    first = start(home, pipeline)
    try:
        deadline = time.monotonic() + 120
        while not any(home.root.glob("jobs-v1/*/out/*.parquet")):
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.1)
        at_work = attempts(home)
        assert any(state.status == "running" for state in at_work.values())
        second = start(home, pipeline)
        output, _ = second.communicate(timeout=120)
        words = " ".join(output.split())
        assert second.returncode == 1 and f"{CONFIG}|0000 is being written by run" in words
        assert f"(pid {first.pid} on " in words
        assert first.poll() is None
        afterwards = attempts(home)
        for job, state in at_work.items():  # one may have come to its end meanwhile, none may have begun anew
            assert afterwards[job].pid == state.pid and afterwards[job].status in ("running", "done")
        assert Store(home.store).get("selfplay_games", CONFIG, 0) is None
    finally:
        for process in workers(home):
            process.kill()
        if first.poll() is None:
            first.send_signal(signal.SIGKILL)
        first.communicate()
        for process in workers(home):  # one that the first run started again in between
            process.kill()
