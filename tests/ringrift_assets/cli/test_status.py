"""`ringrift status` and `ringrift leaderboard` read the store alone."""

import json
import shutil
import subprocess
import sys

import pytest
from typer import Typer
from typer.testing import CliRunner

from resources.store.home import REPOSITORY, Home
from ringrift.errors import InvalidInput, MissingInput
from ringrift_assets.cli import status
from tests.ringrift_assets.conftest import CONFIG, MATCH_GAMES, PLAYED


@pytest.fixture
def done(home: Home, finished_home: Home) -> Home:
    shutil.copytree(finished_home.root, home.root, dirs_exist_ok=True)
    return home


def ringrift(*arguments: object) -> str:
    app = Typer()
    status.register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_status_says_how_far_each_config_has_come(done):
    found = json.loads(ringrift("status", "--json"))
    assert (found["iteration"], found["phase"]) == (1, "complete")
    entry = found["configs"][CONFIG]
    assert (entry["tier"], entry["champion"], entry["profile"]) == ("D2", None, "heuristic_v1_balanced")
    assert (entry["selfplay_games"], entry["match_games"]) == (2 * PLAYED, 2 * MATCH_GAMES)
    text = ringrift("status")
    assert "iteration 1, phase complete" in text and "heuristic_v1_balanced" in text


def test_a_new_home_has_nothing_yet_and_nobody_rated(home):
    assert "nothing yet; `ringrift run` makes the first iteration" in ringrift("status")
    with pytest.raises(MissingInput, match="nobody is rated"):
        ringrift("leaderboard")


def test_the_leaderboard_shows_rating_interval_and_elo_of_the_best(done):
    rows = json.loads(ringrift("leaderboard", "-c", CONFIG, "--json"))[CONFIG]
    assert [row["rating"] for row in rows] == sorted((row["rating"] for row in rows), reverse=True) and len(rows) == 4
    assert all(0.5 <= row["los"] <= 1 for row in rows[:-1]) and rows[-1]["los"] is None
    text = ringrift("leaderboard", "--top", 2)
    assert f"{CONFIG}, iteration 1" in text and "95 % interval" in text and f"{rows[0]['los']:.1%}" in text
    assert "2." in text and "3." not in text.replace(f"{rows[0]['rating']:.0f}", "")
    with pytest.raises(MissingInput, match=r"square8_2p has no ratings in .*; `ringrift run -c square8_2p` makes some"):
        ringrift("leaderboard", "-c", "square8_2p")
    with pytest.raises(InvalidInput, match="use one of square8_2p"):
        ringrift("leaderboard", "-c", "chess_2p")


@pytest.mark.parametrize("verb", ["status", "leaderboard"])
def test_they_do_not_import_dagster(done, verb):
    code = f"""
import sys
from typer import Typer
from ringrift_assets.cli import status
app = Typer()
status.register(app)
app(["{verb}", "--json"], standalone_mode=False)
assert "dagster" not in sys.modules and "numba" not in sys.modules
"""
    done_ = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done_.returncode == 0, done_.stderr
    assert json.loads(done_.stdout)
