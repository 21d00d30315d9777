"""The game tree that descent and MCTS grow: flat arrays, one entry a node, the position kept of inner nodes only.

A node is a position with a decision pending, or the end of the game. Growing a node lists its decisions as children,
in random order; they are looked at (evaluated) in batches, so that a node with hundreds of decisions costs little until
it is visited often (progressive widening: Coulom 2007, Chaslot et al. 2008).

Static values are taken at the end of a turn, which the mover finishes greedily: half a turn says little. Even so a
position looks better for whoever moved last, so values after different numbers of turns do not compare. How much a turn
adds to the value of whoever takes it is averaged while the tree grows, and granted to the player whose turn is next.
"""

from typing import NamedTuple

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.heuristic.greedy_turn import copy_state, finish_turn
from ringrift.players.search.leaf_values import holder
from ringrift.rules.geometry import Board
from ringrift.rules.state import CUR, OVER, PHASE, TURN, WINNER, state_words
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import below

MAX_DEPTH = 500
GAIN_MEMORY = 64  # nodes the average gain looks back on

# counters
NODES, SLOTS, ROOT, PLAYED, POSITIONS = range(5)


class Tree(NamedTuple):
    """Memory of one search: N nodes, M kept positions."""

    states: np.ndarray  # int64 [M, state words]
    code: np.ndarray  # uint32 [N], the decision that leads here
    slot: np.ndarray  # int32 [N], row of `states`, -1 for a node that was not grown
    first: np.ndarray  # int32 [N], first child
    children: np.ndarray  # int32 [N], how many; 0 for the end of the game or a node that was not grown
    looked: np.ndarray  # int32 [N], children evaluated so far, the first ones
    visits: np.ndarray  # int32 [N]
    following: np.ndarray  # int8 [N], player who decides once the turn is finished
    mover: np.ndarray  # int8 [N], player who decides here (values.holder), -1 at the end of the game
    solved: np.ndarray  # bool [N], True where the result of the game from here is proven
    result: np.ndarray  # int8 [N], the winning player where solved, -1 for none (MCTS)
    value: np.ndarray  # float64 [N], for the searching player, in units of the evaluation (descent)
    prior: np.ndarray  # float64 [N], share of the visits expected of this decision (MCTS)
    totals: np.ndarray  # float64 [N, 4], sum over visits of each player's value (MCTS)
    static: np.ndarray  # float64 [N, 4], static value of each player (MCTS)
    gain: np.ndarray  # float64 [1], what a turn adds on average to the static value of whoever takes it
    gains: np.ndarray  # int64 [1], how many nodes that average has seen
    standing: np.ndarray  # float64 [4], working memory
    path: np.ndarray  # int32 [MAX_DEPTH + 1], nodes from the root to the leaf
    moves: np.ndarray  # uint32 [max_moves], working memory
    trial: np.ndarray  # int64 [state words], working memory
    after: np.ndarray  # int64 [state words], working memory
    counters: np.ndarray  # int64 [5]


def new_tree(b: Board, positions: int) -> Tree:
    """Memory for one search of up to `positions` nodes on this board; what is not used is never touched."""
    nodes = positions + 2 * b.max_moves
    slots = nodes // 4 + 64
    return Tree(
        states=np.empty((slots, state_words(b)), dtype=np.int64),
        code=np.empty(nodes, dtype=np.uint32),
        slot=np.empty(nodes, dtype=np.int32),
        first=np.empty(nodes, dtype=np.int32),
        children=np.empty(nodes, dtype=np.int32),
        looked=np.empty(nodes, dtype=np.int32),
        visits=np.empty(nodes, dtype=np.int32),
        following=np.empty(nodes, dtype=np.int8),
        mover=np.empty(nodes, dtype=np.int8),
        solved=np.empty(nodes, dtype=np.bool_),
        result=np.empty(nodes, dtype=np.int8),
        value=np.empty(nodes, dtype=np.float64),
        prior=np.empty(nodes, dtype=np.float64),
        totals=np.empty((nodes, 4), dtype=np.float64),
        static=np.empty((nodes, 4), dtype=np.float64),
        gain=np.zeros(1, dtype=np.float64),
        gains=np.zeros(1, dtype=np.int64),
        standing=np.zeros(4, dtype=np.float64),
        path=np.empty(MAX_DEPTH + 1, dtype=np.int32),
        moves=np.empty(b.max_moves, dtype=np.uint32),
        trial=np.empty(state_words(b), dtype=np.int64),
        after=np.empty(state_words(b), dtype=np.int64),
        counters=np.zeros(5, dtype=np.int64),
    )


