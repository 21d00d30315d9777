"""The rate job: the documented Elo and the fit over all games, and games that do not belong are refused."""

import json
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ringrift.config import Config
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec, file_sha256
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.worker import run_job
from ringrift.kinds.match_results import plan_of
from ringrift.kinds.rate import in_window, seat_imbalance
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, round_robin_job
from ringrift.players.benchmarks import anchor
from ringrift.players.participant import participant
from ringrift.specs.store_jobs import match_input
from ringrift.stats.elo import sequential_elo
from ringrift.stats.plackett_luce import fit_ratings
from ringrift.stats.results import GameResult

HEX8 = Config("hex8", 2)
ENTRANTS = [participant("random", HEX8, 1), *(participant("heuristic", HEX8, d) for d in (2, 3, 7))]
KNOWN = {player.key: player.label for player in ENTRANTS}


def games_of(iteration: int) -> pa.Table:
    tables = list(combinations(range(4), 2))
    spec = round_robin_job(MatchTerms(config=HEX8, iteration=iteration, root_seed=5), "rr", ENTRANTS, tables)
    plan = plan_of(match_input(spec, [], None))
    return table_of(play_rows(plan, plan.indices))


@pytest.fixture(scope="module")
def iterations() -> list[pa.Table]:
    return [games_of(0), games_of(1)]


def rate(home: Path, iteration: int, tables: list[pa.Table], known: dict[str, str] = KNOWN) -> tuple[dict, Path]:
    files = []
    for number, table in enumerate(tables):
        write_shard(home / f"{number}.parquet", table)
        files.append({"path": f"{number}.parquet", "sha256": file_sha256(home / f"{number}.parquet")})
    params = {
        "version": 2,
        "config": "hex8_2p",
        "iteration": iteration,
        "games": files,
        "known": known,
        "anchor": anchor(HEX8).key,
        "frozen": [],
        "elo_start": 1500.0,
        "elo_k": 32.0,
    }
    spec = JobSpec(asset="elo_ratings", config="hex8_2p", iteration=iteration, name="rate", kind="rate", params=params)
    folder = home / spec.job_id
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(spec.canonical())
    assert run_job(folder) == 0
    return read_manifest(folder, spec.job_id).result, folder / contract.OUT


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    return tmp_path


def results_of(table: pa.Table) -> list[GameResult]:
    return [
        GameResult(
            "hex8_2p",
            row["iteration"],
            row["job"],
            row["game_index"],
            tuple(name.split("#")[1] for name in row["participants"]),
            row["ranking"] and tuple(row["ranking"]),
        )
        for row in table.to_pylist()
    ]


def test_ratings_are_those_of_all_games_whatever_the_order_of_the_files(home, iterations):
    found, out = rate(home, 1, iterations[::-1])
    games = [game for table in iterations for game in results_of(table)]
    elo = sequential_elo(games, pool="hex8_2p")
    fit = fit_ratings(games, pool="hex8_2p", anchor=anchor(HEX8).key)
    for row in found["ratings"]:
        assert row["elo"] == pytest.approx(elo.ratings[row["key"]], abs=1e-3)
        assert row["rating"] == pytest.approx(fit.rating(row["key"]), abs=1e-3)
        assert row["name"] == KNOWN[row["key"]] and row["low"] <= row["rating"] <= row["high"]
    assert [row["rating"] for row in found["ratings"]] == sorted((r["rating"] for r in found["ratings"]), reverse=True)
    assert (found["games"], found["games_now"], found["refused"], found["imbalance"]) == (24, 12, {}, 0)
    for row, below in pairwise(found["ratings"]):
        assert row["los"] == pytest.approx(fit.superiority(row["key"], below["key"]), abs=1e-4) and row["los"] >= 0.5
    assert found["ratings"][-1]["los"] is None
    held = json.loads((out / "fit.json").read_text())
    assert held["participants"] == list(fit.participants) and held["ratings"] == pytest.approx(fit.ratings, abs=1e-3)
    assert np.array(held["covariance"]) == pytest.approx(fit.covariance, abs=1e-3)
    history = pq.read_table(out / "history.parquet").to_pylist()
    expected = [change.to_dict() | {"timestamp": None} for change in elo.history[-12:]]
    assert [row | {"timestamp": None} for row in history] == expected
    assert all(row["timestamp"][4] == "-" for row in history)


def test_games_of_another_pool_or_of_somebody_unknown_are_refused_and_counted(home, iterations):
    rows = iterations[0].to_pylist()
    rows[0]["config"] = "hex8_3p"
    known = {key: name for key, name in KNOWN.items() if name != "Random_D1"}
    of_random = sum(any("Random" in name for name in row["participants"]) for row in rows[1:])
    found, _ = rate(home, 0, [table_of(rows)], known)
    assert found["refused"] == {"other_pool": 1, "unknown_participant": of_random}
    assert found["games"] == 12 - 1 - of_random


def test_the_plots_show_every_participant_and_the_small_one_fits_inline(home, iterations):
    found, out = rate(home, 0, iterations[:1])
    svg = (out / "ratings.svg").read_text()
    assert all(name in svg for name in KNOWN.values()) and "hex8_2p, iteration 0" in svg
    assert found["small_plot"].startswith("data:image/svg+xml;base64,") and len(found["small_plot"]) < 950


def game(iteration: int, *seats: str, place: int = 0) -> GameResult:
    return GameResult("hex8_2p", iteration, "m", place, seats, (1, 2))


def test_the_fit_leaves_out_who_has_not_played_for_twenty_iterations():
    games = [game(0, "old", "new"), game(1, "older", "new"), game(20, "new", "old"), game(21, "new", "fixed")]
    assert in_window(games, 21, {"fixed"}) == [games[0], games[2], games[3]]
    assert in_window(games, 19, {"fixed"}) == games
    assert in_window(games, 21, {"fixed", "older"}) == games, "a benchmark stays"


def test_imbalance_is_the_largest_difference_of_seats_within_a_match():
    assert seat_imbalance([game(0, "a", "b"), game(0, "b", "a", place=1)]) == 0
    assert seat_imbalance([game(0, "a", "b"), game(0, "a", "b", place=1)]) == 2
    assert seat_imbalance([]) == 0
