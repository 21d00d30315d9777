"""What is cleaned up: jobs of canceled runs, runs whose process is gone."""

from dataclasses import replace

import pytest

from resources.runner.index import JobView
from resources.runner.reaper import (
    Cleanup,
    RunFacts,
    plan_cleanup,
)

PLACE = ("square8_2p", 0)
RUN = RunFacts("r", "canceled", 100.0, PLACE, frozenset({"selfplay_games", "training_db"}))
JOB = JobView("j", "selfplay_games", *PLACE, "running", "here", 1, 0, 9, 1.0, None, None, "/j")


def unknown(run: RunFacts) -> None:
    return None


def test_a_running_job_of_a_canceled_run_is_cancelled():
    assert plan_cleanup([RUN], [JOB], unknown) == Cleanup(["j"], [])


@pytest.mark.parametrize(
    ("runs", "job"),
    [
        pytest.param([], JOB, id="no run is known"),
        pytest.param([replace(RUN, status="going")], JOB, id="its run goes on"),
        pytest.param([replace(RUN, status="ended")], JOB, id="it was left running on purpose"),
        pytest.param([RUN, replace(RUN, id="n", created=200.0, status="going")], JOB, id="a newer run attached to it"),
        pytest.param([RUN, replace(RUN, id="n", created=200.0, status="ended")], JOB, id="a newer run left it running"),
        pytest.param([RUN], replace(JOB, status="done"), id="it is done"),
        pytest.param([RUN], replace(JOB, iteration=1), id="another iteration"),
        pytest.param([RUN], replace(JOB, config="square8_3p"), id="another config"),
        pytest.param([RUN], replace(JOB, asset="tournament_games"), id="an asset the canceled run does not make"),
    ],
)
def test_a_job_is_left_alone_unless_the_newest_run_of_it_was_canceled(runs, job):
    assert plan_cleanup(runs, [job], unknown).cancel == []
    assert plan_cleanup(list(reversed(runs)), [job], unknown).cancel == []


def test_a_run_is_failed_only_when_its_process_is_known_to_be_gone():
    going = [replace(RUN, id=name, status="going") for name in ("dead", "living", "unknown")]
    lives = {"dead": False, "living": True, "unknown": None}
    assert plan_cleanup(going, [], lambda run: lives[run.id]) == Cleanup([], ["dead"])
    assert plan_cleanup([RUN], [], lambda run: False) == Cleanup([], []), "a run that has ended stays as it is"
