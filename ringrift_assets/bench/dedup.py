"""`ringrift bench dedup`: finding the new games among ten million known ones, against a bare DuckDB anti-join.

Our side is what the training_db step does to tell new games from known ones: `verify.known_keys` of the stored files,
then `games.first_seen` of the new set, which that step has in memory since it was replayed. Both sides answer how many
games are new and copy no rows. Each measurement is a process of its own on one thread, alternating, so that processor
time and peak memory are clean.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ringrift.bench.report import Measure, report
from ringrift.config import Config
from ringrift.gamesets.dedup import first_seen
from ringrift.gamesets.schema import SCHEMA, options_text
from ringrift.jobs.worker import THREAD_COUNTS

KNOWN, NEW = 10_000_000, 1_000_000
PER_FILE = 1_000_000  # known games of one stored partition
SEEN, TWICE = 0.1, 0.01  # shares of the new games that are known, and that stand twice among the new ones
RATIO_BAR, PEAK_BAR_MB = 2.0, 1000.0
COLUMNS = ("game_hash", "config", "iteration", "job", "game_index", "options")
CONFIG = Config("square8", 2)
SIDES = ("ringrift", "duckdb")


def bench_dedup(
    known: int = KNOWN, new: int = NEW, repeats: int = 3, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """The benchmark's report. `known` and `new` are numbers of games, `repeats` measurements of each side.

    `ratio_to_duckdb` is the median of our processor time over the median of DuckDB's, `peak_mb` our largest peak
    of resident memory. Raises RuntimeError when a side finds another number of games than were planted.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="ringrift-bench-") as folder:
        progress("writing the game sets")
        want = make_sets(Path(folder), known, new)
        for _ in range(repeats):
            for side in SIDES:
                progress(f"dedup by {side}")
                row = _measure(side, Path(folder))
                if row["games"] != want[side]:
                    raise RuntimeError(f"{side} found {row['games']} new games, there are {want[side]}")
                rows.append(row)
    cpu = {side: median(row["cpu_s"] for row in rows if row["side"] == side) for side in SIDES}
    peak = max(row["peak_mb"] for row in rows if row["side"] == "ringrift")
    return report(
        "dedup",
        rows,
        [
            Measure("ratio_to_duckdb", round(cpu["ringrift"] / cpu["duckdb"], 3), "", RATIO_BAR, "lower"),
            Measure("peak_mb", round(peak, 1), "MB", PEAK_BAR_MB, "lower"),
            Measure("cpu_s", round(cpu["ringrift"], 3), "s", better="lower"),
        ],
    )


def make_sets(folder: Path, known: int, new: int) -> dict[str, int]:
    """Write `known-*.parquet` and `new.parquet`; returns how many games each side is to find.

    The anti-join keeps both copies of a game that stands twice among the new ones, ours keeps one.
    """
    rng = np.random.default_rng(1)
    seen, twice = int(new * SEEN), int(new * TWICE)
    pool = rng.permutation(rng.integers(0, 2**64, known + new, dtype=np.uint64))  # 64 bits: distinct but for chance
    earlier, fresh = pool[:known], pool[known : known + new - seen - twice]
    for number, start in enumerate(range(0, known, PER_FILE)):
        _write(folder / f"known-{number:04d}.parquet", earlier[start : start + PER_FILE], iteration=number)
    mixed = rng.permutation(np.concatenate([fresh, fresh[:twice], earlier[rng.choice(known, seen, replace=False)]]))
    _write(folder / "new.parquet", mixed, iteration=number + 1)
    return {"ringrift": len(fresh), "duckdb": len(fresh) + twice}


def _write(path: Path, hashes: np.ndarray, iteration: int) -> None:
    """Games of the given hashes as 200-game chunks of one iteration, encoded as a game set is."""
    count = len(hashes)
    text = pa.py_buffer(hashes.astype(">u8").tobytes().hex().encode())
    places = pa.py_buffer(np.arange(0, 16 * count + 1, 16, dtype=np.int32))
    values = {
        "game_hash": pa.StringArray.from_buffers(count, places, text),
        "config": pa.repeat(CONFIG.key, count),
        "iteration": pa.repeat(pa.scalar(iteration, pa.uint16()), count),
        "job": pa.repeat("square8_2p_heuristic", count),
        "game_index": pa.array(np.arange(count, dtype=np.uint32)),
        "options": pa.repeat(options_text(CONFIG.options()), count),
    }
    schema = pa.schema([SCHEMA.field(name) for name in COLUMNS])
    repeated = ["config", "iteration", "job", "options"]
    table = pa.Table.from_arrays([values[name] for name in COLUMNS], schema=schema)
    pq.write_table(table, path, compression="zstd", compression_level=9, use_dictionary=repeated)


def _measure(side: str, folder: Path) -> dict[str, Any]:
    """One measurement in a process of its own."""
    environment = {**os.environ, **dict.fromkeys(THREAD_COUNTS, "1")}
    command = [sys.executable, "-m", "ringrift_assets.bench.dedup", side, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"dedup by {side} failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def _by_ringrift(folder: Path) -> Callable[[], int]:
    from ringrift.kinds.verify import known_keys

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    paths, new = sorted(folder.glob("known-*.parquet")), pq.read_table(folder / "new.parquet")
    return lambda: int(first_seen(new, known_keys(paths)).sum())


def _by_duckdb(folder: Path) -> Callable[[], int]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    query = "SELECT count(*) FROM read_parquet(?) new ANTI JOIN read_parquet(?) known USING (game_hash)"
    files = [str(folder / "new.parquet"), str(folder / "known-*.parquet")]
    return lambda: connection.execute(query, files).fetchall()[0][0]


def _cpu_s() -> float:
    """Processor seconds of this process so far, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    """Largest resident memory of this process in 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux's ru_maxrss would include the parent's size at the fork
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(side: str, folder: str) -> None:
    """Measure one side; prints the row as JSON. Imports are not part of the time, but of the memory."""
    work = {"ringrift": _by_ringrift, "duckdb": _by_duckdb}[side](Path(folder))
    before = _cpu_s()
    games = work()
    row = {"side": side, "games": games, "cpu_s": round(_cpu_s() - before, 3), "peak_mb": round(_peak_mb(), 1)}
    print(json.dumps(row))


if __name__ == "__main__":
    main(*sys.argv[1:])
