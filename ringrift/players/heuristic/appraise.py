"""A position as the heuristic evaluation sees it from every seat: the door for people, openings and tests."""

import numpy as np

from ringrift.boards import board_name
from ringrift.kernels import entry
from ringrift.players.engines import light_default
from ringrift.players.heuristic.features import evaluate
from ringrift.players.heuristic.profiles import BALANCED, find_profile, weight_vector
from ringrift.rules.geometry import board
from ringrift.rules.state import BOARD, PLAYERS


@entry
def appraise(b, s, weights, light, values):
    """Enter the evaluation of state `s` for each seat in `values` (float64[>= players])."""
    for seat in range(s[PLAYERS]):
        values[seat] = evaluate(b, s, seat, weights, light)


def seat_values(state: np.ndarray) -> np.ndarray:
    """float64[players]: evaluation of a state (see rules.state) for each seat, with the balanced profile."""
    name, values = board_name(int(state[BOARD])), np.empty(int(state[PLAYERS]))
    appraise(board(name), state, weight_vector(find_profile(BALANCED)), light_default(name), values)
    return values
