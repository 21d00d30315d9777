"""Games without training: a schedule that collects the next iteration of each config, so that data grow.

Off until somebody turns it on. A config goes on to its next iteration only when the newest one has its training set,
and never beyond `loop.max_iterations`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from resources.runtime import Runtime
from resources.store.partition_keys import open_iteration, partition_key
from resources.store.store import Store
from ringrift import names
from sensors.retraining import CONFIG_TAG, DATA, IN_PROGRESS, tick_message

JOB, FIRST_STEP = "collect", names.INCUMBENT
CRON = "0 * * * *"  # every hour


@dataclass(frozen=True, slots=True)
class CollectState:
    """A config's newest iteration (None: none yet), whether its training set is there, and a run in progress."""

    config: str
    newest: int | None = None
    collected: bool = False
    going: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """Partitions to collect as (config, iteration), and for each other config one line that says why not."""

    collect: list[tuple[str, int]]
    waiting: list[str]


def plan_collection(states: Iterable[CollectState], max_iterations: int) -> CollectionPlan:
    """The next iteration of each config, or the newest one again if it was not collected to its end."""
    decision = CollectionPlan([], [])
    for state in states:
        iteration = 0 if state.newest is None else state.newest + state.collected
        if state.going:
            decision.waiting.append(f"{state.config}: run {state.going} is at work")
        elif iteration >= max_iterations:
            decision.waiting.append(f"{state.config}: all {max_iterations} iterations are collected")
        else:
            decision.collect.append((state.config, iteration))
    return decision


def state_of(store: Store, instance: dg.DagsterInstance, config: str) -> CollectState:
    """A config as the store and the instance know it."""
    begun = store.upto(FIRST_STEP, config, names.LAST_ITERATION)
    if not begun:
        newest, collected = None, False
    else:
        newest = begun[-1].iteration
        made = store.get(DATA, config, newest)
        collected = made is not None and not made.missing
    runs = instance.get_runs(dg.RunsFilter(tags={CONFIG_TAG: config}, statuses=IN_PROGRESS), limit=1)
    return CollectState(config, newest, collected, runs[0].run_id[:8] if runs else None)


@dg.schedule(
    job_name=JOB,
    cron_schedule=CRON,
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Opens the next iteration of every config and collects it: selfplay games and training set.",
)
def collecting(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """Works on the home and pipeline of this process; a tick without a request says why for each config."""
    runtime = Runtime()
    states = [state_of(runtime.store, context.instance, key) for key in runtime.pipeline.configs]
    decision = plan_collection(states, runtime.pipeline.loop.max_iterations)
    if not decision.collect:
        return dg.SkipReason(tick_message(decision.waiting))
    requests = []
    for config, iteration in decision.collect:
        open_iteration(context.instance, iteration)
        requests.append(dg.RunRequest(run_key=None, partition_key=partition_key(config, iteration)))
    return requests
