"""Game sets: the schema of recorded games, their Parquet shards, canonical order, digest and deduplication.

Content columns are a pure function of a job's inputs and seed: they are sorted, hashed and compared.
Provenance columns say who made a row and when; nothing depends on them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import atomic_path
from ringrift.game_hash import game_of, hash_game
from ringrift.rules.moves import CODE_LAYOUT
from ringrift.rules.replay import RULES_VERSION

SCHEMA_VERSION = 1  # raised when a column changes
SOURCES = ("selfplay", "tournament", "import")
VALUE_SCALE = 32767  # search_values hold round(value * VALUE_SCALE) for a value in [-1, 1]

_text, _codes = pa.string(), pa.list_(pa.uint32())
_CONTENT = {
    "game_hash": _text,  # 16 hex digits, see game_hash.hash_game
    "config": _text,
    "iteration": pa.uint16(),
    "source": _text,  # one of SOURCES
    "job": _text,
    "game_index": pa.uint32(),  # from 0 within the job
    "seed": pa.uint64(),  # seed number of the game's random streams
    "rules_version": _text,
    "options": _text,  # compact JSON, sorted keys, of every rules option
    "participants": pa.list_(_text),  # participant key of each seat
    "opening_plies": pa.uint8(),  # leading decisions drawn at random, by no player
    "moves": _codes,  # decision codes of rules.moves
    "winner": pa.uint8(),  # player from 1; null if capped
    "ranking": pa.list_(pa.uint8()),  # rank from 1 of each seat; null if capped
    "victory": _text,  # one of rules.state.REASONS; null if capped
    "plies": pa.uint16(),  # decisions
    "capped": pa.bool_(),  # stopped by the decision cap, no result
    "search_plies": pa.list_(pa.uint16()),  # plies whose search is recorded; null if no player searched
    "search_codes": pa.list_(_codes),  # the moves searched at each of these plies
    "search_visits": pa.list_(pa.list_(pa.uint16())),  # visits of these moves
    "search_values": pa.list_(pa.int16()),  # root value for the player to move, times VALUE_SCALE
}
_PROVENANCE = {
    "host": _text,
    "duration_s": pa.float32(),  # wall time of the game
    "worker_version": _text,
    "created_at": pa.timestamp("ms", tz="UTC"),
}
SEARCH_COLUMNS = ("search_plies", "search_codes", "search_visits", "search_values")
NULLABLE = {"winner", "ranking", "victory", *SEARCH_COLUMNS, *_PROVENANCE}
CONTENT_COLUMNS, PROVENANCE_COLUMNS = tuple(_CONTENT), tuple(_PROVENANCE)
SCHEMA = pa.schema([pa.field(n, t, nullable=n in NULLABLE) for n, t in (_CONTENT | _PROVENANCE).items()])

_FILE_METADATA = {"ringrift.game_set": str(SCHEMA_VERSION), "ringrift.code_layout": str(CODE_LAYOUT)}
_REPEATED = [
    "config",
    "iteration",
    "source",
    "job",
    "rules_version",
    "options",
    "participants.list.element",
    "opening_plies",
    "victory",
    "host",
    "worker_version",
]


def options_text(options: Mapping[str, int | bool]) -> str:
    """The one text form of rules options: compact JSON with sorted keys."""
    return json.dumps(dict(options), sort_keys=True, separators=(",", ":"))


def make_row(
    *,
    config: Config,
    iteration: int,
    source: str,
    job: str,
    game_index: int,
    seed: int,
    options: Mapping[str, int | bool],
    participants: Sequence[str],
    moves: Sequence[int],
    winner: int | None,
    ranking: Sequence[int] | None,
    victory: str | None,
    capped: bool,
    opening_plies: int = 0,
    search: Mapping[str, Any] | None = None,
    host: str | None = None,
    duration_s: float | None = None,
    worker_version: str | None = None,
    created_at: datetime | None = None,
) -> dict[str, Any]:
    """One row of a game set; the hash and the number of plies are computed here.

    `moves` are decision codes, `search` holds all SEARCH_COLUMNS or is None. A capped game has no winner,
    ranking or victory.
    """
    codes = [int(code) for code in moves]
    return {
        "game_hash": hash_game(game_of(config, codes, ranking, winner)),
        "config": config.key,
        "iteration": iteration,
        "source": source,
        "job": job,
        "game_index": game_index,
        "seed": seed,
        "rules_version": RULES_VERSION,
        "options": options_text(options),
        "participants": list(participants),
        "opening_plies": opening_plies,
        "moves": codes,
        "winner": winner,
        "ranking": None if ranking is None else list(ranking),
        "victory": victory,
        "plies": len(codes),
        "capped": capped,
        **{name: search[name] if search else None for name in SEARCH_COLUMNS},
        "host": host,
        "duration_s": duration_s,
        "worker_version": worker_version,
        "created_at": created_at,
    }


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Game set of rows made by `make_row`, in the order given."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)


# --- files ------------------------------------------------------------------------------------------------


def write_shard(path: Path, table: pa.Table) -> None:
    """Write a game set as one Parquet file (zstd), atomically. Raises InvalidInput on another schema."""
    _check_schema(str(path), table.schema)
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary, SCHEMA, compression="zstd", compression_level=9, use_dictionary=_REPEATED,
            write_statistics=False, store_schema=False,
        ) as writer,
    ):  # fmt: skip
        writer.add_key_value_metadata(_FILE_METADATA)
        writer.write_table(table.cast(SCHEMA))


def read_shard(path: Path) -> pa.Table:
    """Game set of one Parquet file.

    Raises MissingInput if there is no file, InvalidInput naming the file and what differs if it is not a game
    set of this schema version and code layout.
    """
    if not path.is_file():
        raise MissingInput(f"{path} is missing; it should be a game set that selfplay or a tournament wrote")
    try:
        file = pq.ParquetFile(path)
        metadata = file.metadata.metadata or {}
        for key, want in _FILE_METADATA.items():
            found = metadata.get(key.encode(), b"").decode(errors="replace")
            if found != want:
                raise InvalidInput(str(path), f"{key}={found}", f"this version reads {key}={want}")
        _check_schema(str(path), file.schema_arrow)
        return file.read().cast(SCHEMA)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(str(path), "unreadable file", f"use a whole Parquet game set ({error})") from error


def _check_schema(where: str, schema: pa.Schema) -> None:
    have = {field.name: (field.type, field.nullable) for field in schema}
    want = {field.name: (field.type, field.nullable) for field in SCHEMA}
    for name in [*want, *have]:
        if have.get(name) != want.get(name):
            found = f"column {name}: {have[name][0] if name in have else 'absent'}"
            kind, nullable = want.get(name, ("no such column", True))
            expected = f"{kind}{'' if nullable else ' not null'}"
            raise InvalidInput(where, found, f"the game set schema {SCHEMA_VERSION} has {expected}")
    if schema.names != SCHEMA.names:
        raise InvalidInput(where, schema.names, f"the columns stand in the order {', '.join(SCHEMA.names)}")


# --- order, digest, deduplication -------------------------------------------------------------------------


def _hex_pairs() -> np.ndarray:
    """Two hex digits, read from memory as one uint16 → their byte, or -1 for any other two characters."""
    texts = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)
    table = np.full(2**16, -1, dtype=np.int16)
    table[texts] = np.arange(256)
    return table


_HEX_PAIRS = _hex_pairs()


def _strings(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """Index of each value into the sorted distinct values, and these values; the column may be a dictionary."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = pa.chunked_array(encoded).unify_dictionaries().combine_chunks()
    values = whole.dictionary.to_pylist()
    order = sorted(set(values))
    rank = {value: place for place, value in enumerate(order)}
    return np.array([rank[v] for v in values], dtype=np.int64)[whole.indices.to_numpy()], order