@kernel
def plant(s, t, played):
    """Start a tree at state `s`, after `played` decisions of the game: one node, not grown."""
    copy_state(s, t.states[0])
    t.slot[0], t.children[0], t.looked[0], t.visits[0] = 0, 0, 0, 0
    t.mover[0] = t.following[0] = holder(s, s[CUR])
    t.solved[0] = False
    t.value[0] = 0.0
    for player in range(4):
        t.totals[0, player] = 0.0
    t.counters[NODES], t.counters[SLOTS] = 1, 1
    t.counters[ROOT], t.counters[PLAYED], t.counters[POSITIONS] = 0, played, 0


@kernel
def reroot(s, t, codes, played):
    """Make the node of state `s` the root, if the tree has grown it and a quarter of the memory is free.

    `codes[:played]` are the decisions of the game so far. Returns False, the tree unusable, if it has not.
    """
    node = t.counters[ROOT]
    if t.counters[NODES] == 0 or played < t.counters[PLAYED] or 4 * t.counters[NODES] > 3 * len(t.code):
        return False
    for ply in range(t.counters[PLAYED], played):
        found = -1
        for child in range(t.first[node], t.first[node] + t.looked[node]):
            if t.code[child] == codes[ply] and t.slot[child] >= 0 and t.looked[child] > 0:
                found = child
        if found < 0:
            return False
        node = found
    kept = t.states[t.slot[node]]
    for i in range(len(s)):
        if kept[i] != s[i]:
            return False
    t.counters[ROOT], t.counters[PLAYED], t.counters[POSITIONS] = node, played, 0
    return True


@kernel
def has_room(t):
    """True if any node can still be grown."""
    return t.counters[NODES] + len(t.moves) <= len(t.code) and t.counters[SLOTS] < len(t.states)


@kernel
def enter(b, w, t, node, child):
    """Set up `t.trial` as the position of `child` of the grown `node`. Returns its number of decisions."""
    copy_state(t.states[t.slot[node]], t.trial)
    apply_move(b, t.trial, w, np.int64(t.code[child]))
    return settle(b, t.trial, w, t.moves)


@kernel
def look_beyond(b, w, t, node, child, weights, light):
    """Look at the position of `child`: note who decides there, then finish the turn greedily in `t.trial`.

    The turn is finished by the light evaluation if `light`. Marks `child` solved if the game is over there. Returns
    True if it is, or if whoever decides can win at once.
    """
    enter(b, w, t, node, child)
    t.counters[POSITIONS] += 1
    if t.trial[PHASE] == OVER:
        t.solved[child] = True
        return True
    mover = t.trial[CUR]
    t.mover[child] = holder(t.trial, mover)
    if t.trial[TURN] == t.states[t.slot[node], TURN]:
        t.counters[POSITIONS] += finish_turn(b, t.trial, w, t.moves, t.after, t.trial[TURN], mover, weights, light)
    t.following[child] = holder(t.trial, t.trial[CUR])
    t.solved[child] = t.trial[PHASE] == OVER and t.trial[WINNER] == mover  # its own decisions lead there
    return t.solved[child]


@kernel
def learn_gain(t, before, after):
    """Let the average gain see a node that was just grown: its mover's value `before`, static, and `after`."""
    t.gains[0] = min(t.gains[0] + 1, GAIN_MEMORY)
    t.gain[0] += (after - before - t.gain[0]) / t.gains[0]


@kernel
def grow(b, w, t, parent, node, rng):
    """List the decisions of `node` (a child of `parent`, or the root with parent -1) as children not looked at."""
    if parent < 0:
        n = settle(b, t.states[0], w, t.moves)
    else:
        n = enter(b, w, t, parent, node)
        t.slot[node] = t.counters[SLOTS]
        copy_state(t.trial, t.states[t.slot[node]])
        t.counters[SLOTS] += 1
    for i in range(n - 1, 0, -1):
        j = below(rng, i + 1)
        t.moves[i], t.moves[j] = t.moves[j], t.moves[i]
    first = t.counters[NODES]
    t.first[node], t.children[node], t.looked[node] = first, n, 0
    for i in range(n):
        child = first + i
        t.code[child] = t.moves[i]
        t.slot[child], t.children[child], t.looked[child], t.visits[child] = -1, 0, 0, 0
        t.mover[child] = -1
        t.solved[child] = False
        t.value[child] = 0.0
        for player in range(4):
            t.totals[child, player] = 0.0
    t.counters[NODES] += n
