"""`ringrift games`: count, verify and replay the games of a file."""

import json

import pyarrow as pa
import pytest

from ringrift.cli.games import _find
from ringrift.config import parse_config
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.kinds.selfplay import game_plan
from ringrift.matches.play import play_rows
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.specs.selfplay import SelfplayParams
from ringrift.strict import parse
from tests.ringrift.cli.command import ringrift


@pytest.fixture(scope="module")
def game_set(tmp_path_factory):
    job = {"name": "few", "config": "square8_3p", "games": 6, "engine": "random-only"}
    pipeline = parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test")
    [spec] = plan_jobs(pipeline, parse_config("square8_3p"), 0).jobs
    plan = game_plan(parse(SelfplayParams, spec.params, "test"))
    path = tmp_path_factory.mktemp("games") / "few.parquet"
    write_shard(path, table_of(play_rows(plan, plan.indices)))
    return path


def test_games_stats_and_verify(game_set):
    stats = json.loads(ringrift("games", "stats", game_set, "--json").stdout)
    assert stats["square8_3p"]["games"] == stats["square8_3p"]["unique"] == 6
    assert sum(stats["square8_3p"]["wins"].values()) == 6
    verified = ringrift("games", "verify", game_set, "--json")
    assert json.loads(verified.stdout) == {"games": 6, "verified": 6, "rejects": {}}


def test_games_verify_fails_on_a_forged_game(game_set, tmp_path):
    from ringrift.gamesets.shards import read_shard

    rows = read_shard(game_set).to_pylist()
    rows[2]["winner"] = rows[2]["winner"] % 3 + 1
    forged = tmp_path / "forged.parquet"
    write_shard(forged, table_of(rows))
    done = ringrift("games", "verify", forged)
    assert done.returncode == 1 and "6 games, 5 verified, 1 rejected" in done.stdout and "few game 2" in done.stdout


def test_a_game_s_number_is_not_taken_for_the_beginning_of_a_hash():
    table = pa.table({"game_hash": ["5" * 16, "0" * 16, "1234" * 4]})
    assert [_find(table, text)["game_hash"][0] for text in ("0", "1", "2", "12", "00")] == ["5", "0", "1", "1", "0"]


def test_games_replay(game_set, tmp_path):
    shown = ringrift("games", "replay", 0, game_set)
    assert shown.returncode == 0 and "square8_3p, few game 0" in shown.stdout
    game = json.loads(ringrift("games", "replay", 0, game_set, "--json").stdout)
    page = tmp_path / "game.html"
    done = ringrift("games", "replay", game["game_hash"], game_set, "--html", page)
    assert done.returncode == 0 and game["game_hash"] in page.read_text() and "://" not in page.read_text()
    assert "give a hash or a number from 0 to 5" in ringrift("games", "replay", "77", game_set).stderr
    for wrong in (["77"], ["0", "--ply", 9999, "--json"], ["0", "--html", tmp_path], ["0", "--html", page / "x"]):
        assert ringrift("games", "replay", wrong[0], game_set, *wrong[1:]).returncode == 2


def test_no_games_yet_says_how_to_get_some(tmp_path):
    done = ringrift("games", "stats", RINGRIFT_HOME=str(tmp_path))
    assert done.returncode == 1 and "`ringrift run` makes some" in done.stderr
