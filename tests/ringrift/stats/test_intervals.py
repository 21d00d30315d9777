"""The interval of a series: by hand, without a bound where so few blocks set none, and covering what it says."""

import numpy as np
import pytest
from scipy.stats import t

from ringrift.errors import InvalidInput
from ringrift.stats.intervals import standing, student95


def test_a_standing_by_hand():
    found = standing([0.5, 1.0, 0.5, 0.5])
    # With the virtual block the five have mean 3 / 5 and variance (1.75 + 0.5) / 5 - 0.36 = 0.09.
    half = t.ppf(0.975, 4) * (0.09 / 5) ** 0.5
    assert (found.blocks, found.mean) == (4, 0.625) and found.elo == pytest.approx(88.7, abs=0.1)
    assert (found.low, found.high) == pytest.approx((0.6 - half, 0.6 + half), rel=2e-3)
    even = standing([0.5] * 50)
    assert even.elo == 0 and even.elo_low == pytest.approx(-even.elo_high) and even.elo_high < 20


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_two_blocks_all_won_say_nearly_nothing_and_set_no_bound(score):
    found = standing([score] * 2)
    assert (found.low, found.high, found.elo_low, found.elo_high) == (0, 1, None, None)
    assert found.mean == score and abs(found.elo) < 300
    many = standing([score] * 40)
    bounds = many.elo_low, many.elo_high
    assert (bounds[1] is None and bounds[0] > 300) if score else (bounds[0] is None and bounds[1] < -300)


@pytest.mark.parametrize("blocks", [2, 3, 5, 16])
def test_the_interval_holds_the_true_score_at_least_as_often_as_it_says(blocks):
    rng, count = np.random.default_rng(blocks), 600
    for chance in (0.5, 0.65, 0.8, 0.95):
        scores = (rng.random((count, blocks, 2)) < chance).mean(2)  # blocks of two games
        held = sum(found.low <= chance <= found.high for found in map(standing, scores))
        assert held / count > 0.94, (blocks, chance)


def test_the_quantile_is_that_of_students_t():
    for degrees in range(3, 60):
        assert student95(degrees) == pytest.approx(t.ppf(0.975, degrees), rel=2e-3)


@pytest.mark.parametrize("scores", [[], [1.5], [-0.1, 0.5], [float("nan")]])
def test_nonsense_is_refused(scores):
    with pytest.raises(InvalidInput, match="block_scores"):
        standing(scores)
