"""The order in which hosts are asked to take a job: round robin, weighted by free slots and measured speed."""

from collections.abc import Mapping
from typing import Any


class WeightedRoundRobin:
    """Smooth weighted round robin, as nginx does it: each has turns in proportion to its weight, spread evenly.

    Every turn adds its weight to each standing; the highest goes first, and who takes the turn pays the sum of all
    weights. Keys are any hashable values.
    """

    def __init__(self) -> None:
        self._standing: dict[Any, float] = {}

    def order(self, weights: Mapping[Any, float]) -> list[Any]:
        """Who is next, then the others; equal standings in the order given, weights of 0 at the end."""
        return sorted(weights, key=lambda key: (weights[key] <= 0, -(self._standing.get(key, 0.0) + weights[key])))

    def took(self, key: Any, weights: Mapping[Any, float]) -> None:
        """`key` took the turn."""
        for other, weight in weights.items():
            self._standing[other] = self._standing.get(other, 0.0) + weight
        self._standing[key] -= sum(weights.values())
