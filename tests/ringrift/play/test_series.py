"""Players as text, series of games, and what is said of them."""

from ringrift.config import Config
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.schema import table_of
from ringrift.matches.plan import participant_name
from ringrift.play.series import play_series
from ringrift.play.summary import owner, summarize
from tests.ringrift.play.two_players import GOOD, HEX8_3P, RANDOM, series_of


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
