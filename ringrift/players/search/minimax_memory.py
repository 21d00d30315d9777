"""Flat arrays of one alpha-beta search: frames, transposition table, killers, history."""

from typing import NamedTuple

import numpy as np

from ringrift.players.search.minimax import HISTORY_BITS, MAX_PLY, TABLE_BITS
from ringrift.rules.geometry import Board
from ringrift.rules.state import state_words


class Minimax(NamedTuple):
    """Memory of one searcher; it can be used for any game on its board. P plies, T = 2**TABLE_BITS entries."""

    states: np.ndarray  # int64 [P, state words], the position at each ply
    moves: np.ndarray  # uint32 [P, max_moves], its decisions
    scores: np.ndarray  # float64 [P, max_moves], the value of the position after each
    kinds: np.ndarray  # int8 [P, max_moves], what that value is
    windows: np.ndarray  # float64 [P, 5], frame: window now, window at the start, best value
    frames: np.ndarray  # int64 [P, 6], frame: decisions, turns left, searched, best decision, the one being searched
    frame_keys: np.ndarray  # uint64 [P]
    keys: np.ndarray  # uint64 [T]
    values: np.ndarray  # float64 [T]
    entries: np.ndarray  # int64 [T], iteration << 2 | kind
    best: np.ndarray  # uint32 [T], best decision
    killers: np.ndarray  # uint32 [P, 2]
    history: np.ndarray  # int64 [2**HISTORY_BITS], cutoffs by hashed move
    counters: np.ndarray  # int64 [7]


def new_minimax(b: Board) -> Minimax:
    """Memory for one thread on this board."""
    plies, table = MAX_PLY + 2, 1 << TABLE_BITS
    return Minimax(
        states=np.empty((plies, state_words(b)), dtype=np.int64),
        moves=np.empty((plies, b.max_moves), dtype=np.uint32),
        scores=np.empty((plies, b.max_moves), dtype=np.float64),
        kinds=np.empty((plies, b.max_moves), dtype=np.int8),
        windows=np.empty((plies, 5), dtype=np.float64),
        frames=np.empty((plies, 6), dtype=np.int64),
        frame_keys=np.empty(plies, dtype=np.uint64),
        keys=np.zeros(table, dtype=np.uint64),
        values=np.zeros(table, dtype=np.float64),
        entries=np.zeros(table, dtype=np.int64),
        best=np.zeros(table, dtype=np.uint32),
        killers=np.zeros((plies, 2), dtype=np.uint32),
        history=np.zeros(1 << HISTORY_BITS, dtype=np.int64),
        counters=np.zeros(7, dtype=np.int64),
    )
