"""Random openings of matches, drawn until the heuristic evaluation finds them balanced.

Rotating the seats takes away what an opening gives a seat, but a block whose opening decides its games says nothing of
the players. What the place in the order of turns gives is the same in every opening (at a table of four only two
have moved after four decisions), so a seat's value is taken beyond its mean over REFERENCE_OPENINGS openings.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from ringrift.config import Config
from ringrift.players.heuristic.appraise import seat_values
from ringrift.rules.advance import RANDOM
from ringrift.rules.game import Workspace
from ringrift.rules.geometry import board
from ringrift.rules.state import new_state
from ringrift.seeds import seed_number, stream
from ringrift.specs.openings import DRAWS, SPREAD

REFERENCE_OPENINGS = 64

Options = Mapping[str, int | bool]


def opening_values(config: Config, seed: int, plies: int, options: Options) -> np.ndarray:
    """float64[players]: evaluation for each seat after the random opening of games with this seed.

    It is the opening of players.match.play_match_game with `seed` as root seed and an empty opening key.
    """
    b = board(config.board)
    state = new_state(b, config.players, dict(options))
    Workspace(b, stream(seed, "opening")).advance(state, np.empty(plies, dtype=np.uint32), RANDOM)
    return seat_values(state)


def opening_spread(config: Config, seed: int, plies: int, options: Options) -> float:
    """How much better the best seat stands than the worst, in units of the evaluation, from 0."""
    beyond = opening_values(config, seed, plies, options) - _usual(config, plies, tuple(sorted(options.items())))
    return float(beyond.max() - beyond.min())


@lru_cache
def _usual(config: Config, plies: int, options: tuple[tuple[str, int | bool], ...]) -> np.ndarray:
    """float64[players]: mean value of each seat over random openings."""
    seeds = range(REFERENCE_OPENINGS)
    return np.mean([opening_values(config, seed, plies, dict(options)) for seed in seeds], axis=0)


def opening_seeds(
    config: Config,
    root_seed: int,
    key: Sequence[str | int],
    *,
    plies: int,
    options: Options,
    draws: int = DRAWS,
    spread: float = SPREAD,
) -> Callable[[int], int]:
    """The seed numbers of a match's blocks, as a function of the block (from 0) that remembers what it gave.

    A block has the seed of the first of `draws` openings whose spread is at most `spread`, else of the most balanced
    one. It is a pure function of its arguments: draw n of a block has the seed number of (root_seed, *key, block, n).
    Without random plies, or with one draw, that is draw 0 and nothing is evaluated.
    """

    def seed_of(block: int) -> int:
        seeds = [seed_number(root_seed, *key, block, draw) for draw in range(draws if plies else 1)]
        if len(seeds) == 1:
            return seeds[0]
        best, least = seeds[0], float("inf")
        for seed in seeds:
            found = opening_spread(config, seed, plies, options)
            if found < least:
                best, least = seed, found
            if found <= spread:
                break
        return best

    return lru_cache(maxsize=None)(seed_of)
