"""The descent player: unbounded best-first minimax with proven results.

Each round walks from the root along the best decision of whoever moves, grows the leaf it ends at, evaluates the leaf's
children and carries the best values back up (Cohen-Solal, "Learning to play two-player perfect-information games
without knowledge", 2020; Korf and Chickering, "Best-first minimax search", 1996). A node whose result is certain is
proven and not visited again. Played is the decision that was followed most often.
"""

import math

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.search.clock import is_past
from ringrift.players.search.leaf_values import PROVEN, holder, leaf_value
from ringrift.players.search.tree import (
    MAX_DEPTH,
    POSITIONS,
    ROOT,
    grow,
    has_room,
    learn_gain,
    look_beyond,
    plant,
    reroot,
)
from ringrift.rules.state import CUR

EXPLORE_EVERY = 8  # visits of a node, of which one follows its least visited child
BATCH = 32  # children looked at when a node is grown; as many again each time its visits double


@kernel
def _value(t, node, me):
    """Value of a node for player `me`: backed up, exact, or static with the gain due to who is next."""
    if t.solved[node] or t.looked[node] > 0:
        return t.value[node]
    return t.value[node] + (t.gain[0] if t.following[node] == me else -t.gain[0])


@kernel
def _look(b, w, t, node, upto, me, weights, light, quick, net, noise, salt):
    """Evaluate the children of `node` from the first one not looked at to `upto`."""
    for i in range(t.looked[node], upto):
        child = t.first[node] + i
        look_beyond(b, w, t, node, child, weights, quick)
        t.value[child] = leaf_value(b, t.trial, me, weights, light, net, noise, salt)
    t.looked[node] = upto


@kernel
def _wanted(t, node):
    """How many children of `node` its visits entitle it to have looked at."""
    most = BATCH
    while most < t.children[node] and most < BATCH * t.visits[node]:
        most *= 2
    return min(most, t.children[node])


@kernel
def _update(t, node, me):
    """Value of a grown node: the best of its children for its mover; proven by one proven win, or by all proven."""
    maximise = t.mover[node] == me
    best = -math.inf if maximise else math.inf
    best_proven = False
    all_proven = t.looked[node] == t.children[node]
    first = t.first[node]
    for child in range(first, first + t.looked[node]):
        value = _value(t, child, me)
        if value > best if maximise else value < best:
            best, best_proven = value, t.solved[child]
        all_proven = all_proven and t.solved[child]
    t.value[node] = best
    t.solved[node] = all_proven or (best_proven and (best > PROVEN if maximise else best < -PROVEN))


@kernel
def _follow(t, node, me):
    """Child of `node` to go on with: the best one that is not proven, of equals the least visited; -1 if all are.

    Every so often it is the least visited one, of equals the best: a good move may look bad.
    """
    maximise = t.mover[node] == me
    explore = t.visits[node] % EXPLORE_EVERY == 0
    chosen, best = -1, 0.0
    first = t.first[node]
    for child in range(first, first + t.looked[node]):
        if t.solved[child]:
            continue
        value = _value(t, child, me)
        better = chosen < 0 or (value > best if maximise else value < best)
        if chosen >= 0 and (explore or value == best) and t.visits[child] != t.visits[chosen]:
            better = t.visits[child] < t.visits[chosen]
        if better:
            chosen, best = child, value
    return chosen


@kernel
def _round(b, w, t, me, weights, light, quick, net, noise, salt, rng):
    """Walk to a leaf, grow it, carry the values back."""
    node, depth = t.counters[ROOT], 0
    parent = np.int64(-1)  # typed: for a bare number numba compiles all that takes it once more
    while True:
        t.path[depth] = node
        t.visits[node] += 1
        if t.slot[node] < 0 or t.looked[node] == 0:
            static = t.value[node]
            grow(b, w, t, parent, node, rng)
            _look(b, w, t, node, _wanted(t, node), me, weights, light, quick, net, noise, salt)
            _update(t, node, me)
            if t.following[node] == t.mover[node] and abs(t.value[node]) < PROVEN:
                sign = 1.0 if t.mover[node] == me else -1.0
                learn_gain(t, sign * static, sign * t.value[node])
            break
        wanted = _wanted(t, node)
        if wanted > t.looked[node]:
            _look(b, w, t, node, wanted, me, weights, light, quick, net, noise, salt)
            break
        child = _follow(t, node, me)
        if child < 0:  # what was looked at is proven: look at the rest
            _look(b, w, t, node, np.int64(t.children[node]), me, weights, light, quick, net, noise, salt)
            break
        if depth + 1 > MAX_DEPTH:
            break
        parent, node = node, child
        depth += 1
    for i in range(depth, -1, -1):
        _update(t, np.int64(t.path[i]), me)


@kernel
def search_descent(b, s, w, t, codes, played, budget, until, weights, light, quick, net, noise, rng):
    """Search the position `s` (a decision pending) until `budget` positions are evaluated.

    It ends early when `until` (clock.deadline) is past or the result proven. What an earlier search of this game left
    in `t` is used again; `codes[:played]` are the decisions of the game; `net` is as in leaf_values.leaf_value, and
    turns are finished by the light evaluation if `quick`. Returns
    (node of the chosen child of the root, value for the player to move in units of the evaluation). `rng` (uint64[1])
    orders equals and, with `noise` > 0, salts the evaluation.
    """
    me = holder(s, s[CUR])
    salt = rng[0]
    if not reroot(s, t, codes, played):
        plant(s, t, played)
        t.value[0] = leaf_value(b, s, me, weights, light, net, noise, salt)
    root = t.counters[ROOT]
    while not t.solved[root] and t.counters[POSITIONS] < budget and has_room(t) and not is_past(until):
        _round(b, w, t, me, weights, light, quick, net, noise, salt, rng)
    chosen = t.first[root]
    for child in range(t.first[root], t.first[root] + t.looked[root]):
        if _better(t, child, chosen):
            chosen = child
    t.visits[chosen] = max(1, t.visits[chosen])  # a small budget ends before any is followed
    return chosen, t.value[chosen]


@kernel
def _better(t, child, other):
    """True if the searching player would rather play `child`: proven results first, then visits, then value."""
    if abs(t.value[child]) > PROVEN or abs(t.value[other]) > PROVEN:
        if t.solved[child] or t.solved[other]:
            return t.value[child] > t.value[other]
    if t.visits[child] != t.visits[other]:
        return t.visits[child] > t.visits[other]
    return t.value[child] > t.value[other]
