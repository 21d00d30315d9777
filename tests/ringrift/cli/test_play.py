"""`ringrift play` as a user types it."""

import json

import pytest
from typer.testing import CliRunner

from ringrift.cli.main import app
from ringrift.play import series as playing
from tests.ringrift.cli.command import ringrift, ringrift_process

PAIR = ("--p1", "heuristic:7", "--p2", "random")


def test_a_series_is_shown_saved_and_read_back(tmp_path):
    path = tmp_path / "games.parquet"
    done = ringrift("play", *PAIR, "-c", "square8_3p", "--games", 7, "--save", path)
    assert done.returncode == 0, done.stderr
    assert "7 games are 3 blocks of 3: 9 games" in done.stderr
    assert "heuristic:7" in done.stdout and "random x2" in done.stdout and "9 games in 3 blocks" in done.stdout
    assert json.loads(ringrift("games", "verify", path, "--json").stdout)["verified"] == 9
    assert json.loads(ringrift("games", "stats", path, "--json").stdout)["square8_3p"]["sources"] == {"tournament": 9}
    assert "square8_3p, play game 0" in ringrift("games", "replay", 0, path).stdout


def test_json_is_one_object_and_the_same_games_again(tmp_path):
    command = ("play", *PAIR, "--games", 4, "--seed", 9, "--json")
    first, second = (json.loads(run(*command).stdout) for run in (ringrift, ringrift_process))
    assert first["game_hashes"] == second["game_hashes"] and len(first["game_hashes"]) == 4
    assert first["players"] == second["players"] and first["whole"] and first["gate"] is None
    assert [row["label"] for row in first["players"]] == ["Heuristic_D7", "Random_D1"]
    heuristic, random = first["effort"]
    assert heuristic["cpu_ms_per_decision"] > 5 * random["cpu_ms_per_decision"] > 0
    assert "ms_per_decision" not in first, "none is that of all players together"


def test_the_table_has_the_cpu_time_of_each_player():
    lines = ringrift("play", *PAIR, "--games", 2).stdout.splitlines()
    assert lines[0].rstrip().endswith("CPU ms a decision")
    heuristic, random = (float(line.split()[-1]) for line in lines[1:3])
    assert heuristic > 5 * random > 0 and " ms a decision" not in lines[3]


def test_a_gate_is_saved_with_its_evidence(tmp_path):
    path = tmp_path / "gate.parquet"
    done = ringrift("play", *PAIR, "--gate", "--save", path)
    assert done.returncode == 0 and "gate: promoted after" in done.stdout
    evidence = tmp_path / "gate.gate.json"
    assert str(evidence) in done.stdout
    verified = ringrift("gate", "verify", evidence)
    assert verified.returncode == 0 and "holds; promoted" in verified.stdout


def test_a_human_plays_through_a_pipe(tmp_path):
    path = tmp_path / "human.parquet"
    done = ringrift_process("play", "--p1", "human", "--p2", "heuristic:3", "--save", path, typed="Pd4x2\nd4-d7\n")
    assert done.returncode == 0, done.stderr
    assert "player 2 (Heuristic_D3) plays" in done.stdout and "end of input: the game was left" in done.stdout
    assert "\033[" not in done.stdout and "as a game without a result" in done.stdout
    assert json.loads(ringrift("games", "verify", path, "--json").stdout)["verified"] == 1
    assert "Pd4x2 d4-d7" in ringrift("games", "replay", 0, path).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--p1", "heuristc"], "nearest known name is 'heuristic'"),
        (["--p1", "random", "--p3", "random"], "--p2 is missing"),
        (["--p1", "random", "--p2", "random", "--p3", "random"], "takes 1 to 2 players"),
        (["--p1", "human", "--games", "3"], "one game in the terminal"),
        (["--p1", "human", "--json"], "one game in the terminal"),
        (["--p1", "random", "--save", "games.txt"], "ends in .parquet"),
        ([*PAIR, "--gate", "--games", "10"], "after 32 games at the earliest"),
        ([*PAIR, "--time-ms", "50"], "none of these players searches"),
        (["--p1", "random", "-c", "square9_2p"], "use one of square8_2p"),
    ],
)
def test_what_is_not_acceptable(arguments, message):
    error = CliRunner().invoke(app, ["play", *arguments]).exception
    assert isinstance(error, ValueError) and message in str(error)


def test_a_bad_player_exits_2_with_one_line():
    done = ringrift_process("play", "--p1", "heuristc")
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    path = tmp_path / "games.parquet"
    path.write_text("precious")
    error = CliRunner().invoke(app, ["play", *PAIR, "--save", str(path)]).exception
    assert "there already" in str(error) and path.read_text() == "precious"


def test_ctrl_c_keeps_the_whole_blocks(tmp_path, monkeypatch):
    whole = playing.play_series

    def interrupted(series):
        for number, row in enumerate(whole(series)):
            if number == 5:
                raise KeyboardInterrupt
            yield row

    monkeypatch.setattr(playing, "play_series", interrupted)
    path = tmp_path / "games.parquet"
    done = CliRunner().invoke(app, ["play", *PAIR, "--games", "20", "--save", str(path), "--json"])
    assert done.exit_code == 1 and "only the 2 whole blocks" in done.stderr
    result = json.loads(done.stdout)
    assert (result["games"], result["whole"]) == (4, False) and path.is_file()
