"""Game sets: the schema of recorded games, their Parquet shards, canonical order, digest and deduplication.

Content columns are a pure function of a job's inputs and seed: they are sorted, hashed and compared.
Provenance columns say who made a row and when; nothing depends on them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from ringrift.config import Config
from ringrift.gamesets.game_hash import game_of, hash_game
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
