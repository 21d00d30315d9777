"""Running iterations from the command line, on the same instance and store as the web server."""

import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance import InstanceRef

from resources.runner.events import Control, JobEvent
from resources.runner.reaper import fail_dead_runs
from resources.runner.run_process import run_tags
from resources.runtime import Runtime, Where
from resources.store.contents.base import C, content_of
from resources.store.home import INSTANCE_VARIABLE, Home
from resources.store.partition_keys import open_iteration, partition_key
from resources.store.phases import COUNTED, STEPS
from resources.store.record import Record
from resources.views.status import RESOURCES_PLACE
from ringrift.errors import InvalidInput, RingRiftError
from ringrift_assets.definitions import RESOURCES, job_of
from ringrift_assets.runs.processes import run_in_processes

LOOK_S = 0.1  # Ctrl-C is looked for so often
RUNS_AT_ONCE = 3  # a run mostly polls: several keep the work slots busy when a config has few jobs
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}  # the terminal has its own display
NO_CAPTURE = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


@dataclass(slots=True)
class PartitionOutcome:
    """What happened to one config in one iteration. `records` and `reused` are by asset."""

    config: str
    iteration: int
    run: str
    ok: bool
    wall_s: float
    error: str | None = None
    records: dict[str, Record] = field(default_factory=dict)
    reused: dict[str, bool] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)

    def content(self, kind: type[C]) -> C | None:
        """What an asset holds, by the type of its content; None if it was not made. Raises StoreDamaged."""
        record = self.records.get(kind.ASSET)
        return content_of(record, kind) if record else None

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        records = {asset: record.model_dump(mode="json") for asset, record in self.records.items()}
        return {**asdict(self), "records": records}


@dataclass(frozen=True, slots=True)
class PartitionTask:
    """One config of one iteration to run, possibly in another process."""

    config: str
    iteration: int
    pipeline_path: Path | None
    home: Path
    games_scale: float | None
    allow_fewer_rows: bool
    assets: tuple[str, ...]
    where: Where = field(default_factory=Where)


def run_iteration(
    config_keys: Sequence[str],
    iteration: int,
    pipeline_path: Path | None = None,
    home: Home | None = None,
    progress: Callable[[JobEvent], None] = lambda event: None,
    *,
    games_scale: float | None = None,
    allow_fewer_rows: bool = False,
    control: Control | None = None,
    assets: Sequence[str] | Mapping[str, Sequence[str]] = STEPS,
    where: Where | None = None,
) -> list[PartitionOutcome]:
    """Materialize `assets` for some configs of an iteration, a few at once; one outcome each, in their order.

    `assets` are those of every config (default: the whole iteration), or a mapping that says it for each.
    Uses the persistent instance of the home (default: RINGRIFT_HOME, else ./var), so the web server shows the
    runs. `where` says which hosts may be used. What is up to date is not made again. A failed config does not stop
    the others; somebody asking to detach or cancel through `control` does.
    """
    home = (home or Home()).prepare()
    control = control or Control()
    runtime = Runtime(home, pipeline_path, games_scale=games_scale, listener=progress, control=control)
    _ = runtime.pipeline  # a mistake in the file is told before anything starts
    runtime.remember()
    with open_instance(home) as instance:
        fail_dead_runs(instance)
        open_iteration(instance, iteration, *runtime.store.iterations())  # the instance may be newer than the store
    wanted = assets if isinstance(assets, Mapping) else dict.fromkeys(config_keys, assets)
    tasks = [
        PartitionTask(
            key,
            iteration,
            pipeline_path,
            home.root,
            games_scale,
            allow_fewer_rows,
            tuple(wanted[key]),
            where or Where(),
        )
        for key in config_keys
    ]
    if len(tasks) == 1:
        outcomes = [run_partition(tasks[0], progress, control)]
    else:
        outcomes = run_in_processes(run_partition, tasks, RUNS_AT_ONCE, progress, control)
    return [outcome for outcome in outcomes if outcome]


