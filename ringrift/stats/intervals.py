"""How a player stands after a fixed number of blocks: mean score with a 95 % interval that is honest for few of them.

Blocks are independent, games within one are not, so the spread is that of block scores. One virtual block, half of it
lost 0 and half won 1 (as the gate has, `gating`), moves the centre towards 0.5 and keeps the spread above 0, as
the added successes and failures of A. Agresti and B. A. Coull (Approximate is better than "exact" for interval
estimation of binomial proportions, 1998) do; Student's t with as many degrees of freedom as there are blocks takes the
place of the normal quantile. With m and v the mean and variance of the N + 1 blocks the interval is
m +- t v^(1/2) / (N + 1)^(1/2), cut to [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.stats.results import Z95
from ringrift.stats.sprt import VIRTUAL_BLOCKS, elo_of_score


@dataclass(frozen=True, slots=True)
class Standing:
    """Mean block score in [0, 1] with its 95 % interval, and the same in Elo (0 at a score of 0.5).

    The Elo of a mean of 0 or 1 is infinite: `elo` is then that of the mean with the virtual block. An end of its
    interval is None where the score's is 0 or 1: so few blocks set no bound there.
    """

    blocks: int
    mean: float
    low: float
    high: float
    elo: float
    elo_low: float | None
    elo_high: float | None


def standing(block_scores: Sequence[float]) -> Standing:
    """The standing of a player with these scores in blocks whose number was fixed beforehand.

    Raises InvalidInput without blocks or for a score outside [0, 1].
    """
    scores = np.asarray(block_scores, dtype=float)
    if scores.ndim != 1 or not len(scores) or not np.all((scores >= 0) & (scores <= 1)):
        raise InvalidInput("block_scores", list(block_scores), "use at least one score, each from 0 to 1")
    count, mean = len(scores), float(scores.mean())
    total = count + VIRTUAL_BLOCKS
    center = (count * mean + 0.5 * VIRTUAL_BLOCKS) / total
    variance = (float((scores**2).sum()) + 0.5 * VIRTUAL_BLOCKS) / total - center**2
    half = student95(count) * float(np.sqrt(variance / total))
    low, high = max(0.0, center - half), min(1.0, center + half)
    return Standing(
        blocks=count,
        mean=mean,
        low=low,
        high=high,
        elo=elo_of_score(mean if 0 < mean < 1 else center),
        elo_low=elo_of_score(low) if low > 0 else None,
        elo_high=elo_of_score(high) if high < 1 else None,
    )


def student95(degrees: int) -> float:
    """Two-sided 95 % quantile of Student's t with `degrees` >= 1 of freedom; within 0.2 % from three on.

    Source: M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 1964, 26.7.5. With two it is 1 % too low,
    with one 11 %: there the whole of [0, 1] lies within it.
    """
    z, d = Z95, degrees
    return (
        z
        + (z**3 + z) / (4 * d)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * d**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * d**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * d**4)
    )
