"""`ringrift bench chaos`: kill workers, run processes and the command itself, and compare with an undisturbed run.

Then 50 bad games are planted among honest ones and put before the same job that guards the training data.
"""

import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from resources.store.home import Home
from resources.store.store import Store
from ringrift import names
from ringrift.bench.report import Measure, report
from ringrift.gamesets.game_hash import game_dict, hash_game
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.contract import JOBS_FOLDER, OUT, SPEC
from ringrift.jobs.inputs import input_file
from ringrift.specs.store_jobs import VerifyParams
from ringrift_assets.devtools.kills import HOSTS, HOSTS_FILE, KNOWN_HOSTS, Disturbance, Victim, environment, run_to_end
from ringrift_assets.devtools.sshd import Sshd, hosts_file, python_here

CONFIGS = ("square8_2p", "square8_3p")  # two, so that each is made in a process of its own
PIPELINE = """
configs: [square8_2p, square8_3p]
selfplay:
  min_games: 1
  chunk_games: 100
  jobs:
    - {name: square8_2p_heuristic, config: square8_2p, engine: heuristic-only, games: 200}
    - {name: square8_3p_heuristic, config: square8_3p, engine: heuristic-only, games: 60}
evaluation:
  anchor_blocks: 1
  matchups: []
  round_robin: {blocks: 1}
  network_simulations: 8
cmaes: {population: 4, games_per_evaluation: 4, replicas: 1, proofs: 1, generations: {square8_2p: 2, square8_3p: 1}}
training: {value: {epochs: 2, max_row_uses: 1}, min_games: {square8_3p: 1000}}  # one learns, one cannot
gate: {max_blocks: 16}
tiers: {ladder: [D2]}  # at the top: the candidate's gate is one of its kind
polling: {first_s: 0.1, interval_s: 0.3}
"""
GAME_ASSETS = (names.SELFPLAY_GAMES, names.TOURNAMENT_GAMES, names.TRAINING_DB)
GAMES = names.GAMES_FILE
PLANTED = 50
FIRST_PLANTED = 1_000_000  # game index; honest games have lower ones, so of two equal games the honest is first
WINDOW = (0.05, 0.3)  # a kill follows the one before after such a share of the undisturbed run's time
ROUNDS = 20  # a round that ends before its kills are done is followed by another one

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calm:
    """A run that nobody disturbed: its home, its pipeline file, and the seconds it took."""

    home: Home
    pipeline: Path
    wall_s: float


def run_calmly(folder: Path) -> Calm:
    """Run the pipeline in `folder`, on this machine."""
    home, pipeline = Home(folder / "calm"), folder / "pipeline.yaml"
    pipeline.write_text(PIPELINE)
    return Calm(home, pipeline, run_to_end(home, pipeline))


def bench_chaos(
    kills: int = 5,
    seed: int = 1,
    progress: Callable[[str], None] = lambda text: None,
    *,
    ssh: bool = False,
    calm: Calm | None = None,
) -> dict[str, Any]:
    """The benchmark's report. `kills` ≥ 1 processes are killed at moments drawn from `seed`.

    With `ssh` the disturbed runs work on two hosts reached by SSH, and their connections are among the victims; the
    undisturbed one works here, unless it is given.

    Raises ChaosFailed when a run does not come to its end although it is started again and again.
    """
    rows: list[Row] = []
    equal, lost, duplicated, rng = True, 0, 0, random.Random(seed)
    turns: list[Victim] = []  # they go on from round to round
    with tempfile.TemporaryDirectory(prefix="ringrift-chaos-") as name, ExitStack() as stack:
        folder = Path(name)
        servers = [stack.enter_context(_server(folder / f"sshd{number}")) for number in range(2 if ssh else 0)]
        if calm is None:
            progress("the undisturbed run")
            calm = run_calmly(folder)
        for number in range(ROUNDS):
            if len(rows) >= kills:
                break
            progress(f"round {number + 1}, {len(rows)} of {kills} kills")
            window = WINDOW[0] * calm.wall_s, WINDOW[1] * calm.wall_s
            disturbance = Disturbance(kills - len(rows), rng, window, turns=turns)
            home = Home(folder / f"round{number + 1}")
            if servers:
                _use_hosts(home, servers)
                disturbance.connections = lambda: [process for server in servers for process in server.connections()]
            run_to_end(home, calm.pipeline, disturbance)
            turns = disturbance.turns
            rows += [{"round": number + 1, **asdict(kill)} for kill in disturbance.done]
            equal = equal and digests(home) == digests(calm.home)
            more = compare_games(games_of(calm.home), games_of(home))
            lost, duplicated = lost + more[0], duplicated + more[1]
        progress("planting bad games")
        caught, false_rejects = catch_planted(calm.home, folder / "planted", rng)
    return report(
        "chaos",
        rows,
        [
            Measure("kills", len(rows), "", kills),
            Measure("hash_equal", int(equal), "", 1),
            Measure("games_lost", lost, "", 0, "lower"),
            Measure("games_duplicated", duplicated, "", 0, "lower"),
            Measure("forged_caught_share", caught / PLANTED, "", 1),
            Measure("false_rejects", false_rejects, "", 0, "lower"),
        ],
    )


