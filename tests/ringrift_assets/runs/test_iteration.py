"""The command line's way through the graph: results, a second run, Ctrl-C, and runs whose process died."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console
from typer import Typer
from typer.testing import CliRunner

from resources.runner.events import JobEvent
from resources.runner.reaper import fail_dead_runs
from resources.runner.run_process import HOST_TAG, PID_TAG
from resources.runtime import Runtime
from resources.store.home import Home
from resources.store.partition_keys import partition_key
from ringrift.errors import InvalidInput
from ringrift_assets.cli import verbs as cli
from ringrift_assets.definitions import COLLECT, ITERATION, defs
from ringrift_assets.runs.display import JobProgress, print_outcomes
from ringrift_assets.runs.iteration import open_instance, run_iteration
from tests.ringrift_assets.conftest import CONFIG, PIPELINE, PLAYED


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(PIPELINE)
    return path


def ringrift(*arguments: object) -> "tuple[int, str]":
    app = Typer()
    cli.register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return result.exit_code, result.output


def test_a_second_run_finds_everything_done_and_the_runs_are_in_the_homes_own_instance(finished, pipeline):
    home, first = finished.home, {asset: finished.record(asset) for asset in ITERATION}
    assert {name for name, record in first.items() if record.rows} == set(ITERATION) - {"trained_model"}
    [second] = run_iteration([CONFIG], 0, pipeline, home, finished.events.append)
    assert second.ok and second.error is None and set(second.reused.values()) == {True} and not finished.started()
    assert {a: r.content_digest for a, r in second.records.items()} == {a: r.content_digest for a, r in first.items()}
    bad = [check["check"] for check in second.checks if not check["passed"]]
    assert bad == ["enough_games"] and len(second.checks) == 26
    with open_instance(home) as instance:
        runs = {run.run_id: run for run in instance.get_runs()}
        assert len(runs) == 3 and {run.status for run in runs.values()} == {dg.DagsterRunStatus.SUCCESS}
        assert runs[second.run].tags["dagster/partition"] == "hex8_2p|0000"
        event = instance.get_latest_materialization_event(dg.AssetKey("training_db"))
        assert event.dagster_event.partition == "hex8_2p|0000"


def test_a_failure_of_one_config_is_told_and_the_others_go_on(finished, pipeline):
    assets = {"square8_2p": COLLECT, CONFIG: ITERATION}
    outcomes = run_iteration(["square8_2p", CONFIG], 0, pipeline, finished.home, assets=assets)
    assert [outcome.ok for outcome in outcomes] == [False, True]
    assert outcomes[0].error.startswith("selfplay_games: no selfplay job of square8_2p can be played")
    console = Console(width=160, record=True, file=io.StringIO())
    print_outcomes(console, outcomes)
    text = console.export_text()
    assert "square8_2p|0000 failed. selfplay_games: no selfplay job" in text
    assert (
        "hex8_2p_random" in text
        and f"hex8_2p|0000 content digest {outcomes[1].records['training_db'].content_digest[:16]}" in text
    )
    assert "skipped hex8_2p_nn" in text
    best = outcomes[1].records["elo_ratings"].data["ratings"][0]
    assert f"{best['name']} " in text and f"{best['low']:.0f} to {best['high']:.0f}" in text


def test_a_mistake_in_the_pipeline_file_is_told_before_anything_starts(home, pipeline):
    pipeline.write_text(pipeline.read_text() + "gamesscale: 2\n")
    with pytest.raises(InvalidInput, match="games_scale"):
        run_iteration([CONFIG], 0, pipeline, home)
    assert not list(home.store.iterdir())


def test_the_server_goes_on_with_the_pipeline_of_the_last_run_unless_it_is_told_another(
    home, pipeline, tmp_path, monkeypatch
):
    assert Runtime(home).pipeline.configs[0] == "square8_2p"
    Runtime(home, pipeline, games_scale=2.0).remember()
    assert Runtime(home).pipeline.configs == [CONFIG] and Runtime(home).pipeline.games_scale == 2.0
    other = tmp_path / "other.yaml"
    other.write_text("configs: [square8_3p]")
    monkeypatch.setenv("RINGRIFT_PIPELINE", str(other))
    assert Runtime(home).pipeline.configs == ["square8_3p"]
    monkeypatch.setenv("RINGRIFT_GAMES_SCALE", "many")
    with pytest.raises(InvalidInput, match="RINGRIFT_GAMES_SCALE"):
        _ = Runtime(home).pipeline


def test_a_dry_run_shows_the_jobs_and_writes_nothing(home, pipeline):
    code, text = ringrift("run", "--config", pipeline, "--dry-run", "--iterations", 2)
    assert code == 0 and "hex8_2p|0000: 9 games in 3 jobs on local; 0 games are stored" in text
    assert "hex8_2p|0001" in text and "skipped hex8_2p_nn" in text
    code, text = ringrift("run", "--config", pipeline, "--dry-run", "--json", "--games-scale", 0.5)
    [plan] = json.loads(text)["dry_run"]
    assert plan["games"] == 5 and plan["hosts"] == ["local"]
    assert not list(home.store.iterdir())


def test_json_output_is_one_object_with_every_outcome(finished, pipeline):
    code, text = ringrift("run", "--config", pipeline, "--json")
    [outcome] = json.loads(text.splitlines()[-1])["outcomes"]
    assert code == 0 and outcome["ok"] and outcome["records"]["training_db"]["rows"] == PLAYED
    code, text = ringrift("run", "--config", pipeline, "-c", "square8_2p", "--phase", "selfplay", "--json")
    [outcome] = json.loads(text.splitlines()[-1])["outcomes"]
    assert code == 1 and not outcome["ok"] and "no selfplay job of square8_2p" in outcome["error"]


def test_runs_whose_process_is_gone_are_marked_failed_and_living_ones_are_not(home):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with open_instance(home) as instance:
        instance.add_dynamic_partitions("iteration", ["0000"])
        runs = {}
        for pid in (dead.pid, os.getpid()):
            run = instance.create_run_for_job(
                defs.resolve_job_def("collect"),
                tags={
                    **partition_tags(),
                    PID_TAG: str(pid),
                    HOST_TAG: socket.gethostname(),
                },
            )
            instance.report_engine_event("started", run)
            instance.handle_new_event(started_event(run))
            runs[pid] = run.run_id
        assert fail_dead_runs(instance) == [runs[dead.pid]]
        assert instance.get_run_by_id(runs[dead.pid]).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(runs[os.getpid()]).status == dg.DagsterRunStatus.STARTED


def partition_tags() -> dict[str, str]:
    key = partition_key(CONFIG, 0)
    return {"dagster/partition": str(key)}


def started_event(run: dg.DagsterRun) -> dg.EventLogEntry:
    event = dg.DagsterEvent("PIPELINE_START", job_name=run.job_name, message="started")
    return dg.EventLogEntry(
        error_info=None,
        level="INFO",
        user_message="started",
        run_id=run.run_id,
        timestamp=time.time(),
        dagster_event=event,
    )


SLOW = """
configs: [square19_2p]
selfplay:
  min_games: 1
  jobs:
    - {name: square19_2p_slow, config: square19_2p, engine: heuristic-only, games: 2000}
