"""Players as text, series of games, and what is said of them."""

import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.schema import table_of
from ringrift.matches.plan import participant_name
from ringrift.play.player_text import read_player, with_ceiling
from ringrift.play.series import play_series
from ringrift.play.summary import Series, block_score, gate_evidence, owner, summarize, whole_blocks
from ringrift.players.benchmarks import benchmark
from ringrift.players.heuristic.profiles import PROFILES, profile_hash
from ringrift.players.ladder import rung
from ringrift.players.participant import participant
from ringrift.stats.evidence import verify_evidence
from ringrift.stats.sprt import SequentialTest

SQUARE8, HEX8_3P = Config("square8", 2), Config("hex8", 3)
GOOD, RANDOM = "heuristic:7", "random"


def series_of(*specs, config=SQUARE8, blocks=2, **options):
    players = [read_player(spec, config) for spec in specs]
    return Series(config=config, specs=specs, players=players, blocks=blocks, **options)


def forged(winners, players=2):
    """Rows of games won by these players, counted from 1, or capped where None."""
    ranks = [w and [1 if seat + 1 == w else 2 for seat in range(players)] for w in winners]
    return [{"game_index": i, "winner": w, "ranking": r} for i, (w, r) in enumerate(zip(winners, ranks, strict=True))]


def test_the_texts_of_players():
    assert read_player("heuristic", SQUARE8) == participant("heuristic", SQUARE8, 5)
    assert read_player("heuristic:3", SQUARE8) == participant("heuristic", SQUARE8, 3)
    assert read_player("random", SQUARE8) == participant("random", SQUARE8, 1)
    assert read_player("D3", SQUARE8) == rung(3, SQUARE8)
    assert read_player("B2", SQUARE8) == benchmark("B2", SQUARE8)
    assert read_player("human", SQUARE8) is None
    weak = read_player("heuristic:7/weak", SQUARE8)
    assert weak.profile_hash == profile_hash(PROFILES["heuristic_v1_weak"]) and weak.difficulty == 7
    assert read_player("heuristic:7/heuristic_v1_weak", SQUARE8) == weak


def test_a_budget_is_that_of_an_engine_that_searches():
    deep = read_player("descent:6@5000", SQUARE8)
    usual = read_player("descent:6", SQUARE8)
    assert deep.budget == 5000 != usual.budget and deep.key != usual.key
    assert read_player("mcts:4/weak@70", SQUARE8) == read_player("mcts:4@70/weak", SQUARE8)
    assert read_player("B4", SQUARE8).engine == "descent"


def test_a_ceiling_is_for_those_who_search():
    assert with_ceiling(read_player("mcts:4", SQUARE8), 20).time_ms == 20
    for text in ("heuristic", "random", "human"):
        player = read_player(text, SQUARE8)
        assert with_ceiling(player, 20) == player


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heuristc", "use ENGINE.*D1 to D10.*B2, B4.*nearest known name is 'heuristic'"),
        ("D12", "nearest known name is 'D"),
        ("", "use ENGINE"),
        ("D3:4", "use ENGINE"),
        ("human:3", "nearest known name is 'human'"),
        ("heuristic:3:4", "use ENGINE"),
        ("heuristic:12", "1 to 11"),
        ("heuristic:x", "'x' is no number"),
        ("heuristic:-1", "'-1' is no number"),
        ("D10", "champion network"),
        ("heuristic@50", "has no budget"),
        ("mcts@0", "budget: 0"),
        ("random/weak", "random has no profile"),
        ("heuristic/wek", "nearest is 'heuristic_v1_weak'"),
    ],
)
def test_a_bad_text_says_what_is_allowed(text, message):
    with pytest.raises(InvalidInput, match=message):
        read_player(text, SQUARE8)


def test_a_block_is_every_rotation_of_one_opening():
    series = series_of(GOOD, "heuristic:7/weak", RANDOM, config=HEX8_3P)
    rows = list(play_series(series))
    names = [participant_name(player) for player in series.players]
    assert [row["game_index"] for row in rows] == list(range(6))
    for block in (rows[:3], rows[3:]):
        assert len({tuple(row["moves"][:4]) for row in block}) == 1
        for seat in range(3):
            assert sorted(row["participants"][seat] for row in block) == sorted(names)
    assert rows[0]["moves"][:4] != rows[3]["moves"][:4]
    for row in rows:
        seats = [names[owner(series, row["game_index"], seat)] for seat in range(3)]
        assert row["participants"] == seats and seats[row["game_index"] % 3] == names[0]
    assert verify_rows(table_of(rows))[1].num_rows == 0


def test_equal_seed_and_players_give_equal_games():
    def hashes(**options):
        return [row["game_hash"] for row in play_series(series_of(GOOD, RANDOM, **options))]

    assert hashes(seed=4) == hashes(seed=4) != hashes(seed=5)


def test_the_last_player_fills_the_seats():
    series = series_of(RANDOM, GOOD, config=Config("square8", 4))
    for index in range(4):
        seats = [owner(series, index, seat) for seat in range(4)]
        assert sorted(seats) == [0, 1, 1, 1] and seats[index] == 0
    [alone] = summarize(mirror := series_of(GOOD, blocks=1), list(play_series(mirror)))["players"]
    assert (alone["score"], alone["seats"], alone["wins"]) == (0.5, 2, 2)


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
