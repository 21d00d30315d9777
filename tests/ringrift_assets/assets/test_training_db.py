"""The training set: only verified, finished, new games, and the same set whenever it is asked for."""

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from ringrift.gamesets.shards import read_shard
from tests.ringrift_assets.conftest import MATCH_GAMES, PLAYED, Graph, checks, metadata

GAMES, REJECTS = "games.parquet", "rejects.parquet"


def games_of(graph: Graph, asset: str, iteration: int = 0, name: str = GAMES) -> pa.Table:
    path = graph.runtime().store.path(graph.record(asset, iteration), name)
    return read_shard(path) if name == GAMES else pq.read_table(path)


def replaced(table: pa.Table, column: str, values: list) -> pa.Table:
    place = table.schema.get_field_index(column)
    return table.set_column(place, table.schema.field(column), pa.array(values, table.schema.field(column).type))


def test_every_finished_game_is_kept_and_the_materialization_has_something_to_look_at(played):
    result = played.run(0)
    assert result.success
    shown = metadata(result, "training_db")
    assert shown["read"] == shown["dagster/row_count"] == shown["games_upto_here"] == PLAYED
    assert shown["end_of_longest_game"].startswith("![") and len(shown["end_of_longest_game"]) < 1000
    assert "data:image/svg+xml;base64," in shown["end_of_longest_game_large"]
    assert {column.name for column in shown["dagster/column_schema"].columns} >= {"game_hash", "moves"}
    assert all(check.passed for check in checks(result).values())
    assert {check.partition for check in checks(result).values()} == {"hex8_2p|0000"}


def test_materializing_again_runs_no_job_and_has_the_same_content(played):
    before, started = played.record("training_db"), len(played.started())
    result = played.run(0)
    assert played.record("training_db") == before and len(played.started()) == started
    assert metadata(result, "training_db")["reused"] is True
    assert checks(result)["no_duplicates"].passed


def test_a_game_of_an_earlier_iteration_is_set_aside_and_asking_twice_does_not_remove_the_first(played):
    again = games_of(played, "selfplay_games")
    played.put_games(1, again)
    result = played.run(1, ["training_db"], allow_fewer_rows=True)
    assert result.success and played.record("training_db", 1).rows == 0
    assert played.record("training_db", 1).data["rejected"] == {"duplicate": PLAYED}
    played.run(1, ["training_db"])
    played.run(0)
    assert played.record("training_db", 0).rows == PLAYED
    assert checks(result)["no_duplicates"].passed


def test_games_that_do_not_replay_are_rejected_with_their_reason_and_fail_the_checks(played):
    games = games_of(played, "selfplay_games")
    moves = games["moves"].to_pylist()
    moves[0] = moves[0][:5] + moves[0][4:5] + moves[0][6:]
    moves[1] = moves[1][:-1]
    damaged = replaced(replaced(games, "moves", moves), "plies", [len(codes) for codes in moves])
    played.put_games(0, damaged)
    result = played.run(0, ["training_db"], allow_fewer_rows=True)
    record = played.record("training_db")
    assert record.rows == PLAYED - 2 and record.data["rejected"] == {"illegal_move": 1, "unfinished": 1}
    rejects = games_of(played, "training_db", name=REJECTS)
    assert sorted(rejects["reject_reason"].to_pylist()) == ["illegal_move", "unfinished"]
    assert "ply" in rejects["reject_detail"][0].as_py()
    found = checks(result)
    assert not found["all_games_verify"].passed and not found["no_illegal_moves"].passed
    assert "2 of 9 games do not verify" in (found["all_games_verify"].description or "")
    rows = metadata(result, "training_db")["rejected"]
    assert {row.data["reason"]: row.data["games"] for row in rows.records} == {"illegal_move": 1, "unfinished": 1}


def test_a_game_that_was_cut_off_is_no_training_data_but_no_fault_either(played):
    games = games_of(played, "selfplay_games")
    from ringrift.gamesets.game_hash import game_dict, hash_game

    row = games.slice(0, 1).to_pylist()[0]
    row |= {"moves": row["moves"][:10], "plies": 10, "capped": True}
    row |= {"winner": None, "ranking": None, "victory": None}
    row["game_hash"] = hash_game(game_dict(row))
    played.put_games(0, pa.concat_tables([pa.Table.from_pylist([row], schema=games.schema), games.slice(1)]))
    result = played.run(0, ["training_db"], allow_fewer_rows=True)
    assert played.record("training_db").data["rejected"] == {"capped": 1}
    assert all(check.passed for check in checks(result).values())


def test_when_an_older_set_gains_games_the_check_of_the_newer_one_fails_with_the_remedy(played):
    both = pa.concat_tables([games_of(played, "selfplay_games", n) for n in (0, 1)])
    played.put_games(0, both)
    assert played.run(0, ["training_db"]).success
    assert played.record("training_db").rows == 2 * PLAYED
    key = dg.AssetCheckKey(dg.AssetKey("training_db"), "no_duplicates")
    newest = {
        record.partition: record.event.dagster_event.event_specific_data
        for record in reversed(played.instance.event_log_storage.get_asset_check_execution_history(key, limit=20))
    }
    verdict = newest["hex8_2p|0001"]
    assert not verdict.passed
    assert "hex8_2p|0001 shares 9 games with 0000" in (verdict.description or "")
    assert "Materialize training_db again from hex8_2p|0001 on" in (verdict.description or "")
    result = played.run(1, ["training_db"], allow_fewer_rows=True)
    assert checks(result)["no_duplicates"].passed and played.record("training_db", 1).rows == 0


def test_match_games_of_the_iteration_before_are_taken_once(finished):
    first, second = finished.record("training_db", 0), finished.record("training_db", 1)
    assert first.data["sources"] == {"selfplay": PLAYED} and first.data["taken"] == []
    assert second.data["sources"] == {"selfplay": PLAYED, "tournament": MATCH_GAMES}
    assert second.data["taken"] == [[0, finished.record("tournament_games", 0).content_digest]]
    assert finished.run(2).success
    third = finished.record("training_db", 2)
    assert [iteration for iteration, _ in third.data["taken"]] == [1] and third.data["rejected"] == {}
