"""The hash of a game: which keys it reads and what it refuses."""

import pytest

from ringrift.errors import InvalidInput
from ringrift.gamesets.game_hash import game_dict, hash_game, notation
from ringrift.rules.game import Game

GOLDEN = {
    "board_type": "square8",
    "moves": ["Pd4x2", "d4-d6", "Pe5x1"],
    "num_players": 2,
    "outcome": {"ranking": [2, 1], "winner": 2},
}


def test_the_hash_of_a_known_game_never_changes():
    assert hash_game(GOLDEN) == "64bd52b86d59a7f2"


def test_the_hash_reads_four_keys_in_any_order_and_ignores_the_rest():
    shuffled = dict(reversed(GOLDEN.items())) | {"game_id": "x", "created_at": 3}
    assert hash_game(shuffled) == hash_game(GOLDEN)
    for key, other in (
        ("board_type", "hex8"),
        ("moves", ["Pd4x2"]),
        ("num_players", 3),
        ("outcome", {"ranking": [1, 2], "winner": 1}),
    ):
        assert hash_game(GOLDEN | {key: other}) != hash_game(GOLDEN)


@pytest.mark.parametrize("key", sorted(GOLDEN))
def test_a_game_without_one_of_the_four_keys_is_refused_by_name(key):
    with pytest.raises(InvalidInput, match=f"'{key}'"):
        hash_game({k: v for k, v in GOLDEN.items() if k != key})


@pytest.mark.parametrize("bad", [{"moves": {1, 2}}, {"outcome": float("nan")}, {"moves": [b"x"]}])
def test_a_game_that_is_no_json_is_refused(bad):
    with pytest.raises(InvalidInput):
        hash_game(GOLDEN | bad)
    with pytest.raises(InvalidInput):
        hash_game(["not a dict"])  # type: ignore[arg-type]


def test_a_row_hashes_as_its_documented_dict(rows):
    for row in rows:
        game = game_dict(row)
        assert sorted(game) == ["board_type", "moves", "num_players", "outcome"]
        assert hash_game(game) == row["game_hash"]


def test_notation_of_a_row_plays_the_game_again(rows):
    row = rows[0]
    game = Game(row["config"])
    for text in notation("square8", row["moves"]):
        game.play(text)
    assert (game.winner, game.ranking, game.reason) == (row["winner"], row["ranking"], row["victory"])
