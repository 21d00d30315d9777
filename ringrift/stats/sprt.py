"""Is a candidate stronger? A sequential probability ratio test over blocks of games.

A block is every seat rotation of one opening: the candidate sits once in each seat against copies of its
opponent. The block's score x in [0, 1] is the mean of the candidate's game scores; rotation cancels what the
opening and the seats give, and blocks of different openings are independent while games within one are not.

Generalized sequential probability ratio test with the empirical variance (M. Van den Bergh,
https://www.cantate.be/Fishtest/GSPRT_approximation.pdf; used by Stockfish's fishtest, where two players make
it the pentanomial test). With m and v the mean and variance of N block scores and s(elo) = 1/(1 + 10^(-elo/400)),

    LLR = N (s1 - s0) (2m - s0 - s1) / (2v),  s0 = s(elo0), s1 = s(elo1)

The candidate is promoted when LLR >= ln((1-beta)/alpha), rejected when LLR <= ln(beta/(1-alpha)) (A. Wald,
Sequential Analysis, 1947). m and v are regularised by one virtual block, half of it lost 0 and half won 1:
without it a few equal blocks would have no variance and decide anything.

Elo is that of the expected score in the match as played, at every table size: 0 Elo is a score of 0.5 and
+35 Elo one of 0.55. The cap bounds the cost, so beta holds only well above elo1: `bench.gate` gives the
rates. The documented floor, a mean score of at least 0.55 over at least 10 games, must hold as well.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.stats.results import ELO_SCALE, Z95

GATE_VERSION = 1  # raised when the same games may give another verdict
VIRTUAL_BLOCKS = 1.0  # weight of the regularising block, in blocks
ROUNDING = 1e-9  # numbers recomputed on another machine may differ by this much, relatively

Outcome = Literal["promoted", "rejected", "inconclusive", "continue"]


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """Parameters of a test. Raises InvalidInput for values without a meaning."""

    elo0: float = 0.0  # H0: not stronger
    elo1: float = 35.0  # H1: worth promoting
    alpha: float = 0.05  # chance to promote at elo0, at most
    beta: float = 0.05  # chance to reject at elo1, at most
    min_blocks: int = 16  # no verdict before
    max_blocks: int = 256  # undecided after these: inconclusive, not promoted
    floor_score: float = 0.55  # documented floor on the mean score
    floor_games: int = 10  # and on the games
    version: int = GATE_VERSION

    def __post_init__(self) -> None:
        for field in fields(self):
            value, whole = getattr(self, field.name), field.type is int
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise InvalidInput(field.name, value, "use a whole number" if whole else "use a number")
        if not -1000 <= self.elo0 < self.elo1 <= 1000:
            raise InvalidInput("elo0, elo1", (self.elo0, self.elo1), "use -1000 <= elo0 < elo1 <= 1000")
        if not (0 < self.alpha < 0.5 and 0 < self.beta < 0.5):
            raise InvalidInput("alpha, beta", (self.alpha, self.beta), "use numbers between 0 and 0.5")
        if not 1 <= self.min_blocks <= self.max_blocks:
            allowed = "use 1 <= min_blocks <= max_blocks"
            raise InvalidInput("min_blocks, max_blocks", (self.min_blocks, self.max_blocks), allowed)
        if not 0 <= self.floor_score <= 1 or self.floor_games < 0:
            allowed = "use a score from 0 to 1 and games from 0"
            raise InvalidInput("floor_score, floor_games", (self.floor_score, self.floor_games), allowed)
        if self.version != GATE_VERSION:
            raise InvalidInput("version", self.version, f"this version decides gates of version {GATE_VERSION}")
        for name in ("elo0", "elo1", "alpha", "beta", "floor_score"):
            object.__setattr__(self, name, float(getattr(self, name)))  # 35 and 35.0 are one gate

    @classmethod
    def from_dict(cls, params: Mapping[str, Any]) -> "SequentialTest":
        """The test of `dataclasses.asdict`. Raises InvalidInput for other keys or values without a meaning."""
        names = [field.name for field in fields(cls)]
        if sorted(params) != sorted(names):
            raise InvalidInput("params", sorted(params), f"use exactly {', '.join(names)}")
        return cls(**params)

    @property
    def lower(self) -> float:
        """LLR at or below which the candidate is rejected."""
        return math.log(self.beta / (1 - self.alpha))

    @property
    def upper(self) -> float:
        """LLR at or above which the candidate is promoted."""
        return math.log((1 - self.beta) / self.alpha)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the blocks say. `blocks` is the number the verdict rests on, `llr_path` the LLR after each of them.

    `mean` and `stderr` are of the block scores; `elo` and its 95 % interval belong to the mean, cut to finite
    values. They take the number of blocks as fixed, which the stopping rule does not allow: the interval holds
    the true Elo in about 90 % of two-player gates, and the Elo of a promoted candidate is somewhat too high.
    """

    outcome: Outcome
    llr: float
    llr_path: tuple[float, ...]
    blocks: int
    mean: float
    stderr: float
    elo: float
    elo_interval: tuple[float, float]

    @property
    def promoted(self) -> bool:
        return self.outcome == "promoted"


