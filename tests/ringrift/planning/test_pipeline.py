from pathlib import Path
from typing import get_args

import pytest

from ringrift.config import CONFIG_KEYS
from ringrift.errors import InvalidInput, MissingInput
from ringrift.planning.pipeline import Pipeline, load_pipeline
from ringrift.players.engines import ENGINE_MODES, EngineMode

CONFIG = Path(__file__).parents[3] / "config"


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def message(folder: Path, text: str, name: str = "mine.yaml") -> str:
    with pytest.raises(InvalidInput) as caught:
        load_pipeline(write(folder, text, name))
    return str(caught.value)


def test_the_file_and_the_defaults_are_the_same_documented_numbers():
    assert load_pipeline(CONFIG / "documented.yaml") == Pipeline()


def test_the_usual_pipeline_is_the_documented_one_and_games_of_the_strongest_player_to_learn_from():
    usual, documented = load_pipeline(CONFIG / "pipeline.yaml"), Pipeline()
    more = [job for job in usual.selfplay.jobs if job not in documented.selfplay.jobs]
    assert [job.config for job in more] == list(CONFIG_KEYS) and {job.engine for job in more} == {"champion"}
    assert len(usual.selfplay.jobs) == 22 + 9 and usual.training.sources == ["champion"] and usual.loop.growth == 2
    changed = {"selfplay", "training", "loop"}
    assert usual.model_dump(exclude=changed) == documented.model_dump(exclude=changed)


@pytest.mark.parametrize("path", sorted(CONFIG.glob("proof_*.yaml")), ids=lambda path: path.stem)
def test_the_files_of_the_proofs_load(path):
    assert load_pipeline(path).configs == [path.stem.removeprefix("proof_")]


def test_documented_jobs_are_22_with_365_games():
    jobs = Pipeline().selfplay.jobs
    assert len(jobs) == 22 and sum(job.games for job in jobs) == 365
    assert {job.config for job in jobs} == set(CONFIG_KEYS)
    assert all(job.name.startswith(job.config) for job in jobs)
    assert sum(matchup.games for matchup in Pipeline().evaluation.matchups) == 64


def test_engine_modes_are_those_of_the_registry():
    assert get_args(EngineMode) == ENGINE_MODES


def test_demo_is_small_and_loads():
    demo = load_pipeline(CONFIG / "demo.yaml")
    assert demo.configs == ["square8_2p"]
    assert sum(demo.scaled_games(job) for job in demo.selfplay.jobs) <= 2_500
    assert demo.cmaes.generations["square8_3p"] == 12, "a config left out keeps its documented number"


def test_games_scale_multiplies_and_leaves_at_least_one_game():
    small, large = Pipeline(games_scale=0.01), Pipeline(games_scale=10)
    job = small.jobs_of("square8_2p")[0]
    assert (small.scaled_games(job), large.scaled_games(job)) == (1, 400)


def test_json_is_read_too_and_hex_is_an_alias(tmp_path):
    pipeline = load_pipeline(write(tmp_path, '{"configs": ["hex_2p"], "games_scale": 2}', "mine.json"))
    assert pipeline.configs == ["hexagonal_2p"] and pipeline.games_scale == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("game_scale: 2", ["mine.yaml", "game_scale", "'games_scale'"]),
        ("gate: {max_block: 3}", ["mine.yaml", "gate", "max_block", "'max_blocks'"]),
        ("selfplay: {jobs: [{name: a, config: hex_2p, gamez: 3}]}", ["selfplay.jobs[0]", "gamez", "'games'"]),
        ("selfplay: {jobs: [{name: a, config: hex_2p, games: 3}]}", ["selfplay.jobs[0]", "missing key 'engine'"]),
        ("configs: [square9_2p]", ["configs[0]", "square9_2p", "square8_2p"]),
        ("training: {epochs: {square9_2p: 1}}", ["training.epochs", "square9_2p", "square8_2p"]),
        ("games_scale: '2'", ["games_scale", "'2'", "number"]),
        ("selfplay: {opening_plies: 7}", ["selfplay.opening_plies", "7", "6"]),
        ("games_scale: 1\ngames_scale: 2", ["mine.yaml", "duplicate key 'games_scale'"]),
        ("games_scale: [1", ["mine.yaml is not valid YAML"]),
        ("- 1", ["mine.yaml", "mapping"]),
        ("", ["mine.yaml", "mapping"]),
    ],
)
def test_a_bad_file_is_refused_with_file_key_and_remedy(tmp_path, text, parts):
    found = message(tmp_path, text)
    assert all(part in found for part in parts), found
    assert "\n" not in found


def test_job_names_are_unique(tmp_path):
    job = "{name: a, config: square8_2p, games: 3, engine: mixed}"
    assert "'a' stands twice" in message(tmp_path, f"selfplay: {{jobs: [{job}, {job}]}}")


def test_a_repeated_json_key_is_refused(tmp_path):
    assert "duplicate key 'games_scale'" in message(tmp_path, '{"games_scale": 1, "games_scale": 2}', "mine.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingInput, match=r"none\.yaml"):
        load_pipeline(tmp_path / "none.yaml")
