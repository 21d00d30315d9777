"""`ringrift status` and `ringrift leaderboard`: they read the store and do not need Dagster."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from resources.store.home import Home
from resources.store.store import Store
from resources.views.status import configs_of, leaderboard, status
from ringrift.config import parse_config
from ringrift.errors import MissingInput

WIDTH = 160
TOP = 10

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the main command."""
    app.command("status")(status_command)
    app.command("leaderboard")(leaderboard_command)


def status_command(as_json: JsonOption = False) -> None:
    """Progress of this home: iteration, phase, games, current champion and tier per config."""
    found = status(Home())
    if as_json:
        print(json.dumps(found))
        return
    if found["iteration"] is None:
        print(f"home {found['home']}: nothing yet; `ringrift run` makes the first iteration")
        return
    print(f"home {found['home']}: iteration {found['iteration']}, phase {found['phase']}")
    _console().print(_status_table(found["configs"]))
    for entry in found["configs"].values():
        for problem in entry["partial"]:
            print(problem)
    for act in found["accepted"]:
        print(act)


def _status_table(configs: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None)
    for name in ("config", "iteration", "phase", "tier", "champion", "profile"):
        table.add_column(name)
    for name in ("selfplay", "training", "match games"):
        table.add_column(name, justify="right")
    table.add_column("best")
    for key, entry in configs.items():
        force = [entry[name] or "-" for name in ("phase", "tier", "champion", "profile")]
        counts = [f"{entry[name]:,}" for name in ("selfplay_games", "training_games", "match_games")]
        best = entry["best"]
        number = "-" if entry["iteration"] is None else str(entry["iteration"])
        table.add_row(key, number, *force, *counts, f"{best['name']} {best['rating']:.0f}" if best else "-")
    return table


def leaderboard_command(
    configs: Annotated[
        str | None, typer.Option("-c", "--configs", help="Board configs, comma separated; default: all with ratings.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to show.")] = TOP,
    as_json: JsonOption = False,
) -> None:
    """Strongest players per config: rating with 95 % interval, games, LOS, and Elo (K = 32).

    LOS is the likelihood that a player is stronger than the next one.
    """
    home = Home()
    wanted = [parse_config(key.strip()).key for key in configs.split(",")] if configs else None
    boards: dict[str, list[dict[str, Any]]] = {}
    for key in wanted or configs_of(Store(home.store)):
        try:
            boards[key] = leaderboard(home, key)[:top]
        except MissingInput:
            if wanted:
                raise
    if not boards:
        raise MissingInput(f"nobody is rated in {home.root} yet; `ringrift run` plays the first matches")
    if as_json:
        print(json.dumps(boards))
        return
    for key, rows in boards.items():
        _console().print(_board(key, rows))


def _board(config: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{config}, iteration {rows[0]['iteration']}", title_justify="left", box=None)
    table.add_column("", justify="right")
    table.add_column("participant")
    for name in ("rating", "95 % interval", "LOS", "games", "Elo"):
        table.add_column(name, justify="right")
    for place, row in enumerate(rows, 1):
        interval = f"{row['low']:.0f} to {row['high']:.0f}"
        superior = "" if row.get("los") is None else f"{row['los']:.1%}"  # ratings of an older version have none
        numbers = (f"{row['rating']:.0f}", interval, superior, f"{row['games']:,}", f"{row['elo']:.0f}")
        table.add_row(f"{place}.", row["name"], *numbers)
    return table


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
