"""`ringrift bench trust`: games forged by a host in many ways, and honest ones, put before what proves them.

One host lies: its worker plays honestly, then its shards and manifest are written anew. Another host is honest. The
forged jobs must all be found, the liar set apart and its jobs played by the other; honest games must all hold.
"""

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg

from resources.hosts.host import KNOWN_HOSTS_VARIABLE
from resources.runtime import SET_ASIDE, Runtime
from resources.store.home import Home
from resources.store.trust import quarantines
from resources.transports.base import Transport
from ringrift.bench.report import Measure, report
from ringrift.config import parse_config
from ringrift.files import write_json
from ringrift.gamesets.schema import SEARCH_COLUMNS, GameOrigin, GameOutcome, make_row, table_of
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.contract import JOBS_FOLDER, MANIFEST, OUT, SPEC, JobSpec, file_sha256
from ringrift.jobs.folder import FolderStatus, Look
from ringrift.kinds.prove import plan_of
from ringrift.matches.plan import GamePlan, PlannedGame
from ringrift.matches.play import play_rows
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.players.participant import participant
from ringrift.specs.prove import GAME_PARAMS
from ringrift.strict import parse
from ringrift_assets.devtools.sshd import Sshd, hosts_file, python_here
from ringrift_assets.steps.trust import Proof, run_proved

CONFIG = "hex8_2p"
MODES = ("random-only", "heuristic-only", "minimax-only", "mcts-only", "descent-only")
GAMES = 8  # of a forged job
LIAR, HONEST = "liar", "honest"

Row = dict[str, Any]
Rows = list[Row]


def _again(rows: Rows, plan: GamePlan, change: Callable[[PlannedGame], PlannedGame]) -> Rows:
    """The games played by others or from elsewhere, under the names and numbers of the planned ones."""
    other = replace(plan, game=lambda index: change(plan.game(index)))
    played = play_rows(other, [row["game_index"] for row in rows])
    kept = ("seed", "participants")
    return [{**new, **{name: row[name] for name in kept}} for row, new in zip(rows, played, strict=True)]


def _others(plan: GamePlan, difficulty: int) -> Callable[[PlannedGame], PlannedGame]:
    weak = participant("random" if difficulty == 1 else "heuristic", plan.config, difficulty)
    return lambda game: game._replace(seats=[weak] * len(game.seats))


def _rebuilt(row: Row, **changes: Any) -> Row:
    """A row with other content, its hash and count as they should be."""
    row = {**row, **changes}
    origin = GameOrigin(
        config=parse_config(row["config"]),
        options=json.loads(row["options"]),
        **{
            name: row[name]
            for name in ("iteration", "source", "job", "game_index", "seed", "participants", "opening_plies")
        },
    )
    ended = GameOutcome(**{name: row[name] for name in ("winner", "ranking", "victory", "capped")})
    search = {name: row[name] for name in SEARCH_COLUMNS} if row["search_plies"] is not None else None
    return make_row(origin, row["moves"], ended, search=search)


def _seats_swapped(rows: Rows, plan: GamePlan) -> Rows:
    return [_rebuilt(row, participants=row["participants"][::-1], seed=row["seed"] ^ 1) for row in rows]


def _cut_off(rows: Rows, plan: GamePlan) -> Rows:
    nothing = {"winner": None, "ranking": None, "victory": None, "capped": True, "search_plies": None}
    return [_rebuilt(row, moves=row["moves"][: plan.opening_plies + 2], **nothing) for row in rows]


def _targets_invented(rows: Rows, plan: GamePlan) -> Rows:
    def invented(row: Row) -> Row:
        move = row["moves"][plan.opening_plies]
        searched = {"search_plies": [plan.opening_plies], "search_codes": [[move]], "search_visits": [[9]]}
        return _rebuilt(row, **searched, search_values=[1 if row["search_values"] != [1] else 2])

    return [invented(row) for row in rows]


def _shifted(rows: Rows, plan: GamePlan) -> Rows:
    """Each game under the number of its neighbour."""
    names = ("game_index", "seed", "participants")
    return [{**row, **{name: rows[i - 1][name] for name in names}} for i, row in enumerate(rows)]


