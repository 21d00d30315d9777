"""The tuner against a plain recipe on a hidden landscape."""

import numpy as np
import pytest

from ringrift.bench.tuner import FAMILIES, landscape, our_recipe, plain_recipe
from ringrift.tuning.cma import tuned_weights


def test_the_search_finds_more_than_the_plain_recipe_on_a_hidden_landscape():
    dimensions = len(tuned_weights(2, light=False))
    gains = []
    for seed in range(3):
        strength = landscape(FAMILIES[1], dimensions, np.random.default_rng(seed))
        assert strength(np.zeros((1, dimensions)))[0] == pytest.approx(0.0)
        gains.append([float(strength(r(strength, dimensions, seed, 15))[0]) for r in (plain_recipe, our_recipe)])
    plain, ours = np.mean(gains, axis=0)
    assert ours > 1.4 * max(plain, 0.0) and ours > 50
