"""`python -m ringrift_assets.web.server`: Dagster's web server, arguments and all, with the guard before it."""

import os
import sys
from itertools import pairwise

from dagster_webserver import cli
from starlette.applications import Starlette

from ringrift_assets.web.guard import READ_ONLY_VARIABLE, Guard, policy_of

HOST_OPTIONS = ("-h", "--host")


def serve(arguments: list[str]) -> None:
    """Run the web server. Raises InvalidInput where it would listen beyond loopback without a token."""
    named = [value for option, value in pairwise(arguments) if option in HOST_OPTIONS]
    policy = policy_of(named[-1] if named else "127.0.0.1", os.environ)
    make = cli.create_app_from_workspace_process_context

    def guarded(*args: object, **more: object) -> Starlette:
        app: Starlette = make(*args, **more)  # type: ignore[arg-type]  # Dagster's own arguments
        app.add_middleware(Guard, policy=policy)
        return app

    cli.create_app_from_workspace_process_context = guarded
    read_only = ["--read-only"] if os.environ.get(READ_ONLY_VARIABLE) == "1" else []
    cli.cli([*arguments, *read_only], prog_name="ringrift ui")


if __name__ == "__main__":
    serve(sys.argv[1:])