def _hashes(table: pa.Table) -> np.ndarray:
    """game_hash as uint64[n]. Raises InvalidInput if one is not 16 lower-case hex digits."""
    parts = [_hashes_of(chunk) for chunk in table["game_hash"].chunks if len(chunk)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _hashes_of(texts: pa.StringArray) -> np.ndarray:
    """As `_hashes`, of one chunk: the characters are read from its memory, a hash is eight pairs of them."""
    _, offsets, characters = texts.buffers()
    places = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if texts.null_count == 0 and (np.diff(places) == 16).all():
        pairs = np.frombuffer(characters.slice(int(places[0])), dtype=np.uint16, count=8 * len(texts))
        values = _HEX_PAIRS[pairs]
        if values.min() >= 0:
            return values.astype(np.uint8).view(">u8").astype(np.uint64)
    good = pc.fill_null(pc.match_substring_regex(texts, "^[0-9a-f]{16}$"), False)
    raise InvalidInput("game_hash", texts.filter(pc.invert(good))[0].as_py(), "use 16 lower-case hex digits")


def canonical_order(table: pa.Table) -> np.ndarray:
    """Row numbers in the order (config, iteration, job, game_index, game_hash), int64[n]."""
    if table.num_rows == 0:
        return np.zeros(0, dtype=np.int64)
    index, iteration = (table[name].to_numpy() for name in ("game_index", "iteration"))
    by = (index, _strings(table["job"])[0], iteration, _strings(table["config"])[0])
    ascending = np.zeros(table.num_rows - 1, dtype=bool)
    for values in by:  # a row is after the one before it, judged by the columns so far
        ascending = (values[1:] > values[:-1]) | ((values[1:] == values[:-1]) & ascending)
    if ascending.all():
        return np.arange(table.num_rows)
    return np.lexsort((_hashes(table), *by))


def _ordered(table: pa.Table) -> pa.Table:
    """The rows in canonical order; a table that has it already is not copied."""
    order = canonical_order(table)
    return table if (order[1:] > order[:-1]).all() else table.take(order)


def content_digest(table: pa.Table) -> str:
    """SHA-256 (64 hex digits) of the content columns in canonical order.

    Independent of the order of rows, of provenance, of chunks and of how the file was encoded.
    """
    versions = f"game set {SCHEMA_VERSION}, code layout {CODE_LAYOUT}, {table.num_rows} rows"
    digest = hashlib.sha256(versions.encode())
    ordered = _ordered(table.select(CONTENT_COLUMNS))
    for name in CONTENT_COLUMNS:
        digest.update(name.encode() + b"\0")
        _feed(digest, ordered[name].combine_chunks())
    return digest.hexdigest()


def _feed(digest: Any, array: pa.Array) -> None:
    """Hash an array as validity bytes, then lengths and items of lists and texts, or the plain values."""
    digest.update(np.asarray(array.is_valid()).astype(np.uint8).tobytes())
    if pa.types.is_list(array.type):
        digest.update(np.asarray(pc.list_value_length(array).fill_null(0)).astype("<i8").tobytes())
        _feed(digest, array.flatten())
    elif pa.types.is_string(array.type):
        texts = [text.encode() for text in array.fill_null("").to_pylist()]
        digest.update(np.array([len(text) for text in texts], dtype="<i8").tobytes() + b"".join(texts))
    else:
        plain = array.cast(pa.uint8()) if pa.types.is_boolean(array.type) else array
        numbers = np.asarray(plain.fill_null(0))
        digest.update(numbers.astype(numbers.dtype.newbyteorder("<")).tobytes())


def game_keys(table: pa.Table) -> np.ndarray:
    """uint64[n], equal for two rows exactly if config, options and game_hash are (up to 64-bit chance).

    The game hash combined with a hash of config and options: under other options it is another game.
    """
    if table.num_rows == 0:
        return np.zeros(0, dtype=np.uint64)
    config, configs = _strings(table["config"])
    options, texts = _strings(table["options"])
    salt = np.array(
        [[int.from_bytes(hashlib.sha256(f"{c}\0{o}".encode()).digest()[:8], "big") for o in texts] for c in configs],
        dtype=np.uint64,
    )
    return _hashes(table) ^ (salt[config, options] if salt.size > 1 else salt[0, 0])


def first_seen(table: pa.Table, known: np.ndarray | None = None) -> np.ndarray:
    """bool[n]: of rows with the same key the first in canonical order, unless its key is in `known`.

    `known` is uint64[m], the `game_keys` of earlier partitions. A pure function: asking records nothing.
    """
    order = canonical_order(table)
    values, places = np.unique(game_keys(table)[order], return_index=True)
    if known is not None and len(known) and len(values):
        earlier = np.sort(known)
        nearest = np.minimum(np.searchsorted(earlier, values), len(earlier) - 1)
        places = places[earlier[nearest] != values]
    first = np.zeros(table.num_rows, dtype=bool)
    first[order[places]] = True
    return first


def dedup(table: pa.Table, known: np.ndarray | None = None) -> tuple[pa.Table, pa.Table]:
    """(the rows that are `first_seen`, the duplicates), both in canonical order."""
    ordered = _ordered(table)
    first = first_seen(ordered, known)
    return ordered.filter(pa.array(first)), ordered.filter(pa.array(~first))
