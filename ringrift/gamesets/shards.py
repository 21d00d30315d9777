"""Game sets as Parquet files, written atomically and checked against the schema when read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import atomic_path
from ringrift.gamesets.schema import SCHEMA, SCHEMA_VERSION
from ringrift.rules.moves import CODE_LAYOUT

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
        raise InvalidInput(
            str(path), path.name, f"use a complete Parquet game set ({error})", problem="unreadable game set"
        ) from error


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