FORGERIES: dict[str, Callable[[Rows, GamePlan], Rows]] = {
    "weak but legal games": lambda rows, plan: _again(rows, plan, _others(plan, 1)),
    "a weaker player than named": lambda rows, plan: _again(rows, plan, _others(plan, 2)),
    "games of other seeds": lambda rows, plan: _again(rows, plan, lambda game: game._replace(seed=game.seed ^ 1)),
    "other openings": lambda rows, plan: _again(rows, plan, lambda game: game._replace(opening_key=("other",))),
    "seats and seeds swapped": _seats_swapped,
    "games under other numbers": _shifted,
    "rows of another job": lambda rows, plan: [{**row, "job": "another"} for row in rows],
    "rows of another iteration": lambda rows, plan: [{**row, "iteration": row["iteration"] + 1} for row in rows],
    "a row nobody planned": lambda rows, plan: [*rows, {**rows[-1], "game_index": 10_000}],
    "a game twice": lambda rows, plan: [*rows[:-1], {**rows[0]}],
    "a wrong winner": lambda rows, plan: [_rebuilt(rows[0], winner=3 - rows[0]["winner"]), *rows[1:]],
    "games cut off": _cut_off,
    "search targets invented": _targets_invented,
}
"""What a host may do with the rows of a job, by name."""


def forge(folder: Path, change: Callable[[Rows, GamePlan], Rows]) -> None:
    """Write the shards of a finished job anew, and its manifest so that it verifies."""
    spec = JobSpec.model_validate_json((folder / SPEC).read_bytes())
    manifest = json.loads((folder / OUT / MANIFEST).read_bytes())
    paths = [folder / OUT / entry["name"] for entry in manifest["shards"]]
    rows = [row for path in paths for row in read_shard(path).to_pylist()]
    forged = change(rows, plan_of(parse(GAME_PARAMS[spec.kind], spec.params, spec.name)))
    for path in paths[1:]:
        path.unlink()
    write_shard(paths[0], table_of(forged))
    entry = {"name": paths[0].name, "rows": len(forged), "bytes": paths[0].stat().st_size}
    manifest["shards"] = [{**entry, "sha256": file_sha256(paths[0])}]
    write_json(folder / OUT / MANIFEST, manifest)


def make_liar(transport: Transport, jobs: Path, change_of: Callable[[str], str]) -> None:
    """Let a transport's host forge each of its finished jobs, whose folders are in `jobs`, in the way of that job."""
    done: set[str] = set()
    honest = transport.look

    def look(job: str, offset: int) -> Look:
        found = honest(job, offset)
        if found.manifest is None or found.alive or job in done:
            return found if job in done else Look(found.alive, found.messages, None)
        forge(jobs / job, FORGERIES[change_of(job)])
        done.add(job)
        return honest(job, offset)

    transport.look = look  # type: ignore[method-assign]


