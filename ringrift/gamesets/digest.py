"""Canonical order and content digest of a game set; provenance columns do not enter."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ringrift.errors import InvalidInput
from ringrift.gamesets.schema import CONTENT_COLUMNS, SCHEMA_VERSION
from ringrift.rules.moves import CODE_LAYOUT


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