@contextmanager
def _server(folder: Path) -> Iterator[Sshd]:
    server = Sshd(folder)
    try:
        yield server
    finally:
        server.stop()


def _use_hosts(home: Home, servers: Sequence[Sshd]) -> None:
    """Give the home a hosts file with one host behind each server and none beside, their folders in the home."""
    home.root.mkdir(parents=True)
    python = python_here(home.root)
    hosts = [
        server.host(f"host{number}", home.root / HOSTS / f"host{number}", python, max_parallel_jobs=1)
        for number, server in enumerate(servers)
    ]
    hosts_file(home.root / HOSTS_FILE, *hosts)
    (home.root / KNOWN_HOSTS).write_text("".join(server.known_hosts.read_text() for server in servers))


def digests(home: Home) -> dict[tuple[str, str, int], str]:
    """Content digest of every stored partition of the pipeline's configs."""
    store = Store(home.store)
    assets = sorted(path.name for path in home.store.iterdir())
    found = (
        record for asset in assets for config in CONFIGS for record in store.upto(asset, config, names.LAST_ITERATION)
    )
    return {(record.asset, record.config, record.iteration): record.content_digest for record in found}


def games_of(home: Home) -> list[tuple[str, str, str, int, str]]:
    """(asset, config, job, game index, hash) of every game in the store."""
    store = Store(home.store)
    found = []
    for asset in GAME_ASSETS:
        for config in CONFIGS:
            table = read_shard(store.path(store.need(asset, config, 0), GAMES))
            columns = (table[name].to_pylist() for name in ("job", "game_index", "game_hash"))
            found += [(asset, config, *row) for row in zip(*columns, strict=True)]
    return found


def compare_games(
    want: list[tuple[str, str, str, int, str]], have: list[tuple[str, str, str, int, str]]
) -> tuple[int, int]:
    """(games lost, games duplicated): those of `want` that are not in `have`, and places held more than once."""
    lost = (Counter(want) - Counter(have)).total()
    places = Counter(game[:-1] for game in have)
    return lost, sum(count - 1 for count in places.values())


# --- planted games ----------------------------------------------------------------------------------------


def _rehashed(row: Row) -> Row:
    """A forger computes hash and plies anew."""
    return row | {"game_hash": hash_game(game_dict(row)), "plies": len(row["moves"])}


BAD: tuple[Callable[[Row], Row], ...] = (
    lambda row: row,  # the same game once more
    lambda row: _rehashed(row | {"moves": row["moves"][1:]}),  # not the first move
    lambda row: _rehashed(row | {"moves": [*row["moves"], row["moves"][-1]]}),  # a move after the end
    lambda row: _rehashed(row | {"winner": 3 - row["winner"], "ranking": row["ranking"][::-1]}),  # the loser won
    lambda row: _rehashed(row | {"moves": row["moves"][:-1]}),  # not the last move
    lambda row: row | {"game_hash": f"{int(row['game_hash'], 16) ^ 1:016x}"},  # a hash of nothing
)


def catch_planted(home: Home, folder: Path, rng: random.Random) -> tuple[int, int]:
    """(bad games caught, honest games refused) by a verify job over the home's training games and PLANTED bad ones."""
    store = Store(home.store)
    honest = read_shard(store.path(store.need(names.TRAINING_DB, CONFIGS[0], 0), GAMES)).to_pylist()
    planted = []
    for number in range(PLANTED):
        bad = BAD[number % len(BAD)](rng.choice(honest))
        planted.append(bad | {"game_index": FIRST_PLANTED + number})
    mixed = [*honest, *planted]
    rng.shuffle(mixed)
    kept = _verified(Home(folder), table_of(mixed))["game_index"].to_pylist()
    passed = sum(index >= FIRST_PLANTED for index in kept)
    return PLANTED - passed, len(honest) - (len(kept) - passed)


def _verified(home: Home, table: pa.Table) -> pa.Table:
    """What a worker's verify job keeps of a game set."""
    home.root.mkdir(parents=True)
    write_shard(home.root / GAMES, table)
    params = VerifyParams(config=CONFIGS[0], games=input_file(home.root, home.root / GAMES), earlier=[])
    spec = params.spec(asset=names.TRAINING_DB, config=CONFIGS[0], iteration=0, name="verify")
    job = home.root / JOBS_FOLDER / spec.job_id
    job.mkdir(parents=True)
    (job / OUT).mkdir()
    (job / SPEC).write_text(spec.canonical())
    command = [sys.executable, "-m", "ringrift.jobs.worker", "run", str(job)]
    subprocess.run(command, env=dict(environment(home)), check=True, capture_output=True)
    return read_shard(job / OUT / GAMES)
