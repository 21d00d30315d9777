"""`ringrift bench`: speed and strength against stated bars."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ringrift.cli.options import ConfigsOption, JsonOption
from ringrift.jobs.cores import usable_cores
from ringrift.progress import console, with_progress

bench_app = typer.Typer(help="Benchmarks; exit 1 when a stated bar is missed.", no_args_is_help=True)


def _configs(keys: str | None) -> list:
    from ringrift.bench.engine import ALL_CONFIGS
    from ringrift.config import parse_config

    return [parse_config(key) for key in keys.split(",")] if keys else list(ALL_CONFIGS)


def _finish_bench(result: dict[str, Any], as_json: bool) -> None:
    from ringrift.bench.report import emit

    code = emit(result, as_json)
    if code:
        raise typer.Exit(code)


@bench_app.command("engine")
def bench_engine_command(
    configs: ConfigsOption = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds of random play per config.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Speed of the rules engine: random play on every board, cold compile, warm start, one and two processes."""
    from ringrift.bench.engine import bench_engine

    chosen = _configs(configs)
    _finish_bench(with_progress(len(chosen) + 3, lambda step: bench_engine(chosen, seconds, step)), as_json)


@bench_app.command("players")
def bench_players_command(
    configs: ConfigsOption = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds of self-play per config.")] = 1.0,
    rates: Annotated[
        Path | None, typer.Option(help="Measure the searches only and write their rates to this file (search.rates).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Speed of the players, score of the heuristic against random play, bytes per game, cold compile time."""
    from ringrift.bench.players import bench_players

    chosen = _configs(configs)
    if rates is not None:
        from ringrift.bench.rates import bench_rates, searches

        total = sum(len(searches(config)) for config in chosen)
        _finish_bench(with_progress(total, lambda step: bench_rates(chosen, seconds, rates, step)), as_json)
        return
    _finish_bench(with_progress(4 * len(chosen) + 2, lambda step: bench_players(chosen, seconds, step)), as_json)


@bench_app.command("selfplay")
def bench_selfplay_command(
    model: Annotated[Path | None, typer.Option(help="Network file (.safetensors); default: random weights.")] = None,
    games: Annotated[int, typer.Option(min=1, max=200, help="Games per network.")] = 32,
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds per engine mode without a network.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Games per core-hour of each engine mode on square8_2p; speed of network play relative to bare inference."""
    from ringrift.bench.selfplay import ARCHITECTURES, bench_selfplay
    from ringrift.players.engines import available_engine_modes

    total = len(available_engine_modes()) + (len(ARCHITECTURES) if model is None else 1)
    _finish_bench(with_progress(total, lambda step: bench_selfplay(games, seconds, model, step)), as_json)


@bench_app.command("ladder")
def bench_ladder_command(
    configs: ConfigsOption = None,
    games: Annotated[
        int | None, typer.Option(min=2, help="Games per pair; default: 200 on square8_2p, else 40.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=2, max=10, help="Highest rung; default: all of them on square8_2p, D4 elsewhere.")
    ] = None,
    bottom: Annotated[int, typer.Option(min=1, max=9, help="Lowest rung.")] = 1,
    champion: Annotated[
        Path | None, typer.Option(help="Folder of an exported champion, which plays D9 and D10 of its config.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Play each rung of the ladder against the one below; exit 1 if one does not score above 0.5."""
    from ringrift.bench.ladder import bench_ladder, pairs
    from ringrift.config import CONFIG_KEYS, parse_config

    chosen = [parse_config(key) for key in (configs.split(",") if configs else CONFIG_KEYS)]
    total = sum(1 for _ in pairs(chosen, games, top, champion, bottom))
    processes = workers or usable_cores()

    def tell(row: dict[str, Any]) -> None:
        interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
        console.print(f"{row['config']} {row['rung']} over {row['below']}: {row['score']:.3f} {interval}")

    def play(step: Callable[[str], None]) -> dict[str, Any]:
        return bench_ladder(chosen, games, top, processes, champion, bottom, step, tell)

    _finish_bench(with_progress(total, play), as_json)


@bench_app.command("tuner")
def bench_tuner_command(
    landscapes: Annotated[int, typer.Option(min=1, help="Test landscapes per family.")] = 16,
    as_json: JsonOption = False,
) -> None:
    """Gain of the CMA-ES search over the plain recipe at equal games; verdicts on planted good and bad candidates."""
    from ringrift.bench.tuner import FAMILIES, bench_tuner

    _finish_bench(with_progress(len(FAMILIES) + 1, lambda step: bench_tuner(landscapes, step)), as_json)


@bench_app.command("network")
def bench_network_command(
    config: Annotated[
        str, typer.Option("-c", "--configs", help="Board config, for example square8_2p.")
    ] = "square8_2p",
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds per measurement.")] = 1.0,
    device: Annotated[str, typer.Option(help="Where the networks run: cpu, cuda, mps or auto.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Speed of encoding, inference (on one thread of a CPU), training, and the value network, for several sizes."""
    from ringrift.bench.network import SIZES, bench_network
    from ringrift.config import parse_config

    chosen = parse_config(config)
    _finish_bench(with_progress(len(SIZES) + 3, lambda step: bench_network(chosen, seconds, step, device)), as_json)


@bench_app.command("memory")
def bench_memory_command(
    configs: Annotated[
        str, typer.Option("-c", "--configs", help="Configs, comma separated.")
    ] = "square8_2p,square19_2p,hexagonal_2p",
    as_json: JsonOption = False,
) -> None:
    """Peak memory of one worker by job kind, board and network size; takes about ten minutes."""
    from ringrift.bench.memory import bench_memory
    from ringrift.config import parse_config

    chosen = [parse_config(key) for key in configs.split(",")]
    _finish_bench(with_progress(len(chosen), lambda step: bench_memory(chosen, step)), as_json)
