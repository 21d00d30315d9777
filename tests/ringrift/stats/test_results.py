"""Results and scores: ties, capped games, what is refused."""

import pytest
from hypothesis import given

from ringrift.errors import InvalidInput
from ringrift.stats.results import game_scores
from tests.ringrift.stats.made_results import any_pool, result


@pytest.mark.parametrize(
    ("ranking", "scores"),
    [
        ((1, 2), (1, 0)),
        ((1, 1), (0.5, 0.5)),
        ((2, 1, 3), (0.5, 1, 0)),
        ((1, 2, 2), (1, 0.25, 0.25)),
        ((4, 1, 3, 2), (0, 1, 1 / 3, 2 / 3)),
        ((1, 3, 1, 3), (5 / 6, 1 / 6, 5 / 6, 1 / 6)),
    ],
)
def test_score_is_the_share_of_opponents_out_ranked_with_ties_half(ranking, scores):
    assert game_scores(ranking, len(ranking)) == pytest.approx(scores)


@given(any_pool)
def test_scores_of_a_game_sum_to_half_its_seats_and_a_capped_game_is_a_tie(games):
    for game in games:
        scores = game_scores(game.ranking, len(game.participants))
        assert sum(scores) == pytest.approx(len(scores) / 2)
        assert game.ranking is not None or set(scores) == {0.5}


@pytest.mark.parametrize("ranking", [(1,), (1, 2, 3), (0, 1), (1, 3), (1.0, 2), (True, 2), ("1", 2)])
def test_bad_ranks_are_refused(ranking):
    with pytest.raises(InvalidInput, match="ranking"):
        result("ab", ranking)


def test_a_result_names_its_pool_and_fills_its_seats():
    with pytest.raises(InvalidInput, match="square8_3p has 3 seats"):
        result("ab", None, pool="square8_3p")
    with pytest.raises(InvalidInput, match="hexagonal_2p"):
        result("ab", None, pool="hex_2p")
    with pytest.raises(InvalidInput, match="config"):
        result("ab", None, pool="square9_2p")
