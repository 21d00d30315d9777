"""When a training is asked for: the decision as a function, then on a real instance with a real store."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from resources.store.home import Home
from resources.store.partition_keys import open_iteration
from resources.store.record import NewVersion
from resources.store.store import Store
from ringrift_assets.definitions import defs
from sensors.retraining import CONFIG_TAG, ConfigState, plan_retraining, retraining
from tests.resources.model_makers import put_model, put_no_model

CONFIG = "square8_2p"
READY = ConfigState(CONFIG, min_games=100, collected=3, games=1200, trained=1, trained_games=700)


def reason(state: ConfigState) -> str:
    decision = plan_retraining([state], new_games=500, tries=3)
    assert decision.requests == []
    [line] = decision.waiting
    return line


# --- the decision -------------------------------------------------------------------------------------------


def test_a_config_with_enough_new_games_is_trained_at_its_newest_iteration_with_a_key_of_the_count():
    [request] = plan_retraining([READY], new_games=500, tries=3).requests
    assert (request.config, request.iteration, request.run_key) == (CONFIG, 3, "retrain:square8_2p:1200:1")
    assert plan_retraining([READY], new_games=500, tries=3) == plan_retraining([READY], new_games=500, tries=3)


def test_the_first_model_needs_its_own_games_as_well():
    first = ConfigState(CONFIG, min_games=100, collected=0, games=100)
    assert plan_retraining([first], new_games=50, tries=3).requests
    assert reason(first) == "square8_2p: 100 of 500 new games"
    assert reason(replace(first, games=99)) == "square8_2p: 99 of 100 games for a first model"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        pytest.param(ConfigState(CONFIG, 100), "no training set yet", id="an empty store"),
        pytest.param(replace(READY, games=1199), "499 of 500 new games", id="too few new games"),
        pytest.param(replace(READY, trained=3), "iteration 3 is trained already", id="it has a model"),
        pytest.param(replace(READY, going="abc"), "run abc is at work", id="a run is at work"),
        pytest.param(replace(READY, ended=("a", "b", "c")), "ended without a model, last c", id="it failed too often"),
        pytest.param(replace(READY, games=600), "-100 of 500 new games", id="games were taken out"),
    ],
)
def test_the_line_says_why_nothing_is_asked_for(state, why):
    assert why in reason(state)


def test_a_training_that_failed_is_asked_for_again_under_another_key():
    [again] = plan_retraining([replace(READY, ended=("a",))], new_games=500, tries=3).requests
    assert again.run_key == "retrain:square8_2p:1200:2"


def test_configs_do_not_wait_for_each_other():
    decision = plan_retraining([ConfigState("square8_3p", 100), READY], new_games=500, tries=3)
    assert [r.config for r in decision.requests] == [CONFIG] and decision.waiting == ["square8_3p: no training set yet"]


# --- on an instance -----------------------------------------------------------------------------------------


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        for iteration in range(3):
            open_iteration(instance, iteration)
        yield instance


@pytest.fixture
def tick(instance: dg.DagsterInstance, home: Home, tmp_path: Path, monkeypatch) -> Callable[[], object]:
    """One tick of the sensor, as the daemon evaluates it, on one config that needs 10 new games."""
    path = tmp_path / "pipeline.yaml"
    path.write_text("configs: [square8_2p]\ntraining: {min_games: {square8_2p: 5}}\nretrain: {new_games: 10}\n")
    monkeypatch.setenv("RINGRIFT_PIPELINE", str(path))

    def evaluate():
        with (
            dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context,
            partition_loading_context(dynamic_partitions_store=instance),  # as in Dagster's code server
        ):
            return retraining.evaluate_tick(context)

    return evaluate


def collect(store: Store, iteration: int, games: int) -> None:
    """A training set with so many games."""
    with (
        store.claim("training_db", CONFIG, iteration, run="t"),
        store.draft("training_db", CONFIG, iteration) as folder,
    ):
        new = NewVersion(
            code_version="test",
            content_digest=f"{games:064x}",
            inputs_digest="0" * 64,
            rows=games,
            data={},
            provenance={},
        )
        store.commit(folder, "training_db", CONFIG, iteration, new)


def make_run(instance: dg.DagsterInstance, tags: dict[str, str], job: str = "improve") -> dg.DagsterRun:
    return instance.create_run_for_job(defs.resolve_job_def(job), tags={CONFIG_TAG: CONFIG, **tags})


def test_games_add_up_over_iterations_until_one_run_is_asked_for(tick, store):
    assert tick().skip_message == "square8_2p: no training set yet"
    collect(store, 0, 6)
    assert tick().skip_message == "square8_2p: 6 of 10 new games"
    collect(store, 1, 5)
    [request] = tick().run_requests
    assert request.partition_key == "square8_2p|0001" and request.run_key == "retrain:square8_2p:11:1"
    assert request.tags["dagster/partition/config"] == CONFIG and request.tags["ringrift/retrain"] == "square8_2p:11"


def test_an_iteration_that_only_the_store_knows_is_made_known_before_it_is_asked_for(tick, store, instance):
    collect(store, 7, 12)
    [request] = tick().run_requests
    assert request.partition_key == "square8_2p|0007" and "0007" in instance.get_dynamic_partitions("iteration")


def test_a_failed_training_keeps_its_trigger_and_a_finished_one_uses_it_up(tick, store, instance):
    collect(store, 0, 12)
    for attempt in (1, 2, 3):
        [request] = tick().run_requests
        assert request.run_key == f"retrain:square8_2p:12:{attempt}"
        run = make_run(instance, dict(request.tags))
        assert f"run {run.run_id[:8]} is at work" in tick().skip_message
        instance.report_run_failed(run)
    assert f"3 runs at 12 games ended without a model, last {run.run_id[:8]}" in tick().skip_message
    put_model(store, 0, seed=1, have=12)
    assert "iteration 0 is trained already" in tick().skip_message
    collect(store, 1, 9)
    assert tick().skip_message == "square8_2p: 9 of 10 new games"
    put_no_model(store, 1)
    collect(store, 2, 1)
    assert tick().run_requests[0].partition_key == "square8_2p|0002", "no model was trained at 1, its games count"


def test_a_run_that_judges_another_iteration_is_waited_for_and_one_that_collects_is_not(tick, store, instance):
    collect(store, 1, 12)
    collecting = make_run(instance, {"dagster/partition": "square8_2p|0002"}, "collect")
    assert tick().run_requests, "the games of the next iteration may be played meanwhile"
    judging = make_run(instance, {"dagster/partition": "square8_2p|0000"})
    assert f"run {judging.run_id[:8]} is at work" in tick().skip_message
    for run in (collecting, judging):
        instance.report_run_canceled(run)
    assert tick().run_requests


def test_it_is_off_until_somebody_turns_it_on():
    found = defs.get_repository_def().get_sensor_def("retraining")
    assert found.default_status == dg.DefaultSensorStatus.STOPPED
    assert [target.job_name for target in found.targets] == ["improve"]