def run_resources(home: Home, where: Where | None = None) -> Record:
    """Measure how busy every host is, as a run of the home's instance; returns what was stored.

    Raises RingRiftError with the words of the step if it failed.
    """
    runtime = Runtime(home.prepare(), where=where)
    with open_instance(home) as instance, run_tags(instance) as tags:
        result = job_of(runtime, RESOURCES).execute_in_process(
            instance=instance,
            tags=tags,
            run_config={"loggers": QUIET},
            raise_on_error=False,
        )
    if error := _error(result):
        raise RingRiftError(error)
    return runtime.store.need(*RESOURCES_PLACE)


def open_instance(home: Home) -> dg.DagsterInstance:
    """The home's persistent Dagster instance; use it in a `with`.

    Its runs keep the terminal: capturing compute logs would take stdout and stderr from the display, through helper
    processes that Ctrl-C ends with a traceback. Runs of the web server capture theirs as dagster.yaml says.
    Raises InvalidInput when dagster.yaml is damaged, a variable it names is not set, or its database does not answer.
    """
    os.environ["DAGSTER_HOME"] = str(home.dagster)  # dagster.yaml names it
    logging.disable(logging.WARNING)  # a line for each retry of a connection
    try:
        return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=NO_CAPTURE))
    except Exception as error:  # each storage has its own
        if unset := re.findall(r'environment variable "(\w+)"', str(error)):
            raise InvalidInput("", None, "set it, dagster.yaml names it", problem=f"{unset[0]} is not set") from error
        remedy = (
            f"see {INSTANCE_VARIABLE}, DAGSTER_PG_HOST and the other DAGSTER_PG_ variables, and that the server runs"
        )
        problem = f"Dagster's records cannot be opened: {str(error).strip().splitlines()[0][:300]}"
        raise InvalidInput("", None, remedy, problem=problem) from error
    finally:
        logging.disable(logging.NOTSET)


def run_partition(
    task: PartitionTask, progress: Callable[[JobEvent], None], control: Control
) -> PartitionOutcome | None:
    """Materialize the task's assets of one partition; None if somebody asked to stop before it began."""
    if control.asked:
        return None
    home = Home(task.home)
    runtime = Runtime(
        home, task.pipeline_path, games_scale=task.games_scale, listener=progress, control=control, where=task.where
    )
    with open_instance(home) as instance, run_tags(instance) as tags:
        return _materialize(instance, runtime, task, tags)


def _materialize(
    instance: dg.DagsterInstance, runtime: Runtime, task: PartitionTask, tags: Mapping[str, str]
) -> PartitionOutcome:
    started = time.monotonic()
    config, iteration = task.config, task.iteration
    options = {"config": {"allow_fewer_rows": task.allow_fewer_rows}}
    result = job_of(runtime, task.assets).execute_in_process(
        partition_key=partition_key(config, iteration),
        instance=instance,
        tags=tags,
        run_config={
            "ops": {asset: options for asset in COUNTED if asset in task.assets},
            "loggers": QUIET,
        },
        raise_on_error=False,
    )
    outcome = PartitionOutcome(
        config, iteration, result.run_id, result.success, time.monotonic() - started, _error(result)
    )
    for event in result.get_asset_materialization_events():
        asset = event.asset_key.path[-1] if event.asset_key else ""
        outcome.reused[asset] = bool(event.materialization.metadata["reused"].value)
    for asset in task.assets:
        record = runtime.store.get(asset, config, iteration)
        if record and asset in outcome.reused:
            outcome.records[asset] = record
    for check in result.get_asset_check_evaluations():
        outcome.checks.append(
            {
                "asset": check.asset_key.path[-1],
                "check": check.check_name,
                "passed": check.passed,
                "severity": check.severity.value,
                "description": check.description,
            }
        )
    return outcome


def _error(result: dg.ExecuteInProcessResult) -> str | None:
    """The words of the step that failed, or None."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return f"{event.step_key}: {data.user_failure_data.description}"
            if data.error:
                causes = [data.error, *([data.error.cause] if data.error.cause else [])]
                return f"{event.step_key}: {causes[-1].message.strip()}"
    return None if result.success else "the run failed before its first step"
