"""What the searches of a game found out: for each decision the visits of its best alternatives and a value.

These are the policy and value targets a network is trained on; they are recorded beside the game, outside its hash.
"""

from typing import NamedTuple

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.search.tree import ROOT

MOST = 16  # alternatives kept of a search, the most visited
MOST_VISITS = 65535


class Searched(NamedTuple):
    """One row a decision of the game."""

    kept: np.ndarray  # int64 [rows], alternatives kept; 0 where nothing was searched
    codes: np.ndarray  # uint32 [rows, MOST]
    visits: np.ndarray  # int64 [rows, MOST], 1 to MOST_VISITS
    spent: np.ndarray  # int64 [rows], positions (minimax, descent) or simulations (mcts) of the search
    value: np.ndarray  # float64 [rows], of the search, for the player to move, in [-1, 1]


def new_searched(rows: int) -> Searched:
    """Room for the searches of a game of up to `rows` decisions, nothing searched yet."""
    return Searched(
        kept=np.zeros(rows, dtype=np.int64),
        codes=np.empty((rows, MOST), dtype=np.uint32),
        visits=np.empty((rows, MOST), dtype=np.int64),
        spent=np.zeros(rows, dtype=np.int64),
        value=np.empty(rows, dtype=np.float64),
    )


@kernel
def note_decision(searched, row, code, value, spent):
    """Enter a search that says only what is best."""
    searched.kept[row] = 1
    searched.codes[row, 0] = code
    searched.visits[row, 0] = 1
    searched.value[row] = value
    searched.spent[row] = spent


@kernel
def note_visits(searched, row, tree, value, spent):
    """Enter the most visited children of the tree's root, the largest first."""
    root = tree.counters[ROOT]
    first = tree.first[root]
    kept = 0
    before, before_at = 1 << 40, -1  # the last one kept: what follows has fewer visits, or as many further on
    while kept < MOST:
        best, at = 0, -1
        for child in range(first, first + tree.looked[root]):
            visits = tree.visits[child]
            if best < visits and (visits < before or (visits == before and child > before_at)):
                best, at = visits, child
        if at < 0:
            break
        searched.codes[row, kept] = tree.code[at]
        searched.visits[row, kept] = min(best, MOST_VISITS)
        before, before_at = best, at
        kept += 1
    searched.kept[row] = kept
    searched.value[row] = value
    searched.spent[row] = spent