def bench_trust(
    forgeries: int = 50, honest: int = 2000, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """The benchmark's report: `forgeries` forged jobs, half of them over SSH, and `honest` games of five engines."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ringrift-trust-") as name, ExitStack() as stack:
        folder = Path(name)
        for way, number in (("local", forgeries - forgeries // 2), ("ssh", forgeries // 2)):
            progress(f"{number} forged jobs, {way}")
            rows += forged_jobs(folder / way, way, number, stack)
        progress(f"{honest} honest games")
        false, proof, spent = honest_games(folder / "honest", honest)
    caught = sum(row["caught"] for row in rows)
    measures = [
        Measure("forged", len(rows), "jobs"),
        Measure("caught", caught, "jobs", bar=float(len(rows))),
        Measure("kinds", len({row["forgery"] for row in rows}), "", bar=10.0),
        Measure("played_again_elsewhere", sum(row["replaced"] for row in rows), "jobs", bar=float(len(rows))),
        Measure("honest_games", proof.of, "games"),
        Measure("honest_proved", proof.games, "games"),
        Measure("false_alarms", false, "hosts", bar=0.0, better="lower"),
        Measure("proof_cpu_share", proof.cpu_s / max(spent, 1e-9), "", bar=0.06, better="lower"),
    ]
    return report("trust", rows, measures)


def forged_jobs(folder: Path, way: str, number: int, stack: ExitStack) -> Rows:
    """One row a forged job of a liar that is reached in this way: was it caught, and has an honest host played it?"""
    if not number:
        return []
    runtime = _runtime(folder, way, stack)
    known = runtime.transport
    kinds = list(FORGERIES)
    names = {f"forged{i}": kinds[i % len(kinds)] for i in range(number)}
    modes = [mode for mode in MODES if mode != "random-only"]  # whose games weak play would equal
    specs = _jobs(runtime.pipeline, {name: modes[i % len(modes)] for i, name in enumerate(names)}, GAMES)
    by_id = {spec.job_id: names[spec.params["job"]] for spec in specs}
    hosts = {host.name: host for host in runtime.hosts}
    where = Path(hosts[LIAR].ringrift_path or "") / JOBS_FOLDER
    reached = {name: runtime.transport(host) for name, host in hosts.items()}
    runtime.transport = lambda host: reached[host.name] if host.name in reached else known(host)  # type: ignore[method-assign]
    make_liar(reached[LIAR], where, lambda job: by_id[job])
    let_wait(reached[HONEST], lambda: LIAR not in quarantines(runtime.home))
    results, _ = run_proved(_context(), runtime, specs, capability="selfplay")
    caught = {place.name.rpartition("-")[0] for place in (runtime.home.root / SET_ASIDE).glob("*")}
    return [
        {
            "way": way,
            "forgery": by_id[result.spec.job_id],
            "engine": result.spec.params["engine"],
            "caught": int(result.spec.job_id in caught),
            "replaced": int(result.host == HONEST and result.status == "done"),
        }
        for result in results
    ]


def let_wait(transport: Transport, waits: Callable[[], bool]) -> None:
    """Let a host have no free slot for a while, so that the other gets every job."""
    status = transport.status

    def full() -> FolderStatus:
        return replace(status(), free_slots=0) if waits() else status()

    transport.status = full  # type: ignore[method-assign]


def honest_games(folder: Path, games: int) -> tuple[int, Proof, float]:
    """(hosts set apart, the proof, CPU seconds of play) of honest games, proved as the pipeline says."""
    runtime = _runtime(folder, "local", ExitStack())
    each = max(1, games // len(MODES))
    specs = _jobs(runtime.pipeline, {f"honest{i}": mode for i, mode in enumerate(MODES)}, each)
    results, proof = run_proved(_context(), runtime, specs, capability="selfplay")
    spent = sum(result.manifest.worker["cpu_s"] for result in results if result.manifest)
    return len(proof.set_apart), proof, spent


def _context() -> dg.AssetExecutionContext:
    """What run_proved needs of a step: a log."""
    log = logging.getLogger(__name__)
    log.setLevel(logging.CRITICAL)
    return cast(dg.AssetExecutionContext, SimpleNamespace(log=log))


def _runtime(folder: Path, way: str, stack: ExitStack) -> Runtime:
    """A home with two hosts that nobody trusts, this machine in both cases."""
    folder.mkdir()
    pipeline, hosts = folder / "pipeline.yaml", folder / "hosts.yaml"
    pipeline.write_text("configs: [hex8_2p]\npolling: {first_s: 0.05, interval_s: 0.2}\n")
    if way == "local":
        entry = "  {name}: {{class: local, role: all, trusted: false, ringrift_path: {path}, max_parallel_jobs: 1}}\n"
        lines = [entry.format(name=name, path=folder / name) for name in (LIAR, HONEST)]
        hosts.write_text("hosts:\n" + "".join(lines))
    else:
        server = Sshd(folder / "sshd")
        stack.callback(server.stop)
        python = python_here(folder)
        hosts_file(hosts, *(server.host(name, folder / name, python, max_parallel_jobs=1) for name in (LIAR, HONEST)))
        stack.enter_context(_variable(KNOWN_HOSTS_VARIABLE, str(server.known_hosts)))
    return Runtime(Home(folder / "home").prepare(), pipeline, hosts)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _jobs(pipeline: Pipeline, modes: dict[str, str], games: int) -> list[JobSpec]:
    """Selfplay jobs by name, of quick players."""
    jobs = [
        {"name": name, "config": CONFIG, "engine": mode, "games": games, "difficulty": 2, "opening_plies": 4}
        for name, mode in modes.items()
    ]
    planned = parse(Pipeline, {**pipeline.model_dump(), "selfplay": {"jobs": jobs}}, "bench")
    return plan_jobs(planned, parse_config(CONFIG), 0).jobs
