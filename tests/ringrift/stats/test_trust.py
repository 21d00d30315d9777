"""How many games to play again: the formula against drawing, and what a forger of a gate needs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ringrift.stats.sprt import SequentialTest, judge_blocks
from ringrift.stats.trust import UNNOTICED, miss_chance, sample_size, share_size, turning_games


@given(some.integers(1, 400), some.data())
def test_the_sample_is_the_smallest_that_misses_all_forged_games_rarely_enough(games, data):
    forged = data.draw(some.integers(1, games))
    size = sample_size(games, forged)
    assert miss_chance(games, forged, size) <= UNNOTICED
    assert size == 0 or miss_chance(games, forged, size - 1) > UNNOTICED
    exact = math.comb(games - forged, size) / math.comb(games, size)
    assert miss_chance(games, forged, size) == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_the_chance_is_what_drawing_gives():
    rng = np.random.default_rng(5)
    missed = np.mean([rng.choice(60, 12, replace=False).min() >= 9 for _ in range(20_000)])
    assert miss_chance(60, 9, 12) == pytest.approx(missed, abs=0.01)


@pytest.mark.parametrize(
    ("games", "share", "least", "size"),
    [(200, 0.05, 4, 10), (20, 0.05, 4, 4), (3, 0.05, 4, 3), (0, 0.05, 4, 0), (7, 0, 0, 0), (201, 0.01, 0, 3)],
)
def test_a_share_is_rounded_up_and_never_below_the_least(games, share, least, size):
    assert share_size(games, share, least) == size


def test_nobody_makes_an_equal_player_champion_unnoticed_more_often_than_stated():
    """A forger turns lost games of an equal candidate into won ones until the gate promotes; then games are drawn."""
    gate, rng, found = SequentialTest(), np.random.default_rng(3), []
    for _ in range(400):
        scores: list[float] = []
        truth: list[float] = []
        while True:
            block = rng.integers(0, 2, 2)  # of two games, won or lost
            truth += block.tolist()
            forged = block if rng.random() < 0.5 else np.ones(2, dtype=int)
            scores.append(float(forged.mean()))
            verdict = judge_blocks(scores, gate)
            if verdict.outcome != "continue":
                break
        if not verdict.promoted:
            continue
        games, changed = 2 * len(scores), round(sum(scores) * 2 - sum(truth))
        size = sample_size(games, turning_games(verdict.mean, games, gate))
        found.append(miss_chance(games, changed, size) if changed else 1.0)
    assert len(found) > 300 and np.mean(found) < 5 * UNNOTICED, "luck of the candidate takes work off the forger"
    assert np.median(found) <= UNNOTICED
