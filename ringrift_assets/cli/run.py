"""`ringrift run`: iterations, single phases, and going on where a run stopped."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console

from resources.hosts.host import HostClass, check_class
from resources.store.contents.base import content_of
from resources.store.contents.operations import HostsContent
from resources.store.home import Home
from resources.store.partition_keys import with_partitions
from resources.store.phases import PARITY, PHASES, RESOURCES, STEPS, check_phase, remaining
from resources.store.store import Store
from resources.views.state import read_state, refresh, state_path
from resources.views.status import configs_of, leaderboard, summary_text
from resources.views.text import leaderboard_block, resource_block
from ringrift import names
from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import check_target

if TYPE_CHECKING:
    from resources.runtime import Where

EXIT_FAILED = 1

ConfigsOption = Annotated[
    str | None,
    typer.Option("-c", "--configs", help="Board configs, comma separated, for example square8_2p,hexagonal_3p."),
]
PipelineOption = Annotated[
    Path | None, typer.Option("--config", help="Pipeline file (YAML or JSON); default: config/pipeline.yaml.")
]
ScaleOption = Annotated[float | None, typer.Option("--games-scale", help="Multiply the games of every selfplay job.")]
Assets = Mapping[str, Sequence[str]]  # config → what is to be made of it


def run_command(
    configs: ConfigsOption = None,
    config: PipelineOption = None,
    iterations: Annotated[int, typer.Option(min=1, help="Iterations to run.")] = 1,
    start_iteration: Annotated[int, typer.Option(min=0, max=names.LAST_ITERATION, help="First iteration.")] = 0,
    phase: Annotated[
        str | None, typer.Option(help=f"Only this phase: {', '.join([*PHASES, RESOURCES, PARITY])}.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue at the first unfinished phase.")] = False,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Start over: move the store aside. Results of identical finished jobs are reused."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the jobs that would run, without running any.")
    ] = False,
    state_file: Annotated[
        Path | None,
        typer.Option("--state-path", help="Also write the state file to this path."),
    ] = None,
    games_scale: ScaleOption = None,
    allow_fewer_rows: Annotated[
        bool, typer.Option("--allow-fewer-rows", help="Replace a partition even if the new version has fewer rows.")
    ] = False,
    backend: Annotated[
        str, typer.Option(help="ssh: all hosts of the hosts file, including this machine; local: only this machine.")
    ] = "ssh",
    host_class: Annotated[
        str | None, typer.Option(help=f"Only hosts of this class: {', '.join(get_args(HostClass))}.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Run iterations: selfplay, training data, heuristic tuning, training, tournaments, ratings, gates.

    What is up to date is skipped. Ctrl-C detaches and leaves the jobs running; the same command attaches again. A
    second Ctrl-C cancels them.
    """
    from resources.runtime import DEFAULT_PIPELINE, Backend, Runtime, Where

    if backend not in get_args(Backend):
        raise InvalidInput("--backend", backend, f"use one of {', '.join(get_args(Backend))}")
    where = Where(backend, check_class(host_class))  # type: ignore[arg-type]  # checked above
    only = check_phase(phase) if phase else None
    if resume and (fresh or only):
        raise InvalidInput("--resume", "--fresh" if fresh else f"--phase {only}", "use one of them")
    home, path = Home(), config or DEFAULT_PIPELINE
    runtime = Runtime(home, path, games_scale=games_scale, where=where)
    keys = [with_partitions(key) for key in _configs(configs) or runtime.pipeline.configs]
    work = _work(runtime.store, keys, range(start_iteration, start_iteration + iterations), only, resume)
    if dry_run:
        from ringrift_assets.runs.dry_run import show_plans
        from ringrift_assets.runs.plan_text import print_plans

        with TemporaryDirectory() as empty:
            planned_in = Home(empty) if fresh else home  # a fresh run begins with an empty store
            plans = show_plans(Runtime(planned_in, path, games_scale=games_scale, where=where), work)
        _emit({"dry_run": plans}) if as_json else print_plans(plans)
        return
    if state_file:
        check_target(state_file, "--state-path")
    for file in [state_path(home), *([state_file] if state_file else [])]:
        read_state(file)  # a damaged one is told before anything starts
    if fresh and (moved := runtime.store.move_aside()):
        Console(stderr=True).print(f"the store before is {moved}", markup=False, highlight=False)
    if only == RESOURCES:
        _resources(home, as_json, where)
        return
    if only == PARITY:
        _parity(runtime, keys, [number for number, _ in work], as_json)
        return
    if not work:
        print(f"nothing to resume: iterations {start_iteration} to {start_iteration + iterations - 1} are complete")
    done = _run(
        home,
        work,
        path,
        games_scale,
        allow_fewer_rows,
        as_json,
        whole=only is None,
        state_file=state_file,
        where=where,
    )
    if not done:
        raise typer.Exit(EXIT_FAILED)


