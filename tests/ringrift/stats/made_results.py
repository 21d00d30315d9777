"""Made-up results of games for the tests of scores and ratings."""

import numpy as np
from hypothesis import strategies as st

from ringrift.stats.plackett_luce import fit_ratings
from ringrift.stats.results import ELO_SCALE, GameResult

PLAYERS = "abcdef"


def result(participants, ranking, game=0, pool=None, match="m", iteration=0, timestamp=None):
    pool = pool or f"square8_{len(participants)}p"
    return GameResult(pool, iteration, match, game, tuple(participants), ranking and tuple(ranking), timestamp)


def games_of(players: int, most: int = 30):
    """Lists of games of one pool, any participants (repeats too), rankings with ties, capped games."""
    seats = st.lists(st.sampled_from(PLAYERS), min_size=players, max_size=players)
    ranks = st.none() | st.lists(st.integers(1, players), min_size=players, max_size=players)
    return st.lists(st.tuples(seats, ranks), min_size=1, max_size=most).map(
        lambda rows: [result(who, ranking, game=i) for i, (who, ranking) in enumerate(rows)]
    )


any_pool = st.integers(2, 4).flatmap(games_of)


def played(rng, strengths, games, players, start=0):
    """Plackett-Luce games between distinct participants of Elo `strengths` (dict), in random seats."""
    names = sorted(strengths)
    for i in range(start, start + games):
        who = [str(name) for name in rng.choice(names, players, replace=False)]
        utility = np.array([strengths[name] / ELO_SCALE for name in who]) + rng.gumbel(size=players)
        yield result(who, [1 + int((utility > mine).sum()) for mine in utility], game=i)


def fit(games, pool=None, anchor="a"):
    return fit_ratings(games, pool=pool or games[0].pool, anchor=anchor)
