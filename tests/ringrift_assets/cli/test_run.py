"""`ringrift run`: whole iterations, single phases, going on, starting over."""

import json
import os
import re
import socket
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from resources.store.home import REPOSITORY, Home
from resources.store.phases import PHASES
from resources.store.record import StoreDamaged
from resources.store.store import Store
from resources.views.state import rebuild_state, state_path
from ringrift.errors import InvalidInput, MissingInput
from ringrift_assets.cli import status as cli_status
from ringrift_assets.cli import verbs as cli
from ringrift_assets.definitions import ITERATION
from ringrift_assets.devtools.webserver import environment
from ringrift_assets.runs import iteration
from tests.ringrift_assets.conftest import CONFIG, PIPELINE

TWO_CONFIGS = """
configs: [hex8_2p, hex8_3p]
selfplay:
  min_games: 2
  jobs:
    - {name: two, config: hex8_2p, engine: random-only, games: 3}
    - {name: three, config: hex8_3p, engine: random-only, games: 2}
evaluation:
  anchor_blocks: 1
  matchups:
    - {first: Random_D1, second: Heuristic_D2, config: hex8_2p, games: 2}
    - {first: NN_D5, second: NN_D6, config: hex8_2p, games: 10}
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
search: {decision_ms: 0.5}
cmaes:
  {population: 4, games_per_evaluation: 2, replicas: 1, proofs: 1, panel: [],
   generations: {hex8_2p: 1, hex8_3p: 1}}
training: {min_games: {hex8_2p: 1000, hex8_3p: 1000}}
gate: {min_blocks: 2, max_blocks: 2}
tiers: {ladder: [D2]}
polling: {first_s: 0.1, interval_s: 0.3}
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(PIPELINE)
    return path


def ringrift(*arguments: object) -> "tuple[int, str]":
    app = Typer()
    cli_status.register(app)
    cli.register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


def outcomes(text: str) -> list[dict]:
    return json.loads(text.splitlines()[-1])["outcomes"]


def digests(text: str) -> dict[str, str]:
    return {
        f"{outcome['config']} {outcome['iteration']} {asset}": record["content_digest"]
        for outcome in outcomes(text)
        for asset, record in outcome["records"].items()
    }


def one_after_the_other(work, tasks, at_once, progress, control) -> list:
    return [work(task, progress, control) for task in tasks]


@pytest.mark.slow
def test_two_iterations_of_two_configs_twice_have_equal_digests_and_play_nothing_the_second_time(home, tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(TWO_CONFIGS)
    run = ("run", "--config", path, "-c", "hex8_2p,hex8_3p", "--iterations", 2, "--json")
    with pytest.MonkeyPatch.context() as patch:  # first one config after the other, here; then each in a process
        patch.setattr(iteration, "run_in_processes", one_after_the_other)
        code, first = ringrift(*run)
    assert code == 0 and len(digests(first)) == 2 * 2 * len(ITERATION)
    jobs = {folder.name for folder in (home.root / "jobs-v1").iterdir()}
    code, second = ringrift(*run)
    assert code == 0 and digests(second) == digests(first)
    assert all(set(outcome["reused"].values()) == {True} for outcome in outcomes(second))
    assert {folder.name for folder in (home.root / "jobs-v1").iterdir()} == jobs
    code, text = ringrift("run", "--config", path)
    assert code == 0 and "=== Iteration 0 Complete ===" in text and "=== Elo Leaderboard (hex8_2p) ===" in text
    assert "Selfplay:    {'dispatched': 2, 'total': 2}" in text and "'Random1_vs_Heuristic2_Hex8': " in text
    assert re.search(r"=== Resource Usage ===\n  local: CPU=\d+%, MEM=\d+%, DISK=\d+%, GPU=\d+%\n", text)
    code, text = ringrift("leaderboard", "-c", "hex8_3p", "--top", 2, "--json")
    assert code == 0 and [len(rows) for rows in json.loads(text).values()] == [2]
    code, text = ringrift("status")
    assert code == 0 and "iteration 1, phase complete" in text


def test_phases_one_by_one_make_what_they_are_for(home, pipeline):
    made = []
    for phase in PHASES:
        code, text = ringrift("run", "--config", pipeline, "--phase", phase, "--json")
        assert code == 0, text
        made.append(set(outcomes(text)[0]["records"]))
        state = json.loads(state_path(home).read_text())
        assert state["phase_completed"][phase]
    assert made == [
        {"incumbent", "selfplay_games"},
        {"training_db"},
        {"cmaes_profile"},
        {"trained_model"},
        {"heuristic_profiles"},
        {"tournament_games", "elo_ratings"},
        {"tier_assignment"},
    ]
    assert json.loads(state_path(home).read_text())["phase"] == "iteration_report"
    code, text = ringrift("run", "--config", pipeline, "--phase", "parity-validation")
    assert code == 0 and f"{CONFIG}|0000: 9 of 9 games replay exactly" in text
    code, text = ringrift("run", "--config", pipeline, "--resume", "--json")
    assert code == 0 and set(outcomes(text)[0]["records"]) == {"iteration_report"}, "the report was all that was left"
    code, text = ringrift("run", "--config", pipeline, "--resume")
    assert code == 0 and "nothing to resume: iterations 0 to 0 are complete" in text


def test_a_phase_whose_input_is_missing_says_what_to_do_and_exits_with_1(home, pipeline):
    code, text = ringrift("run", "--config", pipeline, "--phase", "tier-gating")
    assert code == 1 and "incumbent hex8_2p|0000 is not in" in text
    with pytest.raises(MissingInput, match="ringrift run --phase sync"):
        ringrift("run", "--config", pipeline, "--phase", "parity-validation")


def test_resuming_skips_what_is_complete_and_goes_on_in_the_next_iteration(home, finished_home, pipeline):
    copy_to(finished_home, home)
    store = Store(home.store)
    for asset in ("elo_ratings", "tier_assignment", "iteration_report"):
        (store.folder(asset, CONFIG, 1) / "partition.json").unlink()
    code, text = ringrift("run", "--config", pipeline, "--iterations", 2, "--resume", "--dry-run", "--json")
    [plan] = json.loads(text)["dry_run"]
    expected = ["tournament_games", "elo_ratings", "tier_assignment", "iteration_report"]
    assert (plan["iteration"], plan["assets"]) == (1, expected)
    code, text = ringrift("run", "--config", pipeline, "--iterations", 2, "--resume", "--json")
    [outcome] = outcomes(text)
    assert code == 0 and outcome["iteration"] == 1 and list(outcome["reused"]) == expected
    assert outcome["reused"]["tournament_games"] and not outcome["reused"]["elo_ratings"]


def copy_to(source: Home, target: Home) -> None:
    import shutil

    shutil.copytree(source.root, target.root, dirs_exist_ok=True)


def test_starting_over_keeps_the_old_store_beside_the_new_one(home, finished_home, pipeline):
    copy_to(finished_home, home)
    before = rebuild_state(home)
    code, _ = ringrift("run", "--config", pipeline, "--phase", "selfplay", "--fresh", "--json")
    assert code == 0
    [old] = home.root.glob("store-*")
    assert len(list(old.glob("*/*/*/partition.json"))) == 2 * len(ITERATION)
    after = json.loads(state_path(home).read_text())
    assert (before["iteration"], after["iteration"]) == (1, 0) and after["elo_ratings"] == {}


def test_the_state_file_is_written_where_it_is_wanted_too(home, finished_home, pipeline, tmp_path):
    copy_to(finished_home, home)
    wanted = tmp_path / "deep" / "mine.json"
    code, _ = ringrift("run", "--config", pipeline, "--resume", "--iterations", 2, "--state-path", wanted)
    assert code == 0 and not wanted.exists(), "nothing was run"
    code, _ = ringrift("run", "--config", pipeline, "--phase", "tier-gating", "--state-path", wanted)
    assert code == 0 and wanted.read_text() == state_path(home).read_text()
    wanted.write_text("{")
    with pytest.raises(StoreDamaged, match=r"mine.json does not parse; move it aside"):
        ringrift("run", "--config", pipeline, "--state-path", wanted)


def test_the_resources_phase_shows_every_host_and_the_leaderboards(home, finished_home, pipeline):
    copy_to(finished_home, home)
    code, text = ringrift("run", "--config", pipeline, "--phase", "resources")
    lines = text.splitlines()
    assert code == 0 and lines[0] == "=== Resource Usage ==="
    assert re.fullmatch(r"  local: CPU=\d+%, MEM=\d+%, DISK=\d+%, GPU=\d+%", lines[1])
    assert f"=== Elo Leaderboard ({CONFIG}) ===" in lines
    code, text = ringrift("run", "--phase", "resources", "--json")
    assert code == 0 and set(json.loads(text)["hosts"]) == {"local"}


def test_a_dry_run_shows_the_matches_of_the_chosen_phase_only(home, pipeline):
    code, text = ringrift("run", "--config", pipeline, "--phase", "evaluation", "--dry-run")
    assert code == 0 and "hex8_2p|0000: 0 games in 0 jobs on local" in text
    assert "round_robin: 12 games (its id is known after heuristic_profiles|0000)" in text
    assert "skipped Heuristic_D5_vs_NN_D6: the engine NN is not available" in text
    assert not list(home.store.iterdir())


@pytest.mark.parametrize("options", [("--fresh",), ("--phase", "sync")])
def test_options_that_contradict_each_other_are_refused(home, pipeline, options):
    with pytest.raises(InvalidInput, match=r"--resume.*use one of them"):
        ringrift("run", "--config", pipeline, "--resume", *options)


def test_a_config_without_partitions_is_refused_with_what_gives_it_some(home, pipeline, monkeypatch):
    monkeypatch.setenv("RINGRIFT_EXTRA_CONFIGS", "hex8_3p")
    with pytest.raises(InvalidInput, match=r"hex8_2p is for tests .* RINGRIFT_EXTRA_CONFIGS=hex8_3p,hex8_2p"):
        ringrift("run", "--config", pipeline)


def test_a_port_that_is_taken_is_told_before_anything_starts(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"--port: nothing can listen on port {port} .* use another port"):
            ringrift("ui", "--port", port)


@pytest.mark.parametrize("name", ["folder", "pipe", "/dev/zero", "file/below"])
def test_a_state_file_that_is_no_file_is_refused(home, pipeline, tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="--state-path"):
        ringrift("run", "--config", pipeline, "--phase", "selfplay", "--state-path", tmp_path / name)


def test_files_that_variables_name_are_told_to_the_web_server_in_full(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGRIFT_HOSTS", "mine.yaml")
    monkeypatch.setenv("RINGRIFT_KNOWN_HOSTS", "~/known")
    told = environment(home)
    assert told["RINGRIFT_HOSTS"] == str(tmp_path / "mine.yaml")
    assert told["RINGRIFT_KNOWN_HOSTS"] == str(Path("~/known").expanduser())
    assert told["RINGRIFT_HOME"] == str(home.root) and "RINGRIFT_DAGSTER_CONFIG" not in told


def test_a_database_that_cannot_be_used_is_one_line_with_its_variable(home, tmp_path):
    instance = home.dagster / "dagster.yaml"
    instance.write_text((REPOSITORY / "config" / "dagster.postgres.yaml").read_text())
    with pytest.raises(InvalidInput, match=r"^DAGSTER_PG_\w+ is not set; set it"):
        iteration.open_instance(home)
    instance.write_text("storage: {custom: {module: nowhere, class: Nothing}}")
    with pytest.raises(InvalidInput, match=r"^Dagster's records cannot be opened: .*DAGSTER_PG_HOST") as caught:
        iteration.open_instance(home)
    assert "\n" not in str(caught.value)
