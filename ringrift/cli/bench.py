"""`ringrift bench`: speed and strength against stated bars."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ringrift.cli.options import ConfigsOption, JsonOption
from ringrift.progress import console, with_progress

bench_app = typer.Typer(help="Measure speed; exit 1 when a bar is missed.", no_args_is_help=True)


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
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds of random play a config.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Uniform random play on every board, cold compile, warm start, one and two processes."""
    from ringrift.bench.engine import bench_engine

    chosen = _configs(configs)
    _finish_bench(with_progress(len(chosen) + 3, lambda step: bench_engine(chosen, seconds, step)), as_json)


@bench_app.command("players")
def bench_players_command(
    configs: ConfigsOption = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds of play against itself a config.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Speed of the players, the heuristic's score against random play, bytes a game, cold compile."""
    from ringrift.bench.players import bench_players

    chosen = _configs(configs)
    _finish_bench(with_progress(4 * len(chosen) + 2, lambda step: bench_players(chosen, seconds, step)), as_json)


@bench_app.command("selfplay")
def bench_selfplay_command(
    model: Annotated[
        Path | None, typer.Option(help="A trained network's .safetensors file; default random ones.")
    ] = None,
    games: Annotated[int, typer.Option(min=1, max=200, help="Games with each network.")] = 32,
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds of each mode without a network.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Games a core-hour of each engine mode on square8_2p; network play against bare inference."""
    from ringrift.bench.selfplay import ARCHITECTURES, bench_selfplay
    from ringrift.players.engines import available_engine_modes

    total = len(available_engine_modes()) + (len(ARCHITECTURES) if model is None else 1)
    _finish_bench(with_progress(total, lambda step: bench_selfplay(games, seconds, model, step)), as_json)


@bench_app.command("ladder")
def bench_ladder_command(
    configs: ConfigsOption = None,
    games: Annotated[int | None, typer.Option(min=2, help="Games a pair; default 200 on square8_2p, else 40.")] = None,
    top: Annotated[int | None, typer.Option(min=2, max=10, help="Highest rung; default all or D4.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 takes one a core.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Each rung of the ladder against the one below: scores with 95 % intervals. Exit 1 if one does not rise."""
    from ringrift.bench.ladder import bench_ladder, pairs
    from ringrift.config import CONFIG_KEYS, parse_config

    chosen = [parse_config(key) for key in (configs.split(",") if configs else CONFIG_KEYS)]
    total = sum(1 for _ in pairs(chosen, games, top))
    processes = workers or os.cpu_count() or 1

    def tell(row: dict[str, Any]) -> None:
        interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
        console.print(f"{row['config']} {row['rung']} over {row['below']}: {row['score']:.3f} {interval}")

    _finish_bench(with_progress(total, lambda step: bench_ladder(chosen, games, top, processes, step, tell)), as_json)


@bench_app.command("tuner")
def bench_tuner_command(
    landscapes: Annotated[int, typer.Option(min=1, help="Landscapes of each family.")] = 16,
    as_json: JsonOption = False,
) -> None:
    """The search against the plain recipe on hidden landscapes at equal games; planted candidates, good and bad."""
    from ringrift.bench.tuner import FAMILIES, bench_tuner

    _finish_bench(with_progress(len(FAMILIES) + 1, lambda step: bench_tuner(landscapes, step)), as_json)


@bench_app.command("network")
def bench_network_command(
    config: Annotated[str, typer.Option("-c", "--config-key", help="Config, for example square8_2p.")] = "square8_2p",
    seconds: Annotated[float, typer.Option(min=0.1, help="CPU seconds a measure.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Speed of encoding, of networks of several sizes on one thread, of training, and of the value network."""
    from ringrift.bench.network import SIZES, bench_network
    from ringrift.config import parse_config

    chosen = parse_config(config)
    _finish_bench(with_progress(len(SIZES) + 3, lambda step: bench_network(chosen, seconds, step)), as_json)


@bench_app.command("memory")
def bench_memory_command(
    configs: Annotated[
        str, typer.Option("-c", "--configs", help="Configs, comma separated.")
    ] = "square8_2p,square19_2p,hexagonal_2p",
    as_json: JsonOption = False,
) -> None:
    """Largest resident memory of one worker by kind of job, board and size of network; about ten minutes."""
    from ringrift.bench.memory import bench_memory
    from ringrift.config import parse_config

    chosen = [parse_config(key) for key in configs.split(",")]
    _finish_bench(with_progress(len(chosen), lambda step: bench_memory(chosen, step)), as_json)
