"""Running `ringrift run` to its end while its processes are killed at random moments.

Only processes of the run's own home are ever killed: the command this module started, its children, and workers whose
command line names a job directory of that home.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import psutil

from resources.hosts.file import HOSTS_VARIABLE
from resources.hosts.host import KNOWN_HOSTS_VARIABLE
from resources.store.home import HOME_VARIABLE, Home
from ringrift.jobs.contract import JOBS_FOLDER, STATE

Victim = Literal["worker", "child", "run", "connection"]
VICTIMS: tuple[Victim, ...] = ("worker", "child", "run")
HOSTS, HOSTS_FILE, KNOWN_HOSTS = "hosts", "hosts.yaml", "known_hosts"  # in the home: hosts reached by SSH, if any
OTHER_VARIABLES = (
    "RINGRIFT_PIPELINE",
    "RINGRIFT_HOSTS",
    "RINGRIFT_GAMES_SCALE",
    "RINGRIFT_DAGSTER_CONFIG",
    "DAGSTER_HOME",
)
LOOK_S = 0.02
RUN_TIMEOUT_S = 600.0  # of one command; a run that hangs is a failure, not a reason to wait for ever
RESTARTS = 10  # commands in a row that end badly without having been killed


class ChaosFailed(RuntimeError):
    """The run did not come to its end although nobody disturbed it any more."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One process that was ended by SIGKILL, `after_s` seconds after the command or the kill before."""

    victim: Victim
    pid: int
    after_s: float


@dataclass(slots=True)
class Disturbance:
    """The kills still to come and those done.

    Each is due a time uniform in `window_s` (seconds) after the command's start or the kill before; each kind of
    victim has its turn before any has a second one. `connections` finds the processes of open SSH connections; with it
    they are a kind of victim too.
    """

    left: int
    rng: random.Random
    window_s: tuple[float, float]
    done: list[Kill] = field(default_factory=list)
    turns: list[Victim] = field(default_factory=list)
    connections: Callable[[], list[psutil.Process]] | None = None

    def next_victim(self) -> Victim:
        """Whose turn it is."""
        if not self.turns:
            kinds: tuple[Victim, ...] = VICTIMS if self.connections is None else (*VICTIMS, "connection")
            self.turns = self.rng.sample(kinds, len(kinds))
        return self.turns[-1]

    def killed(self, kill: Kill) -> None:
        """Enter a kill that was done."""
        self.turns.pop()
        self.left -= 1
        self.done.append(kill)


def run_to_end(home: Home, pipeline: Path, disturbance: Disturbance | None = None) -> float:
    """Run one iteration in `home`, restarting the same command until it ends well; returns the seconds it took.

    Raises ChaosFailed with the command's last words when it ends badly again and again, or hangs.
    """
    started, bad = time.monotonic(), 0
    home.root.mkdir(parents=True, exist_ok=True)
    try:
        while True:
            before = len(disturbance.done) if disturbance else 0
            code = _run_once(home, pipeline, disturbance)
            if code == 0:
                return time.monotonic() - started
            bad = 0 if disturbance and len(disturbance.done) > before else bad + 1
            if bad >= RESTARTS:
                raise ChaosFailed(f"`ringrift run` ended with {code}: {_log(home).read_text()[-3000:]}")
    finally:
        for process in workers(home):
            process.kill()


def _run_once(home: Home, pipeline: Path, disturbance: Disturbance | None) -> int:
    """Start the command, kill what is due, and wait for its end; returns its exit code."""
    with _log(home).open("ab") as log:
        process = _start(home, pipeline, log)
        deadline = time.monotonic() + RUN_TIMEOUT_S
        try:
            since = time.monotonic()
            moment = _moment(disturbance)
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise ChaosFailed(f"`ringrift run` did not end within {RUN_TIMEOUT_S:g} s; see {_log(home)}")
                if disturbance and disturbance.left and time.monotonic() - since >= moment[1]:
                    kill = _kill(home, process.pid, moment[0], time.monotonic() - since, disturbance.connections)
                    if kill is not None:
                        disturbance.killed(kill)
                        since, moment = time.monotonic(), _moment(disturbance)
                time.sleep(LOOK_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    return process.returncode


def _moment(disturbance: Disturbance | None) -> tuple[Victim, float]:
    """Who is next, and when."""
    if disturbance is None or not disturbance.left:
        return "worker", float("inf")
    return disturbance.next_victim(), disturbance.rng.uniform(*disturbance.window_s)


def _start(home: Home, pipeline: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ringrift.cli", "run", "--config", str(pipeline), "--json"]
    return subprocess.Popen(
        command, env=environment(home), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )


def environment(home: Home) -> Mapping[str, str]:
    """The variables of a process that works in `home` with nothing else set."""
    kept = {name: value for name, value in os.environ.items() if name not in OTHER_VARIABLES}
    if (home.root / HOSTS_FILE).is_file():
        kept |= {
            HOSTS_VARIABLE: str(home.root / HOSTS_FILE),
            KNOWN_HOSTS_VARIABLE: str(home.root / KNOWN_HOSTS),
        }
    return {**kept, HOME_VARIABLE: str(home.root)}


def _log(home: Home) -> Path:
    return home.root / "run.log"


def _kill(
    home: Home,
    run: int,
    victim: Victim,
    after_s: float,
    connections: Callable[[], list[psutil.Process]] | None = None,
) -> Kill | None:
    """Kill a process of the kind; None when there is none now."""
    find: dict[Victim, Callable[[], list[psutil.Process]]] = {
        "worker": lambda: workers(home),
        "child": lambda: _children(run),
        "run": lambda: [psutil.Process(run)],
        "connection": connections or (list),
    }
    try:
        for process in find[victim]():
            process.kill()
            return Kill(victim, process.pid, round(after_s, 2))
    except psutil.NoSuchProcess:
        pass  # it ended by itself while we looked
    return None


def _children(run: int) -> list[psutil.Process]:
    """The processes in which the run's partitions are made; not the workers, not Python's own helpers."""
    servers = [
        child for child in psutil.Process(run).children() if "multiprocessing.forkserver" in " ".join(_words(child))
    ]
    return [child for server in servers for child in server.children()]


def workers(home: Home) -> list[psutil.Process]:
    """The living workers of the home's jobs, whoever is their parent."""
    found = []
    folders = [home.root, *(home.root / HOSTS).glob("*")]
    for path in sorted(path for folder in folders for path in (folder / JOBS_FOLDER).glob(f"*/{STATE}")):
        try:
            process = psutil.Process(json.loads(path.read_text())["pid"])
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue
        if str(path.parent) in " ".join(_words(process)):  # not a later process that got the number
            found.append(process)
    return found


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return []
