"""`ringrift store`: whether the records of a home are as they were written, and taking one that a person changed."""

import json
from typing import Annotated

import typer

from resources.store.home import Home
from resources.store.seals import accept, partitions, problems, unsealed
from resources.store.store import Store
from ringrift import names
from ringrift.cli.options import EXIT_FAILED
from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.progress import progress_bar

store_app = typer.Typer(help="The partitions that this home has stored.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the main command."""
    app.add_typer(store_app, name="store")


@store_app.command("check")
def check_command(as_json: JsonOption = False) -> None:
    """Check every record's seal and every file's hash; exit 1 if something is not as it was written."""
    store = Store(Home().store)
    places = list(partitions(store))
    found: list[str] = []
    with progress_bar() as bar:
        task = bar.add_task("checking", total=len(places))
        for where in places:
            found += problems(store, *where)
            bar.advance(task)
    if as_json:
        print(json.dumps({"partitions": len(places), "problems": found}))
    else:
        for problem in found:
            print(problem)
        print(f"{len(places)} partitions, {len(found)} problems")
    if found:
        raise typer.Exit(EXIT_FAILED)


@store_app.command("accept")
def accept_command(
    asset: Annotated[str | None, typer.Argument(help="The asset, for example tier_assignment.")] = None,
    partition: Annotated[str | None, typer.Argument(help="Config and iteration: 'square8_2p|0003'.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept and shown by `ringrift status`.")] = "",
    all_unsealed: Annotated[
        bool, typer.Option("--unsealed", help="All records that have no seal: those of an older version.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name the records and change nothing.")] = False,
) -> None:
    """Take a record that was changed by hand as it stands: it gets a new seal, and the act is kept and shown."""
    home = Home()
    if all_unsealed:
        wanted = unsealed(Store(home.store))
    elif asset and partition:
        wanted = [(asset, *_parse(partition))]
    else:
        raise InvalidInput("arguments", "none", "name an asset and a partition, or --unsealed")
    if not dry_run:
        for where in wanted:
            accept(home, *where, reason)
    for name, config, iteration in wanted:
        print(f"{'would accept' if dry_run else 'accepted'} {name} {config}|{iteration:04d}")
    if not wanted:
        print("every record has a seal")


def _parse(partition: str) -> tuple[str, int]:
    config, _, iteration = partition.partition("|")
    if not (iteration.isascii() and iteration.isdigit() and int(iteration) <= names.LAST_ITERATION):
        raise InvalidInput("partition", partition, "write it as 'square8_2p|0003'")
    return parse_config(config).key, int(iteration)
