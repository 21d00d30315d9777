"""Options and exit codes that several commands share."""

from typing import Annotated

import typer

EXIT_FAILED, EXIT_USAGE = 1, 2

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
ConfigsOption = Annotated[
    str | None,
    typer.Option("-c", "--configs", help="Board configs, comma separated, for example square8_2p,hexagonal_3p."),
]
