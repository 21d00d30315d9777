"""Ratings in the graph: all games up to the iteration, and checks that fail when something does not belong."""

import base64

import pyarrow as pa

from resources.store.record import NewVersion, digest_of
from ringrift.config import parse_config
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.players.benchmarks import anchor
from ringrift.stats.elo import sequential_elo
from ringrift.stats.results import GameResult
from tests.ringrift_assets.conftest import CONFIG, MATCH_GAMES, Graph, checks, metadata

GAMES = "games.parquet"


def results_of(graph: Graph, iteration: int) -> list[GameResult]:
    store = graph.runtime().store
    table = read_shard(store.path(graph.record("tournament_games", iteration), GAMES))
    return [
        GameResult(
            CONFIG,
            row["iteration"],
            row["job"],
            row["game_index"],
            tuple(name.split("#")[1] for name in row["participants"]),
            row["ranking"] and tuple(row["ranking"]),
        )
        for row in table.to_pylist()
    ]


def put_matches(graph: Graph, iteration: int, table: pa.Table) -> None:
    """Replace the match games of an iteration, as if they had been played."""
    store, old = graph.runtime().store, graph.record("tournament_games", iteration)
    key = ("tournament_games", CONFIG, iteration)
    with store.claim(*key, run="test"), store.draft(*key) as folder:
        write_shard(folder / GAMES, table)
        new = NewVersion(
            code_version="test",
            content_digest=content_digest(table),
            inputs_digest=digest_of("test"),
            rows=table.num_rows,
            data=old.data,
            provenance={},
        )
        store.commit(folder, *key, new)


def test_ratings_rest_on_the_games_of_all_iterations_so_far_and_not_on_later_ones(finished):
    first, second = (finished.record("elo_ratings", iteration) for iteration in (0, 1))
    assert [record.data["games"] for record in (first, second)] == [MATCH_GAMES, 2 * MATCH_GAMES]
    assert second.data["games_now"] == MATCH_GAMES
    elo = sequential_elo(results_of(finished, 0) + results_of(finished, 1), pool=CONFIG)
    for row in second.data["ratings"]:
        assert abs(row["elo"] - elo.ratings.get(row["key"], 1500.0)) < 1e-3
    fixed = [row for row in second.data["ratings"] if row["key"] == anchor(parse_config(CONFIG)).key]
    assert fixed[0]["rating"] == 1500.0 and fixed[0]["name"] == "Heuristic_D7"


def test_the_materialization_shows_a_plot_and_a_table(finished):
    result = finished.run(1, ["elo_ratings"])
    shown = metadata(result, "elo_ratings")
    assert shown["reused"] and shown["plot"].startswith("![") and len(shown["plot"]) < 1000
    assert "data:image/svg+xml;base64," in shown["plot_large"]
    history = base64.b64decode(shown["history"].rpartition(",")[2].rstrip(")")).decode()
    assert all(row.data["name"] in history for row in shown["ratings"].records)
    assert history.count("<polygon") == len(shown["ratings"].records), "each has ratings in both iterations"
    assert [row.data["los"] is None for row in shown["ratings"].records] == [False, False, False, True]
    assert shown["ratings"].records[0].data["name"] == shown["best"]
    assert all(check.passed for check in checks(result).values()) and len(checks(result)) == 4


def test_a_game_of_another_pool_is_refused_and_fails_the_check(finished):
    store = finished.runtime().store
    rows = read_shard(store.path(finished.record("tournament_games"), GAMES)).to_pylist()
    rows[0]["config"] = "square8_2p"
    rows[2]["participants"] = ["Stranger_D9#0123456789abcdef", rows[2]["participants"][1]]
    table = read_shard(store.path(finished.record("tournament_games"), GAMES))
    put_matches(finished, 0, pa.Table.from_pylist(rows, schema=table.schema))
    result = finished.run(0, ["elo_ratings"], allow_fewer_rows=True)
    found = checks(result)
    assert not found["pool_purity"].passed and "1 games of another pool" in (found["pool_purity"].description or "")
    assert not found["known_participants"].passed
    assert finished.record("elo_ratings").data["games"] == MATCH_GAMES - 2
    assert not found["seat_balance"].passed and found["finite_intervals"].passed
