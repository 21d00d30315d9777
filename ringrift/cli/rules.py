"""`ringrift rules`: recorded games replayed, move sequences counted."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.options import EXIT_FAILED, JsonOption
from ringrift.jobs.cores import usable_cores
from ringrift.progress import progress_bar

rules_app = typer.Typer(
    help="Check the rules engine against recorded games; count move sequences.", no_args_is_help=True
)


@rules_app.command("check-vectors")
def check_vectors(
    folder: Annotated[Path, typer.Argument(help="Folder with rr-vectors/1 files, searched recursively.")],
    as_json: JsonOption = False,
    workers: Annotated[int, typer.Option(help="Worker processes; 0: one per core.")] = 0,
) -> None:
    """Replay recorded games and compare legal moves, states, results and perft; exit 1 on any difference."""
    from ringrift.rules.vectors import VectorReport, check_folder, vector_files

    report = VectorReport()
    files = len(vector_files(folder))
    with progress_bar() as bar:
        task = bar.add_task("checking", total=files)
        for result in check_folder(folder, workers or usable_cores()):
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
    config: Annotated[
        str, typer.Option("-c", "--configs", help="Board config, for example square8_2p.")
    ] = "square8_2p",
    depth: Annotated[int, typer.Option(min=1, max=4, help="Depth in moves; forced bookkeeping moves count.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Count move sequences and distinct states after 1 to DEPTH moves (perft)."""
    from ringrift.rules.game import Game, Workspace
    from ringrift.rules.position_json import board_of
    from ringrift.rules.vectors import perft

    state = Game(config).state
    counts = perft(Workspace(board_of(state)), state, depth)
    if as_json:
        print(json.dumps([{"depth": d, "states": s, "sequences": q} for d, (s, q) in enumerate(counts, 1)]))
        return
    for d, (states, sequences) in enumerate(counts, 1):
        print(f"depth {d}: {sequences:,} sequences, {states:,} states")
