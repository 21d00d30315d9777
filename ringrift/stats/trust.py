"""How many games to play again so that a forger is found: sampling without replacement.

Of n games, f are forged. A sample of k games that was chosen after they came home, by a secret, misses all of them with
probability C(n - f, k) / C(n, k) (hypergeometric distribution).
"""

from math import ceil, floor

from ringrift.stats.sprt import SequentialTest, score_of_elo

UNNOTICED = 0.01  # largest chance that a forged verdict goes unnoticed


def miss_chance(games: int, forged: int, sample: int) -> float:
    """Chance in [0, 1] that none of `forged` of the games is in a sample of `sample`."""
    if forged <= 0 or sample <= 0:
        return 1.0
    chance = 1.0
    for taken in range(sample):
        chance *= max(games - forged - taken, 0) / (games - taken)
    return chance


def sample_size(games: int, forged: int, unnoticed: float = UNNOTICED) -> int:
    """Fewest games to play again so that `forged` or more of `games` go unnoticed with at most that chance."""
    if forged <= 0:
        return games
    chance = 1.0
    for sample in range(games):
        if chance <= unnoticed:
            return sample
        chance *= max(games - forged - sample, 0) / (games - sample)
    return games


def share_size(games: int, share: float, least: int) -> int:
    """Games to play again of a job: `share` in [0, 1] of them rounded up, at least `least`, at most all."""
    return min(games, max(least, ceil(games * share)))


def turning_games(mean: float, games: int, gate: SequentialTest) -> int:
    """Fewest games that were forged if a promoted candidate is no stronger than `gate.elo0`; at least 1.

    `mean` in [0, 1] is its score over `games` games. Truly it would have scored about the expected score of elo0, and
    a forged game gains it one point at most.
    """
    return max(1, floor((mean - score_of_elo(gate.elo0)) * games))
