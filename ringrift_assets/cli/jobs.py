"""`ringrift jobs`: the jobs of this machine and of the hosts that answer. Dagster is not needed."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from resources.hosts.file import load_hosts
from resources.runner.index import JobView, find_job, list_jobs, local_hosts, view_of
from resources.store.home import Home
from resources.transports.base import Transport, stop
from ringrift.config import parse_config
from ringrift.errors import InvalidInput, printable, printable_lines
from ringrift.jobs.contract import LOG, JobStatus

WIDTH = 200
LOOK_S = 0.5  # between two looks at a job that is followed
EXIT_FAILED = 1

jobs_app = typer.Typer(help="Jobs on all hosts: list, logs, attach, cancel.", no_args_is_help=True)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Job id, or a unique prefix of it.")]


def _transports(local: bool = False) -> list[Transport]:
    """This machine's folders of jobs, and unless `local` the hosts that answer by SSH; the others are told."""
    from ringrift_assets.cli.hosts import remote_transports

    hosts = load_hosts()
    here: list[Transport] = [*local_hosts(Home().root, hosts)]
    return here if local else here + remote_transports(hosts, lambda text: print(text, file=sys.stderr))


@jobs_app.command("list")
def list_command(
    status: Annotated[
        str | None, typer.Option(help=f"Only these, comma separated: {', '.join(get_args(JobStatus))}.")
    ] = None,
    configs: Annotated[str | None, typer.Option("-c", "--configs", help="Only these configs, comma separated.")] = None,
    local: Annotated[bool, typer.Option("--local", help="Only jobs of this machine; connect to no host.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """List jobs: status, host, attempt, progress, age of the last heartbeat, exit code."""
    wanted = _names(status)
    for name in wanted:
        if name not in get_args(JobStatus):
            raise InvalidInput("--status", name, f"use some of {', '.join(get_args(JobStatus))}")
    keys = [parse_config(name).key for name in _names(configs)]
    views = [
        view
        for view in list_jobs(_transports(local))
        if (not wanted or view.status in wanted) and (not keys or view.config in keys)
    ]
    for view in views:
        if not view.config:  # its spec cannot be read
            print(printable(view.error or ""), file=sys.stderr)
    if as_json:
        print(json.dumps({"jobs": [view.to_json() for view in views]}))
    elif not views:
        print(f"no jobs in {Home().root}")
    else:
        console = Console()
        (console if console.is_terminal else Console(width=WIDTH)).print(_table(views))


@jobs_app.command("logs")
def logs_command(
    job: IdArgument,
    lines: Annotated[int, typer.Option("-n", min=0, help="Number of last lines to show.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until the job ends.")] = False,
) -> None:
    """Show the log of a job. Ctrl-C leaves the job running."""
    transport, view = find_job(_transports(), job)
    data = transport.read(view.id, LOG) or b""
    whole = data[: data.rfind(b"\n") + 1] if follow else data
    for line in deque(whole.decode(errors="replace").splitlines(), maxlen=lines):
        print(printable_lines(line), flush=True)
    if not follow:
        return
    offset = len(whole)
    for now in _followed(transport, view):
        ended = now.status != "running"
        data = (transport.read(view.id, LOG, offset) or b"")[: None if ended else 1 << 20]
        whole = data if ended else data[: data.rfind(b"\n") + 1]
        offset += len(whole)
        print(printable_lines(whole.decode(errors="replace")), end="", flush=True)


@jobs_app.command("attach")
def attach_command(job: IdArgument) -> None:
    """Follow a job until it ends; exit 0 if it succeeds, else 1. Ctrl-C leaves the job running."""
    transport, view = find_job(_transports(), job)
    last = ""
    for now in _followed(transport, view):
        view = now
        count = f" {now.done} of {now.total}" if now.total else ""
        text = f"{now.status}{count}, attempt {now.attempt} on {now.host}"
        if text != last:
            print(text, flush=True)
            last = text
    if view.status != "done":
        why = f": {printable(view.error)}" if view.error else ""
        print(f"{view.id} is {view.status}{why}; `ringrift jobs logs {view.id}` shows what it printed")
        raise typer.Exit(EXIT_FAILED)


@jobs_app.command("cancel")
def cancel_command(job: IdArgument) -> None:
    """Stop a job: SIGTERM to its process group, SIGKILL after ten seconds. Finished shards are kept."""
    transport, view = find_job(_transports(), job)
    if not transport.alive(view.id):
        raise InvalidInput("job", view.id, f"only a running job can be cancelled, this one is {view.status}")
    stop([(transport, view.id)])
    print(f"{view.id} on {view.host} is stopped; a new run goes on from its finished shards")


def _followed(transport: Transport, view: JobView) -> Iterator[JobView]:
    """The job again and again; the last one yielded is its end."""
    now: JobView | None = view
    while now is not None:
        yield now
        if now.status != "running":
            return
        time.sleep(LOOK_S)
        now = view_of(transport, view.id)


def _names(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()] if text else []


def _table(views: list[JobView]) -> Table:
    table = Table(box=None)
    table.add_column("job", no_wrap=True)
    for name in ("status", "host"):
        table.add_column(name)
    for name in ("attempt", "progress", "heartbeat", "exit"):
        table.add_column(name, justify="right")
    for view in views:
        progress = f"{view.done}/{view.total}" if view.total else "-"
        age = "-" if view.heartbeat_age_s is None else _age(view.heartbeat_age_s)
        code = "-" if view.exit_code is None else str(view.exit_code)
        table.add_row(
            escape(printable(view.id)), view.status, escape(view.host), str(view.attempt), progress, age, code
        )
    return table


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
