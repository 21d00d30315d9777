"""`ringrift hosts`: which machines there are, how they are, and preparing one for its first job."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from resources.hosts.file import load_hosts
from resources.hosts.host import CAPABILITIES, Host
from resources.store.home import Home
from resources.store.trust import let_back, quarantines
from resources.transports.base import Transport, reason
from ringrift.errors import InvalidInput, RingRiftError

WIDTH = 200
EXIT_FAILED = 1
SKEW_S = 5.0  # a clock further off is worth a word; jobs do not depend on it

hosts_app = typer.Typer(help="Hosts of the hosts file: list, check, bootstrap, trust.", no_args_is_help=True)
NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[HOST]...", help="Host names; default: all.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


@hosts_app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List hosts: class, address, capabilities, slots, memory, and why a host is not in use."""
    rows = [_listed(host) for host in load_hosts()]
    _show(rows, as_json)


@hosts_app.command("check")
def check_command(names: NamesArgument = None, as_json: JsonOption = False) -> None:
    """Connect to hosts and show versions, utilization, clock and slots; exit 1 if a ready host fails."""
    hosts = _chosen(names)
    with ThreadPoolExecutor(max(len(hosts), 1)) as pool:
        rows = list(pool.map(_checked, hosts))
    _show(rows, as_json)
    if any(row["problem"] and row["status"] == "ready" for row in rows):
        raise typer.Exit(EXIT_FAILED)


@hosts_app.command("trust")
def trust_command(
    names: Annotated[list[str], typer.Argument(metavar="HOST...", help="Names of hosts that are set apart.")],
) -> None:
    """Let hosts play again that were set apart because games they brought did not hold."""
    home = Home()
    apart = quarantines(home)
    for name in names:
        if name not in apart:
            raise InvalidInput("host", name, f"set apart are {', '.join(apart) or 'none'}")
    for name in names:
        let_back(home, name)
        print(f"{name} may play again; it was set apart: {apart[name].reason} ({apart[name].job})")


@hosts_app.command("bootstrap")
def bootstrap_command(
    names: Annotated[list[str], typer.Argument(metavar="HOST...", help="Names of SSH hosts.")],
    dependencies: Annotated[
        bool, typer.Option(help="Also install the dependencies, from the host's package index.")
    ] = True,
    warm: Annotated[bool, typer.Option(help="Compile the kernels on the host (two to three minutes).")] = True,
) -> None:
    """Install the worker on hosts: package, environment, compiled kernels, handshake. Repeatable."""
    from resources.ssh.bootstrap import bootstrap

    failed = False
    with Console(stderr=True).status("starting") as shown:
        for host in _chosen(names):
            if host.is_local:
                raise InvalidInput("host", host.name, "it is this machine; only hosts reached by SSH are prepared")
            try:
                found = bootstrap(host, dependencies=dependencies, warm=warm, progress=shown.update)
                print(f"{host.name}: ringrift {found['version']}, contract {found['contract']}, {found['python']}")
            except RingRiftError as error:
                failed = True
                print(f"{host.name}: {reason(error, host.name)}")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _chosen(names: Sequence[str] | None) -> list[Host]:
    hosts = {host.name: host for host in load_hosts()}
    for name in names or ():
        if name not in hosts:
            raise InvalidInput("host", name, f"the hosts file has {', '.join(hosts)}")
    return [hosts[name] for name in names] if names else list(hosts.values())


def _listed(host: Host) -> dict[str, Any]:
    """A row of the list. `not in use` is the reason that holds for every capability it should have."""
    apart = quarantines(Home()).get(host.name)
    reasons = [why for capability in (host.allows or CAPABILITIES) if (why := host.ineligible_reason(capability))]
    return {
        "host": host.name,
        "class": host.host_class,
        "address": "this machine" if host.is_local else f"{host.ssh_user or ''}@{host.address}:{host.port}",
        "may": ", ".join(host.allows) or "-",
        "slots": host.max_parallel_jobs or host.cpus,
        "memory_gb": host.memory_gb,
        "gpu": host.gpu,
        "status": host.status,
        "problem": str(apart) if apart else reasons[0] if reasons else None,
    }


def _checked(host: Host) -> dict[str, Any]:
    """A row of the check; `problem` is None for a host that is as it should be."""
    row: dict[str, Any] = {"host": host.name, "class": host.host_class, "status": host.status, "problem": None}
    idle = host.status == "ready" and not host.allows  # as a coordinator is meant to be; it should answer all the same
    if why := None if idle else host.ineligible_reason(next(iter(host.allows), "selfplay")):
        return row | {"problem": why}
    try:
        return row | (_here(host) if host.is_local else _there(host))
    except RingRiftError as error:
        return row | {"problem": reason(error, host.name)}


def _here(host: Host) -> dict[str, Any]:
    from resources.transports.local import LocalTransport
    from ringrift.jobs.agent import greeting

    with_jobs = LocalTransport(host, Home().root)
    return _facts(with_jobs, greeting(with_jobs))


def _there(host: Host) -> dict[str, Any]:
    from resources.ssh.transport import SshTransport
    from ringrift.jobs.agent import code_digest

    transport = SshTransport(host)
    try:
        hello = transport.connection.patiently(transport.hello)
        facts = _facts(transport, hello)
    finally:
        transport.close()
    if hello["code"] != code_digest():
        facts["note"] = f"its package differs from this one; to play alike: ringrift hosts bootstrap {host.name}"
    if abs(facts["skew_s"]) > SKEW_S:
        facts["note"] = "; ".join(filter(None, [facts["note"], f"its clock is {facts['skew_s']:+.0f} s off"]))
    return facts


def _facts(transport: Transport, hello: dict[str, Any]) -> dict[str, Any]:
    use = transport.probe()
    return {
        "version": f"{hello['version']} (contract {hello['contract']}, Python {hello['python']})",
        "system": f"{hello['system']} {hello['machine']}",
        **{name.upper(): None if use[name] is None else f"{use[name]:.0f}%" for name in ("cpu", "mem", "disk", "gpu")},
        "memory_gb": use["memory_gb"],
        "disk_free_gb": use["disk_free_gb"],
        "slots": f"{hello['free_slots']} of {hello['slots']} free",
        "skew_s": round(transport.skew_s(), 2),
        "note": "",
    }


def _show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"hosts": list(rows)}))
        return
    columns = list(dict.fromkeys(name for row in rows for name in row if name != "problem"))
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*("-" if row.get(name) in (None, "") else str(row[name]) for name in columns))
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    console.print(table)
    for row in rows:
        if row["problem"]:
            console.print(f"{row['host']}: {row['problem']}", markup=False, highlight=False, soft_wrap=True)


def remote_transports(hosts: Sequence[Host], say: Callable[[str], None]) -> list[Transport]:
    """Connected transports to the ready hosts reached by SSH; those that do not answer are told to `say`."""
    from resources.ssh.transport import SshTransport

    found: list[Transport] = []
    for host in hosts:
        if host.is_local or host.status != "ready":
            continue
        transport = SshTransport(host)
        try:
            transport.hello()
            found.append(transport)
        except RingRiftError as error:
            say(str(error))
    return found
