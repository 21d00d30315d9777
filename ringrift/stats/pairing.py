"""Which tables to play so that the ratings become known best: one after another, each the most informative left.

What is known of the log strengths is a normal distribution: the fit's ratings with their covariance V (`rating_fit`).
The expected Fisher information of a table T in these strengths, with a ranking drawn place by place (Plackett-Luce), is

    I_T = sum over the sets S of seats left at some draw of P(S) (diag(p_S) - p_S p_S'),  p_S = odds within S

and playing it in all n rotations gains 1/2 log det(1 + n V_T I_T), the expected loss of entropy (K. Chaloner and
I. Verdinelli, Bayesian experimental design: a review, 1995). For two players that is half of
log(1 + n p (1 - p) Var(a - b)): much where the difference is uncertain and the result open. V is then updated as if
the table had been played, so that the next choice counts on it. The seats' own advantage is left out, because every
table is played in all rotations.

A table of three or four is the most informative one with the most informative pair in it.
"""

from collections import Counter
from itertools import combinations
from math import ceil, comb

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.stats.results import ELO_SCALE, ELO_START

PRIOR_VARIANCE = 4 * ELO_SCALE**2  # Elo^2; of somebody without games: one drawn game against the anchor (rating_fit)
TIE_DIGITS = 9  # gains are compared so far: rounding does not choose between equal ones


def choose_tables(ratings: np.ndarray, covariance: np.ndarray, *, players: int, count: int) -> list[tuple[int, ...]]:
    """`count` tables of `players` different participants each, as ascending indices, in the order chosen.

    `ratings` float[P] Elo, `covariance` float[P, P] Elo^2. A table is not chosen again while there are tables that
    were chosen less often: a rating that rests on one opponent would say more of the two than of the field. Of equally
    informative tables the first in index order is taken. Raises InvalidInput for fewer participants than a table seats.
    """
    eta = (np.asarray(ratings, dtype=float) - ELO_START) / ELO_SCALE
    known = np.asarray(covariance, dtype=float) / ELO_SCALE**2
    if len(eta) < players:
        raise InvalidInput("participants", len(eta), f"a table needs {players}")
    most = ceil(count / comb(len(eta), players))
    times: Counter[tuple[int, ...]] = Counter()
    tables = []
    for _ in range(count):
        grown = (_grow(eta, known, pair, players, times, most) for pair in _pairs(eta, known, players))
        table = next(table for table in grown if table)
        times[table] += 1
        tables.append(table)
        known = _after(eta, known, table, players)
    return tables


def _pairs(eta: np.ndarray, known: np.ndarray, rotations: int) -> list[tuple[int, int]]:
    """All pairs, the one whose games tell most first."""
    pairs = list(combinations(range(len(eta)), 2))
    a, b = np.array(pairs).T
    spread = known[a, a] + known[b, b] - 2 * known[a, b]
    noise = 0.25 / np.cosh((eta[a] - eta[b]) / 2) ** 2  # p (1 - p)
    gains = np.round(np.log1p(rotations * noise * np.maximum(spread, 0.0)), TIE_DIGITS)
    return [pairs[i] for i in np.argsort(-gains, kind="stable")]


def _grow(
    eta: np.ndarray, known: np.ndarray, pair: tuple[int, int], players: int, times: Counter[tuple[int, ...]], most: int
) -> tuple[int, ...] | None:
    """The most informative table with this pair among those chosen fewer than `most` times, None without any."""
    rest = (i for i in range(len(eta)) if i not in pair)
    tables = [tuple(sorted((*pair, *more))) for more in combinations(rest, players - 2)]
    left = [table for table in tables if times[table] < most]
    if len(left) < 2:
        return left[0] if left else None
    gains = np.round(information_gain(eta, known, np.array(left), players), TIE_DIGITS)
    return left[int(np.argmax(gains))]


def information_gain(eta: np.ndarray, known: np.ndarray, tables: np.ndarray, rotations: int) -> np.ndarray:
    """float[...]: expected loss of entropy, in nats, from `rotations` games of each table.

    `eta` float[P] log strengths, `known` float[P, P] their covariance, `tables` int[..., n] different participants.
    """
    gained = known[tables[..., :, None], tables[..., None, :]] @ expected_information(eta[tables])
    return 0.5 * np.linalg.slogdet(np.eye(tables.shape[-1]) + rotations * gained)[1]


def expected_information(eta: np.ndarray) -> np.ndarray:
    """float[..., n, n]: expected Fisher information of one ranking of seats of log strengths `eta` (float[..., n])."""
    n = eta.shape[-1]
    odds = np.exp(eta - eta.max(-1, keepdims=True))
    reached = np.zeros((*eta.shape[:-1], 2**n))
    reached[..., -1] = 1.0
    total = np.zeros((*eta.shape, n))
    for subset in range(2**n - 1, 0, -1):  # a set comes after every set it is left from
        inside = (subset >> np.arange(n)) % 2 == 1
        share = np.where(inside, odds, 0.0)
        share /= share.sum(-1, keepdims=True)
        spread = share[..., None] * np.eye(n) - share[..., :, None] * share[..., None, :]
        total += reached[..., subset, None, None] * spread
        for seat in np.flatnonzero(inside):
            reached[..., subset & ~(1 << int(seat))] += reached[..., subset] * share[..., seat]
    return total


def _after(eta: np.ndarray, known: np.ndarray, table: tuple[int, ...], rotations: int) -> np.ndarray:
    """The covariance once all rotations of a table are played: (V^-1 + n I)^-1 without inverting V."""
    at = list(table)
    gained = rotations * expected_information(eta[at])
    inner = np.linalg.solve(np.eye(len(at)) + gained @ known[np.ix_(at, at)], gained)
    return known - known[:, at] @ inner @ known[at, :]
