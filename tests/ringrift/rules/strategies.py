"""Hypothesis strategies shared by the rules tests."""

from hypothesis import strategies as hs

from ringrift.boards import BOARDS
from ringrift.config import Config

SEEDS = hs.integers(0, 2**32 - 1)
CONFIGS = hs.builds(Config, hs.sampled_from(list(BOARDS)), hs.sampled_from((2, 3, 4)))
SMALL_CONFIGS = hs.builds(Config, hs.sampled_from(("square8", "hex8")), hs.sampled_from((2, 3, 4)))
