"""Sequential halving: how many simulations each action considered at the root gets."""

import math

import numpy as np

CONSIDERED = 16  # actions drawn at the root
FAST_DIVISOR = 4  # a search that is not recorded has this part of the budget


def visit_schedule(considered: int, simulations: int) -> list[int]:
    """Sequential halving as the visits a root decision must have had to be simulated next, one a simulation.

    Of those with that many visits the one of largest score is taken (the form of DeepMind's mctx).
    """
    if considered <= 1:
        return list(range(simulations))
    phases = math.ceil(math.log2(considered))
    schedule: list[int] = []
    visits, left = [0] * considered, considered
    while len(schedule) < simulations:
        for _ in range(max(1, simulations // (phases * left))):
            schedule += visits[:left]
            visits[:left] = [n + 1 for n in visits[:left]]
        left = max(2, left // 2)
    return schedule[:simulations]


def schedules(budgets: set[int]) -> np.ndarray:
    """visit_schedule for all budgets and numbers of decisions, int32 [largest budget + 1, CONSIDERED + 1, it].

    Rows of budgets that are not in `budgets` are 0.
    """
    table = np.zeros((max(budgets) + 1, CONSIDERED + 1, max(budgets)), dtype=np.int32)
    for budget in budgets:
        for considered in range(1, CONSIDERED + 1):
            table[budget, considered, :budget] = visit_schedule(considered, budget)
    return table


def fast_budget(budget: int) -> int:
    """Simulations of a search that is not recorded."""
    return max(2, budget // FAST_DIVISOR)