def score_of_elo(elo: float) -> float:
    """Expected score in (0, 1) of a player `elo` points stronger."""
    return 1 / (1 + 10 ** (-elo / 400))


def elo_of_score(score: float) -> float:
    """Elo difference of an expected score in (0, 1)."""
    return ELO_SCALE * math.log(score / (1 - score))


def statistics(scores: np.ndarray, gate: SequentialTest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(LLR, mean, variance of one block) after each block, each float[..., B]; `scores` float[..., B].

    Variance and LLR are regularised by the virtual block, the mean is that of the scores alone.
    """
    n = np.arange(1, scores.shape[-1] + 1)
    total, squares = scores.cumsum(-1), (scores**2).cumsum(-1)
    m = (total + 0.5 * VIRTUAL_BLOCKS) / (n + VIRTUAL_BLOCKS)
    v = (squares + 0.5 * VIRTUAL_BLOCKS) / (n + VIRTUAL_BLOCKS) - m**2
    s0, s1 = score_of_elo(gate.elo0), score_of_elo(gate.elo1)
    return n * (s1 - s0) * (2 * m - s0 - s1) / (2 * v), total / n, v


def decisions(llr: np.ndarray, mean: np.ndarray, gate: SequentialTest, players: int) -> np.ndarray:
    """int8[..., B]: 1 where the gate promotes after that block, -1 where it rejects, 0 where it plays on.

    The LLR may pass its bound below the floor on the mean: the match then goes on until both agree.
    """
    n = np.arange(1, llr.shape[-1] + 1)
    floor = (mean >= gate.floor_score - ROUNDING) & (n * players >= gate.floor_games)
    decided = np.where((llr >= gate.upper) & floor, 1, np.where(llr <= gate.lower, -1, 0))
    return np.where((n >= gate.min_blocks) & (n <= gate.max_blocks), decided, 0).astype(np.int8)


def judge_blocks(block_scores: Sequence[float], gate: SequentialTest, *, players: int = 2) -> Verdict:
    """Verdict on the block scores (each in [0, 1]) in the order of the openings; a block has `players` games.

    The first block that decides ends the test: what follows is not looked at, so a verdict never changes as
    blocks are added. A job calls this after each block and stops when the outcome is not "continue".
    Raises InvalidInput without blocks or for a score outside [0, 1].
    """
    scores = np.asarray(block_scores, dtype=float)
    if scores.ndim != 1 or not len(scores) or not np.all((scores >= 0) & (scores <= 1)):
        raise InvalidInput("block_scores", list(block_scores), "use at least one score, each from 0 to 1")
    llr, mean, variance = statistics(scores, gate)
    says = decisions(llr, mean, gate, players)
    used = int(says.astype(bool).argmax()) + 1 if says.any() else min(len(says), gate.max_blocks)
    last = used - 1
    outcome: Outcome = "continue" if used < gate.max_blocks else "inconclusive"
    if says[last]:
        outcome = "promoted" if says[last] > 0 else "rejected"
    center, stderr = float(mean[last]), math.sqrt(float(variance[last]) / used)
    edge = 0.5 / (used + VIRTUAL_BLOCKS)  # keeps the Elo of an all-won match finite
    elos = [elo_of_score(min(max(center + z * stderr, edge), 1 - edge)) for z in (-Z95, 0, Z95)]
    path = tuple(float(value) for value in llr[:used])
    return Verdict(outcome, path[-1], path, used, center, stderr, elos[1], (elos[0], elos[2]))
