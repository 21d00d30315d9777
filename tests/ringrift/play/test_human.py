"""A game in the terminal, typed as a person would."""

import io

import pytest

from ringrift.config import Config
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.schema import table_of
from ringrift.play.human import human_row, play_human
from ringrift.players.participant import participant
from ringrift.rules.game import Game
from ringrift.rules.replay import replay
from ringrift.seeds import stream

SQUARE8 = Config("square8", 2)
COMPUTER = participant("heuristic", SQUARE8, 3)


def play(typed, seats=(None, COMPUTER), config=SQUARE8, **options):
    """(the game, what was shown) when these lines are typed."""
    out = io.StringIO()
    return play_human(config, seats, 1, iter([f"{line}\n" for line in typed]), out, **options), out.getvalue()


def notations(game):
    return [game.notation(code) for code in game.moves]


@pytest.mark.parametrize("config", [SQUARE8, Config("hex8", 3)])
def test_a_recorded_game_can_be_typed_to_its_end(config):
    recorded = Game(config)
    recorded.play_random(stream(5), 10_000)
    assert recorded.over
    seats = [None] * config.players
    game, shown = play(notations(recorded), seats, config)
    assert game.moves == recorded.moves and game.over
    assert f"player {recorded.winner} wins" in shown and shown.rstrip().splitlines()[-1].startswith("game over")
    assert ("final ranks player 1:" in shown) == (config.players == 3)
    row = human_row(game, seats, 1, opening_plies=0, duration_s=1.0)
    assert verify_rows(table_of([row]))[1].num_rows == 0 and set(row["participants"]) == {"human"}


def test_the_computer_answers_with_its_whole_turn_and_says_so():
    game, shown = play(["Pd4x2", "d4-d7"])
    assert notations(game)[:2] == ["Pd4x2", "d4-d7"] and len(game.moves) > 2 and game.to_move == 1
    assert f"player 2 (Heuristic_D3) plays {' '.join(notations(game)[2:])}" in shown
    assert shown.endswith(f"end of input: the game was left after {len(game.moves)} decisions\n")
    again, _ = play(["Pd4x2", "d4-d7"])
    assert again.moves == game.moves


def test_the_computer_may_begin():
    game, shown = play(["1", "q"], (COMPUTER, None))
    assert shown.index("player 1 (Heuristic_D3) plays") < shown.index("player 2>")
    assert shown.endswith(f"the game was left after {len(game.moves)} decisions\n") and "end of input" not in shown


def test_numbers_prefixes_and_mistakes():
    game, shown = play(["Pd", "pd4", "xyz", "0", "193", "83"])
    assert notations(game) == ["Pd4x2"]
    assert "place ring, 192:" in shown and "Pd.. 24" in shown  # many: by type, and by how they begin
    assert "82 Pd4x1   83 Pd4x2   84 Pd4x3" in shown and "no decision begins with 'xyz'" in shown
    assert "there is no decision 0: use 1 to 192" in shown and "no decision 193" in shown


def test_a_star_tells_a_beginning_from_a_command():
    game, shown = play(["Ph1x1", "h*"])
    assert notations(game) == ["Ph1x1"] and "h1-" in shown.rpartition("player 1> ")[0].rpartition("player 1> ")[2]


def test_taking_back_returns_to_the_last_decision_of_a_human():
    game, shown = play(["u", "Pd4x2", "d4-d7", "u", "d4-d8", "u", "u", "Pa1x3"])
    assert notations(game) == ["Pa1x3"] and shown.count("nothing to take back") == 1
    game, _ = play(["Pd4x2", "d4-d7", "u", "d4-d7"])
    assert game.moves == play(["Pd4x2", "d4-d7"])[0].moves  # the computer answers as before


def test_a_hint_is_a_legal_decision_and_changes_nothing():
    game, shown = play(["h", "Pd4x2", "h"])
    hints = [line.split()[-2:] for line in shown.splitlines() if "the heuristic would play" in line]
    assert notations(game) == ["Pd4x2"] and len(hints) == 2
    assert hints[0][0].startswith("P") and hints[1][0].startswith("d4-")
    followed, _ = play(["Pd4x2", hints[1][1].strip("()")])
    assert notations(followed)[1] == hints[1][0]


def test_help_and_the_empty_line():
    _, shown = play(["?", "", "q"])
    assert "take back" in shown and "d4xd5-d8" in shown


def test_an_opening_is_not_taken_back():
    game, shown = play(["u", "q"], opening_plies=4)
    assert len(game.moves) == 4 and "nothing to take back" in shown
    assert play(["q"], opening_plies=4)[0].moves == game.moves


def test_a_game_that_was_left_is_recorded_without_a_result():
    game, _ = play(["Pd4x2", "d4-d7"])
    row = human_row(game, (None, COMPUTER), 1, opening_plies=0, duration_s=1.0)
    assert verify_rows(table_of([row]))[1].num_rows == 0
    assert row["capped"] and row["winner"] is None and row["participants"][0] == "human"
    assert replay(SQUARE8, None, game.moves).decisions == row["plies"]


def test_ctrl_c_leaves_the_game_as_the_end_of_input_does():
    def lines():
        yield "Pd4x2\n"
        raise KeyboardInterrupt

    out = io.StringIO()
    game = play_human(SQUARE8, (None, COMPUTER), 1, lines(), out)
    assert notations(game) == ["Pd4x2"] and "the game was left after 1 decisions" in out.getvalue()
