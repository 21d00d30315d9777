"""The platform's verbs of the `ringrift` command."""

import functools
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from resources.storage import REPOSITORY, Home
from ringrift.errors import MissingInput

EXIT_FAILED = 1
PORT = 3000

ConfigsOption = Annotated[
    str | None,
    typer.Option("-c", "--configs", help="Configs, comma separated, for example square8_2p,hexagonal_3p."),
]
PipelineOption = Annotated[
    Path | None, typer.Option("--config", help="Pipeline file, YAML or JSON; default config/pipeline.yaml.")
]
ScaleOption = Annotated[float | None, typer.Option("--games-scale", help="Multiply the games of every selfplay job.")]


def register(app: typer.Typer) -> None:
    """Add the platform's verbs to the main command."""
    app.command("run")(run_command)
    app.command("ui")(ui_command)
    app.command("screenshots")(screenshots_command)


def run_command(
    configs: ConfigsOption = None,
    config: PipelineOption = None,
    iterations: Annotated[int, typer.Option(min=1, help="How many iterations to run.")] = 1,
    start_iteration: Annotated[int, typer.Option(min=0, max=9999, help="The first one.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, do nothing.")] = False,
    games_scale: ScaleOption = None,
    allow_fewer_rows: Annotated[
        bool, typer.Option("--allow-fewer-rows", help="Replace a partition even if it loses rows.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Run iterations: play games, verify them, and make the training sets. What is up to date is kept.

    Ctrl-C leaves the jobs running, and the same command attaches to them again; a second Ctrl-C stops them.
    """
    from resources.workbench import DEFAULT_PIPELINE, Workbench

    path = config or DEFAULT_PIPELINE
    bench = Workbench(Home(), path, games_scale=games_scale)
    keys = _configs(configs) or bench.pipeline.configs
    numbers = range(start_iteration, start_iteration + iterations)
    if dry_run:
        plans = [_plan(bench, key, number) for number in numbers for key in keys]
        _emit({"dry_run": plans}) if as_json else _print_plans(plans)
        return
    ok = _run(keys, numbers, path, games_scale, allow_fewer_rows, as_json)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


def _configs(text: str | None) -> list[str]:
    from ringrift.config import parse_config

    return list(dict.fromkeys(parse_config(key.strip()).key for key in text.split(","))) if text else []


def _run(
    keys: list[str],
    numbers: range,
    path: Path,
    games_scale: float | None,
    allow_fewer_rows: bool,
    as_json: bool,
) -> bool:
    """Run the iterations and show them; False when something failed."""
    from ringrift_assets.display import JobProgress, output, print_outcomes
    from ringrift_assets.run import run_iteration, watched

    terminal, found = Console(stderr=True), []
    for number in numbers:
        with JobProgress(terminal) as progress:
            work = functools.partial(
                run_iteration,
                keys,
                number,
                path,
                progress=progress,
                games_scale=games_scale,
                allow_fewer_rows=allow_fewer_rows,
            )
            outcomes = watched(work, functools.partial(terminal.print, markup=False))
        found += outcomes
        if not as_json:
            print_outcomes(output(), outcomes)
        if not all(outcome.ok for outcome in outcomes):
            break
    if as_json:
        _emit({"outcomes": [outcome.to_json() for outcome in found]})
    return all(outcome.ok for outcome in found)


def _plan(bench: Any, key: str, iteration: int) -> dict[str, Any]:
    """What `run` would do for one partition, without doing any of it."""
    from resources.hosts import eligible
    from ringrift.config import parse_config
    from ringrift.selfplay import plan_jobs

    force = bench.store.get("incumbent", key, iteration)
    tier = force.data["tier"] if force else bench.pipeline.tiers.start
    plan = plan_jobs(bench.pipeline, parse_config(key), iteration, tier=tier)
    stored = bench.store.get("selfplay_games", key, iteration)
    return {
        "config": key,
        "iteration": iteration,
        "jobs": [{"id": spec.job_id, "games": spec.params["games"]} for spec in plan.jobs],
        "games": sum(spec.params["games"] for spec in plan.jobs),
        "skipped": [entry._asdict() for entry in plan.skipped],
        "hosts": [host.name for host in eligible(bench.hosts, "selfplay", remote=False)],
        "stored_games": stored.rows if stored else 0,
    }


def _print_plans(plans: list[dict[str, Any]]) -> None:
    for plan in plans:
        print(
            f"{plan['config']}|{plan['iteration']:04d}: {plan['games']} games in {len(plan['jobs'])} jobs on "
            f"{', '.join(plan['hosts'])}; {plan['stored_games']} games are stored"
        )
        for job in plan["jobs"]:
            print(f"  {job['id']}: {job['games']} games")
        for entry in plan["skipped"]:
            print(f"  skipped {entry['job']}: {entry['reason']}")


def _emit(value: dict[str, Any]) -> None:
    print(json.dumps(value))


def ui_command(
    config: PipelineOption = None,
    games_scale: ScaleOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = PORT,
) -> None:
    """Start the Dagster web server and daemon of this home on 127.0.0.1; Ctrl-C ends them.

    Without --config, materializing uses the pipeline file of the last `ringrift run` in this home.
    """
    from resources.workbench import PIPELINE_VARIABLE, SCALE_VARIABLE
    from ringrift_assets.run import fail_dead_runs, open_instance
    from ringrift_assets.webserver import environment

    home = Home().prepare()
    with open_instance(home) as instance:
        fail_dead_runs(instance)
    variables = {**os.environ, **environment(home)}
    if config is not None:
        if not config.is_file():
            raise MissingInput(f"{config} is not there; give the path of a pipeline file")
        variables[PIPELINE_VARIABLE] = str(config.resolve())
    if games_scale is not None:
        variables[SCALE_VARIABLE] = str(games_scale)
    print(f"home {home.root}\nhttp://127.0.0.1:{port}", flush=True)
    arguments = ["dev", "-w", str(REPOSITORY / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    os.chdir(REPOSITORY)
    os.execve(sys.executable, [sys.executable, "-m", "dagster", *arguments], variables)


def screenshots_command(
    folder: Annotated[Path, typer.Argument(help="Where the PNG files go.")],
) -> None:
    """Take pictures of the web server's pages for this home (needs chromium)."""
    from ringrift_assets.screenshots import take

    for path in take(folder):
        print(path)
