"""The `ringrift` command: the verbs a worker host can run, and the platform's where that extra is installed."""

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ringrift.cli_games import games_app
from ringrift.cli_gate import gate_app
from ringrift.cli_play import play_command
from ringrift.cli_tune import tune_command
from ringrift.errors import InvalidInput, RingRiftError
from ringrift.progress import console, progress_bar, with_progress

EXIT_FAILED, EXIT_USAGE = 1, 2

app = typer.Typer(
    name="ringrift",
    help="Train RingRift game AIs: selfplay, training data, players, ratings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
rules_app = typer.Typer(help="Check the rules engine.", no_args_is_help=True)
bench_app = typer.Typer(help="Measure speed; exit 1 when a bar is missed.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.add_typer(bench_app, name="bench")
app.add_typer(games_app, name="games")
app.add_typer(gate_app, name="gate")
app.command("play")(play_command)
app.command("tune")(tune_command)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
ConfigsOption = Annotated[
    str | None,
    typer.Option("-c", "--configs", help="Configs, comma separated, for example square8_2p,hexagonal_3p."),
]


@rules_app.command("check-vectors")
def check_vectors(
    folder: Annotated[Path, typer.Argument(help="Folder with rr-vectors/1 files, searched recursively.")],
    as_json: JsonOption = False,
    workers: Annotated[int, typer.Option(help="Processes; 0 takes one a core.")] = 0,
) -> None:
    """Replay every recorded game below FOLDER: legal moves, states, results, perft. Exit 1 if one differs."""
    from ringrift.rules.vectors import VectorReport, check_folder, vector_files

    report = VectorReport()
    files = len(vector_files(folder))
    with progress_bar() as bar:
        task = bar.add_task("checking", total=files)
        for result in check_folder(folder, workers or os.cpu_count() or 1):
            report.files.append(result)
            bar.advance(task)
    totals = report.totals()
    if as_json:
        print(json.dumps({**totals, "differences": {f.file: f.difference for f in report.failed}}))
    else:
        print(
            f"{totals['files']} files, {totals['games']} games, {totals['plies']} plies, {totals['positions']}"
            f" positions, {totals['perft_sequences']} perft sequences; {totals['differ']} files differ"
        )
        for failed in report.failed:
            print(f"{failed.file}: {failed.difference}")
    if report.failed:
        raise typer.Exit(EXIT_FAILED)


@rules_app.command("perft")
def perft_command(
    config: Annotated[str, typer.Option("-c", "--config-key", help="Config, for example square8_2p.")] = "square8_2p",
    depth: Annotated[int, typer.Option(min=1, max=4, help="Moves; bookkeeping moves count.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Count the move sequences and distinct states after 1 to DEPTH moves from the start."""
    from ringrift.rules.game import Game, Table
    from ringrift.rules.record import board_of
    from ringrift.rules.vectors import perft

    state = Game(config).state
    counts = perft(Table(board_of(state)), state, depth)
    if as_json:
        print(json.dumps([{"depth": d, "states": s, "sequences": q} for d, (s, q) in enumerate(counts, 1)]))
        return
    for d, (states, sequences) in enumerate(counts, 1):
        print(f"depth {d}: {sequences:,} sequences, {states:,} states")


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
    from ringrift.players.registry import available_engine_modes

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


@app.command()
def warmup() -> None:
    """Compile the kernels ahead of their first use (once a version, two to three minutes)."""
    from ringrift.warmup import STEPS, warm_up

    with_progress(len(STEPS), warm_up)
    print("kernels are compiled")


def _add_platform_verbs() -> None:
    """Add the verbs that read the store, then `run`, `ui` and others, or a stand-in that says how to install them."""
    for verbs in ("cli_status", "cli_models"):
        importlib.import_module(f"ringrift_assets.{verbs}").register(app)
    if importlib.util.find_spec("dagster") is None:
        for verb in ("run", "ui", "screenshots"):

            def missing() -> None:
                raise RingRiftError("this verb needs the platform extra: pip install 'ringrift-assets[platform]'")

            app.command(verb, help="Needs the platform extra.")(missing)
        return
    importlib.import_module("ringrift_assets.cli").register(app)


def main() -> None:
    """Entry point: errors are one line on stderr with exit code 1, wrong usage exits with 2."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    _add_platform_verbs()
    try:
        app()
    except InvalidInput as error:
        _fail(error, EXIT_USAGE, debug)
    except RingRiftError as error:
        _fail(error, EXIT_FAILED, debug)


def _fail(error: RingRiftError, code: int, debug: bool) -> None:
    if debug:
        raise error
    print(f"ringrift: {error}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
