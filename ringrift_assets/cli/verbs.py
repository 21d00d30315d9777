"""The platform's verbs of the `ringrift` command."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from resources.store.home import REPOSITORY, Home
from resources.store.store import Store
from ringrift.errors import InvalidInput, MissingInput
from ringrift_assets.cli import bench as cli_bench
from ringrift_assets.cli.hosts import hosts_app
from ringrift_assets.cli.jobs import jobs_app
from ringrift_assets.cli.run import PipelineOption, ScaleOption, run_command

PORT, LOOPBACK = 3000, "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add the platform's verbs to the main command."""
    app.command("run")(run_command)
    app.command("ui")(ui_command)
    app.command("screenshots")(screenshots_command)
    cli_bench.register(app)
    app.add_typer(jobs_app, name="jobs")
    app.add_typer(hosts_app, name="hosts")


def ui_command(
    config: PipelineOption = None,
    games_scale: ScaleOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback people are asked for RINGRIFT_UI_TOKEN.")
    ] = LOOPBACK,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show everything and let nothing be changed.")] = False,
) -> None:
    """Start the Dagster web server and daemon of this home on 127.0.0.1; Ctrl-C stops them.

    Without --config, materializing uses the pipeline file of the last `ringrift run` in this home.
    """
    from resources.runner.reaper import fail_dead_runs
    from resources.runtime import PIPELINE_VARIABLE, SCALE_VARIABLE
    from resources.store.partition_keys import open_iteration
    from ringrift_assets.devtools.webserver import environment
    from ringrift_assets.runs.iteration import open_instance
    from ringrift_assets.web.guard import READ_ONLY_VARIABLE, policy_of

    policy_of(host, os.environ)
    _check_port(host, port)
    home = Home().prepare()
    with open_instance(home) as instance:
        fail_dead_runs(instance)
        open_iteration(instance, *Store(home.store).iterations())  # the instance may be newer than the store
    variables = {**os.environ, **environment(home)}
    if config is not None:
        if not config.is_file():
            raise MissingInput(f"{config} is not there; give the path of a pipeline file")
        variables[PIPELINE_VARIABLE] = str(config.resolve())
    if games_scale is not None:
        variables[SCALE_VARIABLE] = str(games_scale)
    if read_only:
        variables[READ_ONLY_VARIABLE] = "1"
    shown = f"[{host}]" if ":" in host else host
    print(f"home {home.root}\nhttp://{shown}:{port}", flush=True)
    arguments = ["-w", str(REPOSITORY / "workspace.yaml"), "-h", host, "-p", str(port)]
    os.chdir(REPOSITORY)
    os.execve(sys.executable, [sys.executable, "-m", "ringrift_assets.web.dev", *arguments], variables)


def _check_port(host: str, port: int) -> None:
    """Raise InvalidInput when the web server could not listen there; it would end alone, after its other processes."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        problem = f"nothing can listen on port {port} of {host}: {error.strerror}"
        raise InvalidInput("--port", port, "stop what has it, or use another port", problem=problem) from error


def screenshots_command(
    folder: Annotated[Path, typer.Argument(help="Folder for the PNG files.")],
) -> None:
    """Take screenshots of the web UI of this home (needs chromium)."""
    from ringrift_assets.devtools.screenshots import take

    for path in take(folder):
        print(path)
