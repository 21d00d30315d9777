"""The schema of a game set: its columns, which of them are content, and rows as a table.

Content columns are a pure function of a job's inputs and seed: they are sorted, hashed and compared.
Provenance columns say who made a row and when; nothing depends on them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GameOrigin:
    """Which game a row is: its place among the games of a job, and what it was played with.

    `participants` are the names of who sat in each seat. The first `opening_plies` decisions were drawn at random.
    """

    config: Config
    iteration: int
    source: str
    job: str
    game_index: int
    seed: int
    options: Mapping[str, int | bool]
    participants: Sequence[str]
    opening_plies: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GameOutcome:
    """How a game ended: winner from 1, rank from 1 of each seat, and the reason. A capped game has none of them."""

    winner: int | None = None
    ranking: Sequence[int] | None = None
    victory: str | None = None
    capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GameProvenance:
    """Who made a row and when; `duration_s` is the wall time of the game."""

    host: str | None = None
    duration_s: float | None = None
    worker_version: str | None = None
    created_at: datetime | None = None


def make_row(
    origin: GameOrigin,
    moves: Sequence[int],
    outcome: GameOutcome,
    *,
    search: Mapping[str, Any] | None = None,
    made: GameProvenance | None = None,
) -> dict[str, Any]:
    """One row of a game set; the hash and the number of plies are computed here.

    `moves` are decision codes, `search` holds all SEARCH_COLUMNS or is None.
    """
    codes, made = [int(code) for code in moves], made or GameProvenance()
    return {
        "game_hash": hash_game(game_of(origin.config, codes, outcome.ranking, outcome.winner)),
        "config": origin.config.key,
        "iteration": origin.iteration,
        "source": origin.source,
        "job": origin.job,
        "game_index": origin.game_index,
        "seed": origin.seed,
        "rules_version": RULES_VERSION,
        "options": options_text(origin.options),
        "participants": list(origin.participants),
        "opening_plies": origin.opening_plies,
        "moves": codes,
        "winner": outcome.winner,
        "ranking": None if outcome.ranking is None else list(outcome.ranking),
        "victory": outcome.victory,
        "plies": len(codes),
        "capped": outcome.capped,
        **{name: search[name] if search else None for name in SEARCH_COLUMNS},
        "host": made.host,
        "duration_s": made.duration_s,
        "worker_version": made.worker_version,
        "created_at": made.created_at,
    }


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Game set of rows made by `make_row`, in the order given."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)
