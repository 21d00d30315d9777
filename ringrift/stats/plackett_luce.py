"""Batch ratings with intervals: a pure function of the set of games, the same whatever their order.

Model. A seat's log strength is eta = theta[participant] + sigma[seat], and the ranking of a table is drawn
place by place, each time with odds exp(eta) among those left (R. Plackett 1975, R. D. Luce 1959); at two
seats this is Bradley-Terry (1952). Tied seats count as the average of the log likelihood over all orders they
may stand in: at two seats a draw is half a win and half a loss. With W_S the share of these orders in which
exactly the seats S are left at some draw,

    log L = sum_i eta_i - sum_S W_S log sum_{i in S} exp(eta_i)

over the non-empty sets S of seats (one left over costs its own eta: the first sum may run over all seats).

Prior. One drawn game of each participant against the anchor, and one between equal players for each pair of
seats: ratings stay finite for the undefeated, for players who share no opponent, and for a participant who
always sat in one seat. The anchor is fixed at 1500 Elo, the seat effects sum to zero.

Intervals. The log posterior is strictly concave; Newton's method finds its maximum, and the covariance is the
inverse of the observed information there, -d2(log posterior). 95 % interval = rating +- 1.96 standard errors,
relative to the anchor. It counts games as independent. Rotating the seats of one opening makes a pair's
results differ more than chance would, and ties carry less noise than the model gives them: both make the
interval too wide rather than too narrow. Players whose strength depends on the opening make it too narrow.
Elo = 1500 + 400/ln 10 * theta.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.stats.results import ELO_SCALE, ELO_START, Z95, GameResult, in_order

NEWTON_STEPS = 200  # far more than a concave problem of this kind takes
CONVERGED = 1e-16  # half the squared Newton decrement: log posterior still to be gained


@dataclass(frozen=True, slots=True)
class TableFit:
    """A fit of numbered participants in log-strength units; see `RatingFit` for the same in Elo.

    `theta` float[P] (zero at the anchor), `seats` float[n] (sums to zero), `covariance` float[P+n, P+n] of
    both, in that order; its row and column of the anchor are zero.
    """

    theta: np.ndarray
    seats: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class RatingFit:
    """Ratings of one pool in Elo, with their covariance.

    `participants` are sorted keys, the anchor among them; `ratings` float[P]; `covariance` float[P, P] in
    Elo^2; `seats` and `seat_errors` float[n], advantage of each seat and its standard error; `games` int[P],
    games each took part in (0 is possible for the anchor alone).
    """

    pool: str
    anchor: str
    participants: tuple[str, ...]
    ratings: np.ndarray
    covariance: np.ndarray
    seats: np.ndarray
    seat_errors: np.ndarray
    games: np.ndarray
    _index: dict[str, int] = field(repr=False)

    def rating(self, key: str) -> float:
        """Elo of a participant. Raises InvalidInput if it is not rated here, as do the methods below."""
        return float(self.ratings[self._place(key)])

    def interval(self, key: str) -> tuple[float, float]:
        """95 % interval in Elo, relative to the anchor (whose own has no width)."""
        i = self._place(key)
        half = Z95 * math.sqrt(self.covariance[i, i])
        return float(self.ratings[i] - half), float(self.ratings[i] + half)

    def difference(self, a: str, b: str) -> tuple[float, float]:
        """(Elo of A minus Elo of B, its standard error sqrt(Vaa + Vbb - 2 Vab))."""
        i, j = self._place(a), self._place(b)
        v = self.covariance
        variance = max(0.0, v[i, i] + v[j, j] - 2 * v[i, j])  # rounding may leave a hair below zero
        return float(self.ratings[i] - self.ratings[j]), math.sqrt(variance)

    def superiority(self, a: str, b: str) -> float:
        """Likelihood of superiority (LOS): that A is stronger than B, Phi(difference / standard error), in [0, 1].

        The log posterior is taken as quadratic around its maximum (Laplace's approximation), so that the ratings are
        jointly normal with the fit's covariance. Source: R. Coulom, Bayeselo, 2005, whose LOS matrix it is.
        """
        elo, error = self.difference(a, b)
        if error == 0:
            return 0.5  # only a participant compared with itself
        return 0.5 * math.erfc(-elo / (error * math.sqrt(2)))

    def _place(self, key: str) -> int:
        if key not in self._index:
            raise InvalidInput("participant", key, f"it has no games in this fit of {self.pool}")
        return self._index[key]


def fit_ratings(games: Iterable[GameResult], *, pool: str, anchor: str) -> RatingFit:
    """Fit all `games` of one pool. `anchor` is the key of the participant fixed at 1500; it need not have played.

    Raises InvalidInput for a game of another pool, one handed in twice, or no games at all.
    """
    ordered = in_order(games, pool)
    if not ordered:
        raise InvalidInput("games", [], f"a fit of {pool} needs at least one game")
    keys = tuple(sorted({anchor}.union(*(game.participants for game in ordered))))
    index = {key: i for i, key in enumerate(keys)}
    seated = np.array([[index[key] for key in game.participants] for game in ordered])
    tied = (1,) * seated.shape[1]
    ranks = np.array([game.ranking or tied for game in ordered])
    fit = fit_tables(seated, ranks, len(keys), index[anchor])
    count = len(keys)
    played = np.bincount(np.concatenate([np.unique(row) for row in seated]), minlength=count)
    errors = np.sqrt(np.diag(fit.covariance))
    return RatingFit(
        pool=pool,
        anchor=anchor,
        participants=keys,
        ratings=ELO_START + ELO_SCALE * fit.theta,
        covariance=ELO_SCALE**2 * fit.covariance[:count, :count],
        seats=ELO_SCALE * fit.seats,
        seat_errors=ELO_SCALE * errors[count:],
        games=played,
        _index=index,
    )


# --- the fit itself ---------------------------------------------------------------------------------------


def fit_tables(seated: np.ndarray, ranks: np.ndarray, participants: int, anchor: int) -> TableFit:
    """Fit numbered participants: `seated` int[G, n] in range(participants), `ranks` int[G, n], lower is better.

    Equal games are counted, sorted, and their order forgotten before the first sum: any order of the games
    gives the same bits.
    """
    n = seated.shape[1]
    behind = (ranks[:, :, None] > ranks[:, None, :]).sum(2)  # dense ranks: how many are ahead of each seat
    rows, counts = np.unique(np.hstack([seated, behind]), axis=0, return_counts=True)
    tables = _Tables(rows[:, :n], set_weights(rows[:, n:]), counts.astype(float), participants)
    basis = _free_to_full(participants, n, anchor)
    free = np.zeros(basis.shape[1])
    value, gradient, information = tables.derivatives(basis @ free, anchor)
    for _ in range(NEWTON_STEPS):
        reduced = basis.T @ information @ basis
        step = np.linalg.solve(reduced, basis.T @ gradient)
        gain = 0.5 * float(step @ (basis.T @ gradient))
        if gain <= CONVERGED:
            break
        length = 1.0
        trial = tables.derivatives(basis @ (free + step), anchor)
        # Far from the maximum a full step may overshoot; near it, rounding would hide the gain.
        while gain > 1e-6 and trial[0] < value + 1e-3 * length * gain:
            length /= 2
            trial = tables.derivatives(basis @ (free + length * step), anchor)
        free = free + length * step
        value, gradient, information = trial
    full = basis @ free
    covariance = basis @ np.linalg.inv(basis.T @ information @ basis) @ basis.T
    return TableFit(full[:participants], full[participants:], covariance)


def _free_to_full(participants: int, n: int, anchor: int) -> np.ndarray:
    """float[P+n, P+n-2]: all parameters from the free ones; theta[anchor] = 0 and the last seat = -sum of others."""
    basis = np.zeros((participants + n, participants + n - 2))
    others = [p for p in range(participants) if p != anchor]
    basis[others, np.arange(participants - 1)] = 1
    basis[np.arange(participants, participants + n - 1), np.arange(participants - 1, participants + n - 2)] = 1
    basis[-1, participants - 1 :] = -1
    return basis


@lru_cache
def _members(n: int) -> np.ndarray:
    """bool[2^n - 1, n]: the non-empty sets of seats."""
    return (np.arange(1, 2**n)[:, None] >> np.arange(n)) % 2 == 1


def set_weights(ranks: np.ndarray) -> np.ndarray:
    """W of the model above: float[G, 2^n - 1], share of the orders of `ranks` (int[G, n]) that pass each set.

    A set is passed if it holds all seats behind its best rank r and m of the t seats tied at r; the orders
    that leave just those m last are 1 / C(t, m) of all.
    """
    g, n = ranks.shape
    weights = np.zeros((g, 2**n - 1))
    choose = np.array([[math.comb(t, m) or 1 for m in range(n + 1)] for t in range(n + 1)])
    for k, inside in enumerate(_members(n)):
        best = np.where(inside, ranks, n + 1).min(1)[:, None]
        whole = ((ranks <= best) | inside).all(1)
        tied = (ranks == best).sum(1)
        left = ((ranks == best) & inside).sum(1)
        weights[:, k] = whole / choose[tied, left]
    return weights


@dataclass(frozen=True, slots=True)
class _Tables:
    """Distinct tables: `seated` int[G, n], set `weights` float[G, 2^n - 1], `counts` float[G], P participants."""

    seated: np.ndarray
    weights: np.ndarray
    counts: np.ndarray
    participants: int

    def derivatives(self, full: np.ndarray, anchor: int) -> tuple[float, np.ndarray, np.ndarray]:
        """(log posterior, gradient float[P+n], information float[P+n, P+n]) at `full` = theta, then sigma."""
        p, n = self.participants, self.seated.shape[1]
        eta = full[self.seated] + full[p:]
        top = eta.max(1, keepdims=True)
        odds = np.exp(eta - top)[:, None, :] * _members(n)  # float[G, sets, n]
        total = odds.sum(2)
        # A set of seats all far below the best one may underflow to 0 / 0; e^-600 is beyond any rating.
        total = np.maximum(total, 1e-280)
        share = odds / total[:, :, None]
        weight = self.weights * self.counts[:, None]
        value = float(self.counts @ eta.sum(1) - (weight * (np.log(total) + top)).sum())
        drawn = np.einsum("gs,gsi->gi", weight, share)
        slope = self.counts[:, None] - drawn
        curve = -np.einsum("gsi,gsj->gij", share * weight[:, :, None], share)
        curve[:, np.arange(n), np.arange(n)] += drawn
        gradient, information = self._gather(slope, curve)
        return self._with_prior(value, gradient, information, full, anchor)

    def _gather(self, slope: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum float[G, n] and float[G, n, n] a seat into P + n parameters."""
        p, n = self.participants, self.seated.shape[1]
        gradient = np.concatenate([np.bincount(self.seated.ravel(), slope.ravel(), p), slope.sum(0)])
        information = np.zeros((p + n, p + n))
        pairs = self.seated[:, :, None] * p + self.seated[:, None, :]
        information[:p, :p] = np.bincount(pairs.ravel(), curve.ravel(), p * p).reshape(p, p)
        mixed = self.seated[:, :, None] * n + np.arange(n)
        information[:p, p:] = np.bincount(mixed.ravel(), curve.ravel(), p * n).reshape(p, n)
        information[p:, :p] = information[:p, p:].T
        information[p:, p:] = curve.sum(0)
        return gradient, information

    def _with_prior(
        self, value: float, gradient: np.ndarray, information: np.ndarray, full: np.ndarray, anchor: int
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Add the drawn games of the prior: each participant with the anchor, each pair of seats."""
        p, n = self.participants, self.seated.shape[1]
        drawn = [(i, anchor) for i in range(p) if i != anchor]
        drawn += [(p + i, p + j) for i in range(n) for j in range(i)]
        one, two = np.array(drawn).T
        gap = full[one] - full[two]
        value -= float(np.logaddexp(gap / 2, -gap / 2).sum())  # = 0.5 log p(win) + 0.5 log p(loss)
        pull = 0.5 * np.tanh(gap / 2)
        np.add.at(gradient, one, -pull)
        np.add.at(gradient, two, pull)
        noise = 0.25 / np.cosh(np.minimum(np.abs(gap), 600) / 2) ** 2
        for a, b, sign in ((one, one, 1), (two, two, 1), (one, two, -1), (two, one, -1)):
            np.add.at(information, (a, b), sign * noise)
        return value, gradient, information
