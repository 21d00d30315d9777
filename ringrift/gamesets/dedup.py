"""Deduplication of game sets by (config, rules options, game hash); asking records nothing."""

import hashlib

import numpy as np
import pyarrow as pa

from ringrift.gamesets.digest import _hashes, _ordered, _strings, canonical_order


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
