"""The `ringrift` command: the verbs a worker host can run, and the platform's where that extra is installed."""

import importlib
import importlib.util
import re
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from ringrift.cli.bench import bench_app
from ringrift.cli.games import games_app
from ringrift.cli.gate import gate_app
from ringrift.cli.options import EXIT_FAILED, EXIT_USAGE
from ringrift.cli.play import play_command
from ringrift.cli.rules import rules_app
from ringrift.cli.tune import tune_command
from ringrift.errors import LONGEST, InvalidInput, RingRiftError, cut, printable
from ringrift.progress import with_progress


class _Verbs(TyperGroup):
    """The verbs. Typer takes an EOFError of a file that was cut for the end of a dialog, and says "Aborted."."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            raise RuntimeError("a file or an answer ended too early") from error


app = typer.Typer(
    name="ringrift",
    cls=_Verbs,
    help="Train RingRift game AIs: selfplay, training data, networks, tournaments, ratings, gates.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(rules_app, name="rules")
app.add_typer(bench_app, name="bench")
app.add_typer(games_app, name="games")
app.add_typer(gate_app, name="gate")
app.command("play")(play_command)
app.command("tune")(tune_command)


@app.command()
def warmup() -> None:
    """Compile the Numba kernels ahead of their first use (once per version, two to three minutes)."""
    from ringrift.cli.warmup import STEPS, warm_up

    with_progress(len(STEPS), warm_up)
    print("kernels are compiled")


def _add_platform_verbs() -> None:
    """Add the verbs that read the store, then `run`, `ui` and others, or a stand-in that says how to install them."""
    for verbs in ("status", "models", "store"):
        importlib.import_module(f"ringrift_assets.cli.{verbs}").register(app)
    if importlib.util.find_spec("dagster") is None:
        for verb in ("run", "ui", "screenshots"):

            def missing() -> None:
                raise RingRiftError("this verb needs the platform extra: pip install 'ringrift-assets[platform]'")

            app.command(verb, help="Needs the platform extra.")(missing)
        return
    importlib.import_module("ringrift_assets.cli.verbs").register(app)


def main() -> None:
    """Entry point: errors are one line on stderr with exit code 1, wrong usage exits with 2."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    sys.argv = [re.sub(r"^--config-key(?=$|=)", "--configs", word) for word in sys.argv]  # a hidden alias
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
    print(f"ringrift: {printable(cut(str(error), 3 * LONGEST))}", file=sys.stderr)
    raise SystemExit(code)