def _configs(text: str | None) -> list[str]:
    from ringrift.config import parse_config

    return list(dict.fromkeys(parse_config(key.strip()).key for key in text.split(","))) if text else []


def _work(
    store: Store, keys: Sequence[str], numbers: range, phase: str | None, resume: bool
) -> list[tuple[int, Assets]]:
    """What to make, iteration by iteration; with `resume` without the phases that are finished."""
    if not resume:
        return [(number, dict.fromkeys(keys, PHASES.get(phase, STEPS) if phase else STEPS)) for number in numbers]
    left = [(number, {key: remaining(store, key, number) for key in keys}) for number in numbers]
    open_ones = [(number, {key: assets for key, assets in wanted.items() if assets}) for number, wanted in left]
    return [(number, wanted) for number, wanted in open_ones if wanted]


def _run(
    home: Home,
    work: Sequence[tuple[int, Assets]],
    path: Path,
    games_scale: float | None,
    allow_fewer_rows: bool,
    as_json: bool,
    *,
    whole: bool,
    state_file: Path | None,
    where: "Where",
) -> bool:
    """Run the iterations and show them; False when something failed. `whole` ones end with their summary."""
    from ringrift_assets.runs.display import JobProgress, output, print_outcomes
    from ringrift_assets.runs.interrupt import watched
    from ringrift_assets.runs.iteration import run_iteration, run_resources

    terminal, found, ok = Console(stderr=True), [], True
    for number, assets in work:
        with JobProgress(terminal) as progress:
            step = functools.partial(
                run_iteration,
                list(assets),
                number,
                path,
                home,
                progress=progress,
                games_scale=games_scale,
                allow_fewer_rows=allow_fewer_rows,
                assets=assets,
                where=where,
            )
            outcomes = watched(step, functools.partial(terminal.print, markup=False))
        found += outcomes
        ok = len(outcomes) == len(assets) and all(outcome.ok for outcome in outcomes)
        if whole and ok:
            run_resources(home, where)
        refresh(home, state_file)
        if not as_json:
            print_outcomes(output(), outcomes)
            if whole and ok:
                print(f"\n{summary_text(home, number)}", end="")
        if missing := len(assets) - len(outcomes):
            terminal.print(f"{missing} of {len(assets)} configs had not begun; run the same command again")
        if not ok:
            break
    if as_json:
        _emit({"outcomes": [outcome.to_json() for outcome in found]})
    return ok


def _resources(home: Home, as_json: bool, where: "Where") -> None:
    """The phase `resources`: every host, then the leaderboards."""
    from ringrift_assets.runs.iteration import run_resources

    content = content_of(run_resources(home, where), HostsContent)
    if as_json:
        _emit(content.to_json())
        return
    print(resource_block(content.hosts))
    for key in configs_of(Store(home.store)):
        try:
            print(f"\n{leaderboard_block(leaderboard(home, key), key)}")
        except MissingInput:
            continue  # nobody has played there yet


def _parity(runtime: Any, keys: Sequence[str], numbers: Sequence[int], as_json: bool) -> None:
    """The phase `parity-validation`: exit 1 if a stored game does not replay to exactly its record."""
    from ringrift_assets.runs.parity import check_parity

    rows = check_parity(runtime, keys, numbers)
    if as_json:
        _emit({"parity": rows})
    else:
        for row in rows:
            bad = ", ".join(f"{reason}: {n}" for reason, n in row["rejected"].items())
            print(f"{row['partition']}: {row['verified']} of {row['read']} games replay exactly{bad and f' ({bad})'}")
    if any(row["verified"] < row["read"] for row in rows):
        raise typer.Exit(EXIT_FAILED)


def _emit(value: dict[str, Any]) -> None:
    print(json.dumps(value))
