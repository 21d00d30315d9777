"""The composition root: assets, checks, jobs and resources of the one code location."""

from collections.abc import Mapping, Sequence

import dagster as dg

from resources.hosts.dagster_resources import host_resources
from resources.runtime import Runtime
from ringrift_assets.assets import ASSETS
from ringrift_assets.steps.checks import CHECKS
from sensors.collecting import collecting
from sensors.reaper import reaper
from sensors.retraining import retraining
from sensors.schedules import measure_hosts

COLLECT = ("incumbent", "selfplay_games", "training_db")
IMPROVE = (
    "cmaes_profile",
    "trained_model",
    "heuristic_profiles",
    "tournament_games",
    "elo_ratings",
    "tier_assignment",
    "iteration_report",
)
ITERATION = COLLECT + IMPROVE
RESOURCES = ("worker_resources",)
SENSORS, SCHEDULES = (reaper, retraining), (collecting, measure_hosts)

JOBS = {
    "collect": (COLLECT, "Play an iteration's games and make its training set."),
    # With the incumbent again: it may have been made before the verdict of an iteration that has been judged since.
    "improve": (
        ("incumbent", *IMPROVE),
        "Tune the heuristic, train a network, play matches, rate the players, decide who is in force, report.",
    ),
    "iteration": (ITERATION, "A whole iteration of a config: collect, then improve."),
    "resources": (RESOURCES, "Measure how busy every host is."),
}
"""Job name → its assets and what it does."""


def job_of(runtime: Runtime, assets: Sequence[str]) -> dg.JobDefinition:
    """The job that makes just these assets of a partition, on `runtime`; it bears the name of the job they are of.

    Dagster lets a run choose its assets or its resources, not both, so each run gets definitions of its own.
    """
    name = next((name for name, (wanted, _) in JOBS.items() if set(wanted) == set(assets)), "iteration")
    return _definitions(runtime, {name: (tuple(assets), JOBS[name][1])}).resolve_job_def(name)


def _definitions(
    runtime: Runtime,
    jobs: Mapping[str, tuple[tuple[str, ...], str]],
    sensors: Sequence[dg.SensorDefinition] = (),
    schedules: Sequence[dg.ScheduleDefinition] = (),
) -> dg.Definitions:
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=[
            dg.define_asset_job(name, selection=dg.AssetSelection.assets(*assets), description=text)
            for name, (assets, text) in jobs.items()
        ],
        sensors=sensors,
        schedules=schedules,
        resources={"runtime": runtime, **host_resources()},
        executor=dg.in_process_executor,  # runs mostly poll; the work is in the hosts' own processes
    )


defs = _definitions(Runtime(), JOBS, SENSORS, SCHEDULES)
