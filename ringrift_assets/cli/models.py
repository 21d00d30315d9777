"""`ringrift models`: the registry of the home. It reads the store and does not need Dagster."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from resources.models.model import Model
from resources.models.registry import Registry
from resources.store.home import Home
from ringrift.config import parse_config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.planning.pipeline import ValueTraining
from ringrift.progress import progress_bar

WIDTH = 160
EXIT_FAILED = 1
SIMULATIONS = 32  # a decision, as in pipeline.yaml
VALUE_PLAYER = "descent:5+light"
METRICS = ("loss", "top1", "value_mse")  # of the held-out games, shown in the list

models_app = typer.Typer(help="The trained models of this home.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Model name as in `models list`, or a prefix of its weights hash.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the main command."""
    app.add_typer(models_app, name="models")


def _registry() -> Registry:
    return Registry(Home())


@models_app.command("list")
def list_command(
    configs: Annotated[str | None, typer.Option("-c", "--configs", help="Only these configs, comma separated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List models: iteration, parent, status, rating, and metrics on held-out games."""
    wanted = [parse_config(key.strip()).key for key in configs.split(",")] if configs else None
    models = [model for model in _registry().models() if wanted is None or model.config in wanted]
    if as_json:
        print(json.dumps({"models": [model.to_json() for model in models]}))
    elif not models:
        print(f"no models in {Home().root}; `ringrift run` trains one with enough games")
    else:
        _console().print(_table(models))


def _table(models: list[Model]) -> Table:
    table = Table(box=None)
    for name in ("model", "network", "parent", "status", "weights", "created"):
        table.add_column(name)
    for name in ("rating", *METRICS):
        table.add_column(name, justify="right")
    for model in models:
        numbers = [_number(model.metrics.get(name)) for name in METRICS]
        rating = "-" if model.rating is None else f"{model.rating:.0f}"
        texts = (
            model.model_id,
            model.network,
            model.parent_id or "-",
            model.status,
            model.weights[:8],
            model.created_at,
        )
        table.add_row(*texts, rating, *numbers)
    return table


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else "-"


@models_app.command("show")
def show_command(name: IdArgument, as_json: JsonOption = False) -> None:
    """Show one model: card, metrics, rating, status."""
    model = _registry().get(name)
    if as_json:
        print(json.dumps(model.to_json()))
        return
    for field, value in model.to_json().items():
        if field != "metrics":
            print(f"{field:<19}{'-' if value is None else value}")
    for field, value in model.metrics.items():
        print(f"metrics.{field:<19}{value}")


@models_app.command("best")
def best_command(
    config: Annotated[str, typer.Argument(help="Config, for example square8_2p.")], as_json: JsonOption = False
) -> None:
    """Show the active model with the highest rating. The champion is decided by the gate, not by this."""
    key = parse_config(config).key
    registry = _registry()
    model = registry.best(key)
    if as_json:
        print(json.dumps({"model": model.to_json() if model else None}))
    elif model:
        print(f"{model.model_id}: rating {model.rating:.0f}, weights {model.weights}")
    else:
        active = sum(model.status == "active" for model in registry.models(key))
        raise MissingInput(f"none of the {active} active models of {key} has a rating yet; a match gives it one")


@models_app.command("deprecate")
def deprecate_command(
    name: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Reason, recorded with the act.")],
    as_json: JsonOption = False,
) -> None:
    """Take a model out of use; its files stay. A deprecated champion is replaced by the previous one.

    It takes effect in every iteration that is not judged yet; judged iterations never change.
    """
    model = _registry().deprecate(name, reason)
    if as_json:
        print(json.dumps(model.to_json()))
    else:
        print(f"{model.model_id} is deprecated since {model.deprecated_at}: {model.deprecation_reason}")


@models_app.command("lineage")
def lineage_command(
    name: IdArgument,
    verify: Annotated[int, typer.Option(min=0, help="Number of training games to replay and check by hash.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show the ancestors of a model and the games it was trained on; exit 1 if a game does not verify."""
    registry = _registry()
    chain = registry.lineage(name)
    found: dict[str, Any] = {"lineage": [_ancestor(registry, model) for model in chain]}
    problems: list[str] = []
    if verify:
        from resources.models.lineage import verify_games

        checked = verify_games(registry, chain[0], verify)
        problems = checked.problems
        found["verify"] = {"games": checked.games, "replayed": checked.replayed, "problems": problems}
    if as_json:
        print(json.dumps(found))
    else:
        for entry in found["lineage"]:
            print(f"{entry['model_id']} {entry['weights'][:16]} {entry['status']}: {_games_text(entry['window'])}")
        if verify:
            print(f"{found['verify']['replayed']} of {found['verify']['games']} games replayed exactly")
        for problem in problems:
            print(problem)
    if problems:
        raise typer.Exit(EXIT_FAILED)


def _ancestor(registry: Registry, model: Model) -> dict[str, Any]:
    try:
        window = registry.content(model).window
    except MissingInput:
        window = None
    return {"model_id": model.model_id, "weights": model.weights, "status": model.status, "window": window}


def _games_text(window: dict[str, Any] | None) -> str:
    if window is None:
        return "trained elsewhere"
    iterations = f"iterations {window['first_iteration']} to {window['last_iteration']}"
    return f"{window['games']:,} games of {iterations}, {window['training_rows']:,} rows"


@models_app.command("compare")
def compare_command(
    first: IdArgument,
    second: IdArgument,
    simulations: Annotated[
        int, typer.Option(min=1, max=1024, help="Simulations per move, for two policy-value networks.")
    ] = SIMULATIONS,
    player: Annotated[
        str, typer.Option(help="Search that judges by the networks, for two value networks.")
    ] = VALUE_PLAYER,
    games: Annotated[int | None, typer.Option(min=2, help="Maximum games; default: 256 blocks.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Random seed.")] = 0,
    save: Annotated[
        Path | None, typer.Option(help="Save the games as a game set (.parquet), with the evidence beside it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play two models against each other until a sequential test (0 against +35 Elo) decides."""
    from ringrift.cli.play import series_length, show_series
    from ringrift.play.player_text import read_player
    from ringrift.play.summary import Series

    registry = _registry()
    pair = [registry.get(name) for name in (first, second)]
    alike = pair[0].config == pair[1].config and pair[0].network == pair[1].network
    if not alike or pair[0].weights == pair[1].weights:
        given = [f"{model.model_id} ({model.config}, {model.network}, {model.weights[:8]})" for model in pair]
        raise InvalidInput("models", given, "give two different models of one config and kind")
    config = parse_config(pair[0].config)
    files = [registry.weights_path(model.weights) for model in pair]
    value = pair[0].network == "value"
    specs = [f"{player}+value:{path}" if value else f"model:{path}@{simulations}" for path in files]
    players = [read for spec in specs if (read := read_player(spec, config))]
    blocks, gate = series_length(games, True, config.players)
    show_series(Series(config=config, specs=specs, players=players, blocks=blocks, seed=seed, gate=gate), save, as_json)


@models_app.command("train-value")
def train_value_command(
    games: Annotated[
        list[Path], typer.Option("--games", help="Game set (.parquet); repeat the option for more files.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Weights file to write (.safetensors), with its card beside it.")],
    config: Annotated[
        str, typer.Option("-c", "--configs", help="Board config, for example square8_2p.")
    ] = "square8_2p",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Random seed.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a small value network for minimax, mcts and descent: `ringrift play --p1 descent:5+value:FILE`."""
    from ringrift.kinds.train import train_value_file

    with progress_bar() as bar:
        task = bar.add_task("replaying the games", total=ValueTraining().epochs)

        def report(figures: dict[str, float]) -> None:
            bar.update(task, description=f"held-out loss {figures['loss']:.4f}", completed=figures["epoch"])

        card, trained = train_value_file(games, parse_config(config), out, seed, report)
    history = trained.history
    if as_json:
        print(json.dumps({"out": str(out), "card": card.model_dump(mode="json"), "history": history}))
        return
    for figures in history:
        print(" ".join(f"{name} {value:.5g}" for name, value in figures.items()))
    window = card.window
    print(f"{out}: weights {card.weights}, of {window['games']:,} games ({window['held_out_games']:,} held out)")
    print(f"held out: {', '.join(f'{name} {value:.4f}' for name, value in card.metrics.items())}")


@models_app.command("export")
def export_command(
    name: IdArgument,
    folder: Annotated[Path, typer.Argument(help="Output folder; created if missing.")],
    as_json: JsonOption = False,
) -> None:
    """Export a model, its card and the heuristic profile to a folder, for a game server."""
    files = _registry().export(name, folder)
    if as_json:
        print(json.dumps({"files": [str(path) for path in files]}))
    else:
        for path in files:
            print(path)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
