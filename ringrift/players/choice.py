"""Decisions of engines that the compiled loop does not play: what such an engine is asked, and asking it."""

from importlib import import_module
from typing import NamedTuple

import numpy as np

from ringrift.errors import IllegalMove
from ringrift.players.engines import Engine
from ringrift.players.search.targets import Searched
from ringrift.rules.geometry import Board


class Choice(NamedTuple):
    """One decision to make, two or more being legal. The arrays of position and moves are copies.

    The settings are the participant's (players.participant.Participant).
    """

    board: Board
    state: np.ndarray  # int64, see rules.state
    legal: np.ndarray  # uint32 [n >= 2], codes of the legal decisions
    codes: np.ndarray  # uint32 [plies], the decisions of the game so far
    weights: np.ndarray  # float64 [37], heuristic weights, 0 for an engine that does not evaluate
    light: bool
    temperature: float
    budget: int
    time_ms: int
    rng: np.ndarray  # uint64 [1], the participant's random stream, for kernels
    searched: Searched  # a search may enter what it found out in row len(codes)

    def generator(self) -> np.random.Generator:
        """Random numbers for this decision, a function of the participant's stream and the decision's place."""
        return np.random.default_rng([int(self.rng[0]), len(self.codes)])


def decide(engine: Engine, choice: Choice) -> int:
    """The code that the function `engine.play` decides on. Raises IllegalMove if it is not one of `choice.legal`."""
    module, _, name = engine.play.partition(":")
    legal = choice.legal.tolist()  # the function may change the array
    code = getattr(import_module(module), name)(choice)
    if code not in legal:
        raise IllegalMove("move", code, f"the engine {engine.label} has to take one of its {len(legal)} codes")
    return int(code)