polling: {first_s: 0.1, interval_s: 0.2}
"""
MAIN = "import sys; from ringrift.cli.main import main; main()"


def workers_of(home: Home) -> list[dict]:
    states = home.root.glob("jobs-v1/*/state.json")
    return [json.loads(state.read_text()) for state in states]


def run_cli(home: Home, pipeline: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", MAIN, "run", "--config", str(pipeline), "--phase", "selfplay"]
    environment = {**os.environ, "RINGRIFT_HOME": str(home.root)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("interrupts", [1, 2])
def test_ctrl_c_leaves_the_jobs_running_and_a_second_one_stops_them(home, pipeline, interrupts):
    pipeline.write_text(SLOW)
    process = run_cli(home, pipeline)
    try:
        deadline = time.monotonic() + 90
        while not any(home.root.glob("jobs-v1/*/out/*.parquet")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        for _ in range(interrupts):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        output, _ = process.communicate(timeout=60)
        running = [state for state in workers_of(home) if state["status"] == "running"]
        assert process.returncode == 1 and "Ctrl-C again within" in output
        if interrupts == 1:
            assert "detached: the jobs go on" in output and running
        else:
            assert "cancelled: the jobs were stopped" in output and not running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for state in workers_of(home):
            if state["status"] == "running":
                os.killpg(state["pid"], signal.SIGKILL)


def test_what_a_host_says_cannot_steer_the_terminal():
    console = Console(record=True, width=200, file=io.StringIO())
    with JobProgress(console) as shown:
        shown(JobEvent("failed", "selfplay_games-hex8_2p-0000-a-12345678", "liar", text="\x1b[2J\x1b]0;mine\x07gone"))
    text = console.export_text()
    assert "liar: failed. \\x1b[2J\\x1b]0;mine\\x07gone" in text and "\x1b" not in text
