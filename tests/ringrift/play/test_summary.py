"""Scores, effort, summary and gate evidence of a series."""

import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.matches.plan import participant_name
from ringrift.play.series import play_series
from ringrift.play.summary import block_score, gate_evidence, summarize, whole_blocks
from ringrift.stats.evidence import verify_evidence
from ringrift.stats.sprt import SequentialTest
from tests.ringrift.play.two_players import GOOD, HEX8_3P, RANDOM, series_of


def forged(winners, players=2):
    """Rows of games won by these players, counted from 1, or capped where None."""
    ranks = [w and [1 if seat + 1 == w else 2 for seat in range(players)] for w in winners]
    return [{"game_index": i, "winner": w, "ranking": r} for i, (w, r) in enumerate(zip(winners, ranks, strict=True))]


def test_scores_by_hand():
    series = series_of(GOOD, RANDOM)
    # Player 1 has seat 1 in the first game of a block and seat 2 in the second.
    assert block_score(series, forged([1, 2]), 0) == 1
    assert block_score(series, forged([1, 1]), 0) == 0.5
    assert block_score(series, forged([2, None]), 0) == 0.25
    assert block_score(series, forged([2, None]), 1) == 0.75
    four = series_of(GOOD, RANDOM, config=Config("square8", 4))
    rows = forged([1, 2, 3, 4], players=4)
    assert block_score(four, rows, 0) == 1
    assert block_score(four, rows, 1) == pytest.approx(1 / 3)  # each beats nobody but ties with two


def test_a_summary_counts_what_was_played():
    series = series_of(GOOD, RANDOM, config=HEX8_3P, blocks=3)
    rows = list(play_series(series))
    found = summarize(series, rows)
    good, rest = found["players"]
    assert (found["games"], found["blocks"]) == (9, 3) and len(set(found["game_hashes"])) == 9
    assert (good["seats"], rest["seats"]) == (1, 2)
    name = participant_name(series.players[0])
    won = sum(row["winner"] is not None and row["participants"][row["winner"] - 1] == name for row in rows)
    assert good["wins"] == won and good["wins"] + rest["wins"] + found["capped"] == 9
    assert good["score"] + 2 * rest["score"] == pytest.approx(1.5)
    assert good["interval"][0] <= good["score"] <= good["interval"][1]
    assert found["mean_plies"] == pytest.approx(sum(len(row["moves"]) for row in rows) / 9)
    assert sum(found["victories"].values()) == 9 - found["capped"]
    assert whole_blocks(series, rows[:8]) == rows[:6]
    with pytest.raises(InvalidInput, match="whole blocks of 3"):
        summarize(series, rows[:8])


def test_the_effort_is_each_players_own_over_its_seats_and_games():
    series = series_of("minimax:3", RANDOM, config=HEX8_3P, blocks=1)
    rows = list(play_series(series))
    summary = summarize(series, rows)
    searcher, random = summary["effort"]
    assert [searcher["player"], random["player"]] == [1, 2]
    assert searcher["cpu_ms_per_decision"] > 10 * random["cpu_ms_per_decision"] > 0
    assert searcher["decisions"] + random["decisions"] == sum(row["plies"] - row["opening_plies"] for row in rows)
    ours = sum(row["decisions"][row["game_index"] % 3] for row in rows)
    taken = sum(row["cpu_s"][row["game_index"] % 3] for row in rows)
    assert searcher["decisions"] == ours and searcher["cpu_ms_per_decision"] == pytest.approx(1000 * taken / ours)
    idle = [row | {"decisions": [0, 0, 0], "cpu_s": [0.0, 0.0, 0.0]} for row in rows]
    assert [player["cpu_ms_per_decision"] for player in summarize(series, idle)["effort"]] == [None, None]


def test_a_gate_stops_itself_and_its_evidence_holds():
    series = series_of(GOOD, RANDOM, blocks=40, gate=SequentialTest(min_blocks=8, max_blocks=40))
    rows = list(play_series(series))
    verdict = summarize(series, rows)["gate"]["verdict"]
    assert verdict["outcome"] == "promoted" and len(rows) == 2 * verdict["blocks"] < 80
    held = gate_evidence(series, rows)
    assert verify_evidence(held) == [] and held["verdict"]["llr"] == verdict["llr"]
    assert held["purpose"] == "match"
    held["games"][3]["ranking"] = held["games"][3]["ranking"][::-1]
    assert verify_evidence(held)
    with pytest.raises(InvalidInput, match="not ended"):
        gate_evidence(series, rows[:4])


def test_nonsense_is_refused():
    with pytest.raises(InvalidInput, match="takes 1 to 2 players"):
        series_of(RANDOM, RANDOM, RANDOM)
    for specs in ((GOOD,), (GOOD, GOOD)):
        with pytest.raises(InvalidInput, match="two different players"):
            series_of(*specs, gate=SequentialTest())
    with pytest.raises(InvalidInput, match="two different players"):
        series_of(GOOD, RANDOM, "heuristic:2", config=HEX8_3P, gate=SequentialTest())
    with pytest.raises(InvalidInput, match="use 1 to 6"):
        series_of(GOOD, RANDOM, gate=SequentialTest(), opening_plies=0)
