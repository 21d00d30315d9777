"""How a step ends when something goes wrong."""

import dagster as dg
import pytest

from ringrift.errors import InvalidInput
from ringrift_assets.runs.iteration import _error
from ringrift_assets.steps.partition import step_errors


def run(error: BaseException, times: int = 99) -> "tuple[dg.ExecuteInProcessResult, int]":
    """Run a step that raises `error` in its first `times` attempts; the result and the number of attempts."""
    attempts = 0

    @dg.asset
    def step() -> None:
        nonlocal attempts
        attempts += 1
        with step_errors():
            if attempts <= times:
                raise error

    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([step], instance=instance, raise_on_error=False), attempts


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("ringrift_assets.steps.partition.RETRY_DELAY_S", 0.01)


def test_an_error_of_ours_ends_the_step_at_once_with_its_own_words():
    result, attempts = run(InvalidInput("tier", "D3", "use D2"))
    assert attempts == 1 and _error(result) == "step: tier: 'D3' is not allowed; use D2"


def test_a_hiccup_of_the_system_is_tried_once_more():
    result, attempts = run(OSError("disk"), times=1)
    assert result.success and attempts == 2
    result, attempts = run(OSError("disk"))
    assert attempts == 2 and "disk" in (_error(result) or "")


def test_a_defect_is_not_tried_again():
    result, attempts = run(ZeroDivisionError("x"))
    assert attempts == 1 and "ZeroDivisionError" in (_error(result) or "")


def test_an_interrupted_run_ends_and_does_not_start_the_step_over():
    result, attempts = run(dg.DagsterExecutionInterruptedError())
    assert attempts == 1 and not result.success
    assert not any(event.is_step_up_for_retry for event in result.all_events)
