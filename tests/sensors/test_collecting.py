"""The schedule that lets data grow: one iteration after the other, never past the bound."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from resources.store.home import Home
from resources.store.partition_keys import ITERATIONS_NAME
from ringrift_assets.definitions import defs
from ringrift_assets.runs.iteration import open_instance
from sensors.collecting import CollectState, collecting, plan_collection
from tests.resources.model_makers import put_record
from tests.resources.sample_contents import sample
from tests.sensors.test_retraining import CONFIG, collect, make_run


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        pytest.param(CollectState(CONFIG), [(CONFIG, 0)], id="an empty store begins"),
        pytest.param(CollectState(CONFIG, 0, True), [(CONFIG, 1)], id="the next one"),
        pytest.param(CollectState(CONFIG, 1, False), [(CONFIG, 1)], id="the same one again, if it is not whole"),
        pytest.param(CollectState(CONFIG, 1, False, "abc"), [], id="while somebody works on it"),
        pytest.param(CollectState(CONFIG, 2, True), [], id="never beyond the bound"),
    ],
)
def test_which_iteration_is_collected_next(state, wanted):
    decision = plan_collection([state], max_iterations=3)
    assert decision.collect == wanted and bool(decision.waiting) is not bool(wanted)


@pytest.fixture
def tick(home: Home, tmp_path: Path, monkeypatch) -> Callable[[dg.DagsterInstance], object]:
    path = tmp_path / "pipeline.yaml"
    path.write_text("configs: [square8_2p]\nloop: {max_iterations: 2}\n")
    monkeypatch.setenv("RINGRIFT_PIPELINE", str(path))

    def evaluate(instance: dg.DagsterInstance):
        at = datetime(2026, 1, 1, tzinfo=UTC)
        with (
            dg.build_schedule_context(instance, at, repository_def=defs.get_repository_def()) as context,
            partition_loading_context(dynamic_partitions_store=instance),  # as in Dagster's code server
        ):
            return collecting.evaluate_tick(context)

    return evaluate


def test_iterations_open_as_their_predecessors_are_collected(tick, store, home):
    with open_instance(home) as instance:
        for iteration in (0, 1):
            [request] = tick(instance).run_requests
            assert request.partition_key == f"square8_2p|{iteration:04d}"
            put_record(store, "incumbent", CONFIG, iteration, sample("incumbent"))
            assert tick(instance).run_requests[0].partition_key == f"square8_2p|{iteration:04d}", "not collected yet"
            run = make_run(instance, {"dagster/partition": f"square8_2p|{iteration:04d}"}, "collect")
            assert tick(instance).skip_message == f"square8_2p: run {run.run_id[:8]} is at work"
            instance.report_run_failed(run)
            collect(store, iteration, 3)
        assert tick(instance).skip_message == "square8_2p: all 2 iterations are collected"
        assert instance.get_dynamic_partitions(ITERATIONS_NAME) == ["0000", "0001"]


def test_it_is_off_until_somebody_turns_it_on():
    found = defs.get_repository_def().get_schedule_def("collecting")
    assert found.default_status == dg.DefaultScheduleStatus.STOPPED and found.job_name == "collect"
