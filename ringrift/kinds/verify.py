"""The `verify` job: replay a game set, set aside what is wrong or known already, keep the rest for training.

Runs on the machine that holds the store.
Shards: `games.parquet` (the unique, verified, finished games), `rejects.parquet` (the others, with reason and
detail) and `board.svg`, a final position.
"""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ringrift import names
from ringrift.config import Config, parse_config
from ringrift.files import atomic_path, write_text
from ringrift.gamesets.dedup import dedup, game_keys
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.replay_check import REJECT_SCHEMA, verify_rows
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import home_file
from ringrift.render import data_uri, render_svg, render_thumbnail
from ringrift.rules.replay import replay
from ringrift.specs.store_jobs import VerifyParams

Params: TypeAlias = VerifyParams

GAMES, REJECTS, BOARD = names.GAMES_FILE, names.REJECTS_FILE, names.BOARD_PICTURE
BATCH = 1000  # games between two looks at whether somebody cancelled
UNFINISHED = "capped"  # a legal game without a result is no training data
DUPLICATE = "duplicate"
REPEATED_COLUMNS = ["config", "options"]
KEY_COLUMNS = [*REPEATED_COLUMNS, "game_hash"]
KEY_BATCH = 65_536  # rows whose texts stay in the processor's cache


def run(job: Job, params: VerifyParams) -> dict[str, Any]:
    """See the module's text. The result holds counts, reasons and the content digest.

    Raises MissingInput or InvalidInput when a file is not there or not the one that was meant.
    """
    config = parse_config(params.config)
    played = pa.concat_tables([read_shard(home_file(entry)) for entry in (params.games, *params.more)])
    known = known_keys([home_file(entry) for entry in params.earlier])
    good, bad = _replayed(job, played, config)
    finished = good.filter(pc.invert(good["capped"]))
    unique, duplicates = dedup(finished, known)
    rejects = pa.concat_tables(
        [bad, _rejected(good.filter(good["capped"]), UNFINISHED), _rejected(duplicates, DUPLICATE)]
    )
    write_shard(job.out / GAMES, unique)
    job.add_shard(GAMES, unique.num_rows)
    with atomic_path(job.out / REJECTS) as temporary:
        pq.write_table(rejects, temporary, compression="zstd")
    job.add_shard(REJECTS, rejects.num_rows)
    thumbnail = None
    if unique.num_rows:
        state = last_position(config, unique)
        write_text(job.out / BOARD, render_svg(state))
        job.add_shard(BOARD, 1)
        thumbnail = data_uri(render_thumbnail(state))
    return {
        "read": played.num_rows,
        "verified": good.num_rows,
        "games": unique.num_rows,
        "rejected": _counts(rejects["reject_reason"]),
        "decisions": int(pc.sum(unique["plies"]).as_py() or 0),
        "wins": _counts(unique["winner"]),
        "endings": _counts(unique["victory"]),
        "sources": _counts(unique["source"]),
        "content_digest": content_digest(unique),
        "thumbnail": thumbnail,
    }


def known_keys(paths: list[Path]) -> np.ndarray:
    """`games.game_keys` of all games in some files, uint64[n]; only the columns they need are read."""
    keys = []
    for path in paths:
        file = pq.ParquetFile(path, read_dictionary=REPEATED_COLUMNS)
        for batch in file.iter_batches(KEY_BATCH, columns=KEY_COLUMNS):
            keys.append(game_keys(pa.Table.from_batches([batch])))
    return np.concatenate(keys) if keys else np.zeros(0, dtype=np.uint64)


def _replayed(job: Job, table: pa.Table, config: Config) -> tuple[pa.Table, pa.Table]:
    """(good rows, rejected rows) of the whole table, batch by batch."""
    good, bad = [table.slice(0, 0)], [_rejected(table.slice(0, 0), "")]
    for start in range(0, table.num_rows, BATCH):
        job.check()
        parts = verify_rows(table.slice(start, BATCH), config=config, options=config.options())
        good.append(parts[0])
        bad.append(parts[1].cast(REJECT_SCHEMA))
        job.report("progress", done=min(start + BATCH, table.num_rows), total=table.num_rows)
    return pa.concat_tables(good), pa.concat_tables(bad)


def _rejected(table: pa.Table, reason: str) -> pa.Table:
    """The rows with a reject reason."""
    for name, value in (("reject_reason", reason), ("reject_detail", "")):
        table = table.append_column(name, pa.array([value] * table.num_rows, type=pa.string()))
    return table.cast(REJECT_SCHEMA)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """Value → number of rows, by value."""
    pairs = [(str(e["values"].as_py()), e["counts"].as_py()) for e in pc.value_counts(column)]
    return dict(sorted(pairs))


def last_position(config: Config, table: pa.Table) -> np.ndarray:
    """Final state of the longest game, the one in which most happened."""
    longest = table.slice(int(np.argmax(table["plies"].to_numpy())), 1).to_pylist()[0]
    codes = np.array(longest["moves"], dtype=np.uint32)
    return replay(config, config.options(), codes).state
