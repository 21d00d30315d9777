"""The verbs of `ringrift bench` that need the platform."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from ringrift.bench.report import emit

GROUP = "bench"
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the `bench` group of the main command."""
    for group in app.registered_groups:
        if group.name == GROUP and group.typer_instance is not None:
            group.typer_instance.command("dedup")(dedup_command)
            group.typer_instance.command("chaos")(chaos_command)
            group.typer_instance.command("fleet")(fleet_command)
            group.typer_instance.command("trust")(trust_command)


def dedup_command(
    known: Annotated[int, typer.Option(min=1, help="Games in the store.")] = 10_000_000,
    new: Annotated[int, typer.Option(min=100, help="New games to deduplicate.")] = 1_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements per side, alternating.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Speed of deduplication against known games, relative to a bare DuckDB anti-join."""
    from ringrift_assets.bench.dedup import bench_dedup

    _show(lambda step: bench_dedup(known, new, repeats, step), as_json)


def chaos_command(
    kills: Annotated[int, typer.Option(min=1, help="Processes to kill.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 1,
    ssh: Annotated[bool, typer.Option("--ssh", help="Use two SSH hosts on loopback; kill connections too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Kill workers and runs during an iteration and compare its result with an undisturbed run.

    Works in temporary homes; the home of RINGRIFT_HOME is not touched.
    """
    from ringrift_assets.bench.chaos import bench_chaos

    _show(lambda step: bench_chaos(kills, seed, step, ssh=ssh), as_json)


def fleet_command(
    jobs: Annotated[int, typer.Option(min=1, help="Jobs in total.")] = 200,
    hosts: Annotated[int, typer.Option(min=1, max=32, help="SSH servers on loopback.")] = 8,
    megabytes: Annotated[int, typer.Option(min=1, help="Size of the copied file, in MB.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Dispatch latency and file transfer over SSH on loopback, relative to OpenSSH's own clients (needs sshd)."""
    from ringrift_assets.bench.fleet import bench_fleet

    _show(lambda step: bench_fleet(jobs, hosts, megabytes=megabytes, progress=step), as_json)


def trust_command(
    forgeries: Annotated[int, typer.Option(min=2, help="Jobs that are forged, half of them over SSH.")] = 50,
    honest: Annotated[int, typer.Option(min=6, help="Honest games, of every engine.")] = 2000,
    as_json: JsonOption = False,
) -> None:
    """Let a host forge its games in many ways: what is caught, what honest games are suspected, and what it costs.

    Works in temporary homes (needs sshd).
    """
    from ringrift_assets.bench.trust import bench_trust

    _show(lambda step: bench_trust(forgeries, honest, step), as_json)


def _show(work: Callable[[Callable[[str], None]], dict[str, Any]], as_json: bool) -> None:
    """Do the work, naming its steps on stderr, and print its report; exit 1 when a bar is missed."""
    with Console(stderr=True).status("starting") as shown:
        result = work(lambda text: shown.update(text))
    if code := emit(result, as_json):
        raise typer.Exit(code)
