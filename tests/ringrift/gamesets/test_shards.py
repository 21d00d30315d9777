"""Shards: written whole, read back, refused when they are of another form."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ringrift.errors import InvalidInput, MissingInput
from ringrift.gamesets import schema as games
from ringrift.gamesets.shards import read_shard, write_shard
from tests.ringrift.gamesets.random_rows import played


def test_a_shard_is_read_back_as_it_was_written(tmp_path, table):
    write_shard(tmp_path / "a.parquet", table)
    back = read_shard(tmp_path / "a.parquet")
    assert back.schema == games.SCHEMA and back.equals(table)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.parquet"], "no temporary file is left"


def test_a_square8_game_takes_less_than_400_bytes(tmp_path):
    write_shard(tmp_path / "a.parquet", games.table_of(played(count=200)))
    assert (tmp_path / "a.parquet").stat().st_size / 200 < 250


def test_the_file_names_schema_and_code_layout(tmp_path, table):
    write_shard(tmp_path / "a.parquet", table)
    metadata = pq.ParquetFile(tmp_path / "a.parquet").metadata.metadata
    assert metadata[b"ringrift.game_set"] == b"1" and metadata[b"ringrift.code_layout"] == b"1"


def written(path: Path, table: pa.Table, **metadata: str) -> Path:
    """A Parquet file with other file metadata than ours."""
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.add_key_value_metadata({"ringrift.game_set": "1", "ringrift.code_layout": "1"} | metadata)
        writer.write_table(table)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, t: written(p, t, **{"ringrift.code_layout": "9"}), "code_layout=9"),
        (lambda p, t: written(p, t, **{"ringrift.game_set": "2"}), "game_set=2"),
        (lambda p, t: written(p, t.drop_columns(["seed"])), "column seed: absent"),
        (lambda p, t: written(p, t.append_column("extra", t["seed"])), "column extra"),
        (lambda p, t: written(p, t.set_column(2, "iteration", t["iteration"].cast("int64"))), "column iteration"),
        (lambda p, t: p.write_bytes(b"PAR1 nonsense"), "unreadable"),
        (lambda p, t: p.write_bytes(b""), "unreadable"),
        (lambda p, t: p.write_bytes(written(p, t).read_bytes()[:-200]), "unreadable"),
    ],
)
def test_a_file_that_is_no_game_set_is_refused_with_its_name_and_the_difference(tmp_path, table, change, said):
    path = tmp_path / "bad.parquet"
    change(path, table)
    with pytest.raises(InvalidInput) as caught:
        read_shard(path)
    assert "bad.parquet" in str(caught.value) and said in str(caught.value)


def test_a_missing_shard_is_named(tmp_path):
    with pytest.raises(MissingInput, match=r"none\.parquet"):
        read_shard(tmp_path / "none.parquet")
