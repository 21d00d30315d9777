"""The composition root: assets, checks, jobs and resources of the one code location."""

from collections.abc import Mapping, Sequence

import dagster as dg

from resources.hosts.dagster_resources import host_resources
from resources.runtime import Runtime
from resources.store.phases import STEP_TABLE, Step
from ringrift import names
from ringrift_assets.assets import ASSETS
from ringrift_assets.steps.checks import CHECKS
from sensors.collecting import collecting
from sensors.reaper import reaper
from sensors.retraining import retraining
from sensors.schedules import measure_hosts

RESOURCES = (names.WORKER_RESOURCES,)
SENSORS, SCHEDULES = (reaper, retraining), (collecting, measure_hosts)

JOB_TEXTS = {
    "collect": "Play an iteration's games and make its training set.",
    "improve": "Tune the heuristic, train a network, play matches, rate the players, judge them, report.",
    "iteration": "A whole iteration of a config: collect, then improve.",
    "resources": "Measure the utilization of every host.",
}


def jobs_of(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """Job name → its assets, for an iteration of these steps."""
    collect = tuple(step.asset for step in steps if step.job == "collect")
    improve = tuple(step.asset for step in steps if step.job == "improve")
    return {
        "collect": collect,
        # With the incumbent again: it may have been made before the verdict of an iteration that was judged since.
        "improve": (names.INCUMBENT, *improve),
        "iteration": collect + improve,
        "resources": RESOURCES,
    }


JOBS = jobs_of(STEP_TABLE)
COLLECT, ITERATION = JOBS["collect"], JOBS["iteration"]


def job_of(runtime: Runtime, assets: Sequence[str]) -> dg.JobDefinition:
    """The job that makes just these assets of a partition, on `runtime`; it bears the name of the job they are of.

    Dagster lets a run choose its assets or its resources, not both, so each run gets definitions of its own.
    """
    name = next((name for name, wanted in JOBS.items() if set(wanted) == set(assets)), "iteration")
    return definitions_of(runtime, ASSETS, {name: tuple(assets)}).resolve_job_def(name)


def definitions_of(
    runtime: Runtime,
    assets: Sequence[dg.AssetsDefinition],
    jobs: Mapping[str, Sequence[str]],
    sensors: Sequence[dg.SensorDefinition] = (),
    schedules: Sequence[dg.ScheduleDefinition] = (),
) -> dg.Definitions:
    """A code location of some assets and jobs (name → assets), which work with `runtime`."""
    return dg.Definitions(
        assets=assets,
        asset_checks=CHECKS,
        jobs=[
            dg.define_asset_job(name, selection=dg.AssetSelection.assets(*wanted), description=JOB_TEXTS[name])
            for name, wanted in jobs.items()
        ],
        sensors=sensors,
        schedules=schedules,
        resources={"runtime": runtime, **host_resources()},
        executor=dg.in_process_executor,  # runs mostly poll; the work is in the hosts' own processes
    )


defs = definitions_of(Runtime(), ASSETS, JOBS, SENSORS, SCHEDULES)
