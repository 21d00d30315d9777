"""The MCTS player: PUCT over a tree with the heuristic or a value network at its leaves.

A simulation walks down by the PUCT rule (Rosin 2011; Silver et al., "Mastering the game of Go without human knowledge",
2017), evaluates one new position and adds a value for each seat to every node on its way; each player wants its own
value. The share of visits expected of a decision (its prior) is a softmax of its static value. A node considers few of
its decisions at first and more as it is visited (progressive widening). A certain result is proven and carried up
(Winands, Bjornsson and Saito, "Monte-Carlo tree search solver", 2008).
"""

import math

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.heuristic.features import evaluate
from ringrift.players.search.clock import is_past
from ringrift.players.search.leaf_values import MOST_JUDGED, PROVEN, SCALE, holder, squash
from ringrift.players.search.tree import MAX_DEPTH, ROOT, grow, has_room, learn_gain, look_beyond, plant, reroot
from ringrift.players.search.value_net import judge, relative_place
from ringrift.rules.state import CUR, OVER, PHASE, PLAYERS, WINNER
from ringrift.seeds import uniform

EXPLORATION = 1.5  # weight of the prior
GROWN_AT = 3  # visits of a node before its decisions are looked at; until then its static value counts again
BATCH = 16  # children looked at when a node is grown; twice as many each time its visits have doubled since
PRIOR_SCALE = 60.0  # evaluation difference of one e-fold in the prior
EVEN = 0.05  # share of the prior that is spread evenly: a good move may look bad
FIRST_PLAY = 0.1  # how much worse than its parent an unvisited decision is taken to be


@kernel
def _note_static(b, s, t, node, weights, light, net):
    """Static value of a node for each player: how much better it stands in `s` than the best of the others, halved.

    A network says how each stands where there is one (`net` has rows) and the game goes on.
    """
    judged = len(net.first) > 0 and s[PHASE] != OVER
    if judged:
        judge(b, s, net)
    best, second, at = -math.inf, -math.inf, 0
    for player in range(s[PLAYERS]):
        seat = holder(s, player)
        if judged:
            value = min(max(SCALE * net.strengths[relative_place(s, seat)], -MOST_JUDGED), MOST_JUDGED)
        else:
            value = evaluate(b, s, seat, weights, light)
        t.static[node, player] = value
        if value > best:
            best, second, at = value, best, player
        else:
            second = max(second, value)
    for player in range(s[PLAYERS]):
        t.static[node, player] = 0.5 * (t.static[node, player] - (second if player == at else best))


@kernel
def _look(b, w, t, node, upto, weights, light, quick, net):
    """Evaluate the children of `node` up to number `upto`; share the prior among all looked at."""
    mover = t.mover[node]
    first = t.first[node]
    for child in range(first + t.looked[node], first + upto):
        if look_beyond(b, w, t, node, child, weights, quick):
            t.result[child] = holder(t.trial, t.trial[WINNER]) if t.trial[WINNER] >= 0 else -1
        _note_static(b, t.trial, t, child, weights, light, net)
    t.looked[node] = upto
    best = -math.inf
    for child in range(first, first + upto):
        best = max(best, t.static[child, mover])
    total = 0.0
    for child in range(first, first + upto):
        t.prior[child] = math.exp((t.static[child, mover] - best) / PRIOR_SCALE)
        total += t.prior[child]
    for child in range(first, first + upto):
        t.prior[child] = (1.0 - EVEN) * t.prior[child] / total + EVEN / upto
    if t.following[node] == mover and abs(best) < PROVEN:
        learn_gain(t, t.static[node, mover], best - t.gain[0])


@kernel
def _wanted(t, node):
    """How many children of `node` its visits entitle it to have looked at."""
    most = BATCH
    while most < t.children[node] and most < BATCH * t.visits[node] // 8:
        most *= 2
    return min(most, t.children[node])


@kernel
def _pick(t, node):
    """Child of `node` with the largest PUCT score for its mover."""
    mover = t.mover[node]
    visits = t.visits[node]
    reach = EXPLORATION * math.sqrt(visits)
    unvisited = t.totals[node, mover] / max(1, visits) - FIRST_PLAY
    chosen, best = -1, -math.inf
    for child in range(t.first[node], t.first[node] + t.looked[node]):
        n = t.visits[child]
        if t.solved[child]:
            q = 0.0 if t.result[child] < 0 else (1.0 if t.result[child] == mover else -1.0)
        else:
            q = t.totals[child, mover] / n if n > 0 else unvisited
        score = q + reach * t.prior[child] / (1 + n)
        if score > best:
            chosen, best = child, score
    return chosen


@kernel
def _settle_result(t, node, players):
    """Mark `node` solved if its mover has a proven win, or if every decision's result is known.

    With more than two players those results must agree: whom a player who cannot win lets win is anybody's guess.
    """
    mover = t.mover[node]
    known = t.looked[node] == t.children[node]
    result = np.int8(-2)
    for child in range(t.first[node], t.first[node] + t.looked[node]):
        if not t.solved[child]:
            known = False
        elif t.result[child] == mover:
            t.solved[node], t.result[node] = True, mover
            return
        elif result == -2:
            result = t.result[child]
        elif t.result[child] != result:
            known = known and players == 2
            result = np.int8(-1)  # two players: one of the two is no win of the other
    if known:
        t.solved[node], t.result[node] = True, result


@kernel
def _simulate(b, w, t, players, weights, light, quick, net, rng):
    """One simulation: walk to a new position, evaluate it, add its values along the way."""
    node, depth = t.counters[ROOT], 0
    parent = np.int64(-1)  # typed: for a bare number numba compiles all that takes it once more
    while True:
        t.path[depth] = node
        if t.solved[node] or depth == MAX_DEPTH or (depth > 0 and t.looked[node] == 0 and t.visits[node] < GROWN_AT):
            break
        if t.slot[node] < 0 or t.looked[node] == 0:
            if not has_room(t):
                break
            grow(b, w, t, parent, node, rng)
        wanted = _wanted(t, node)
        if wanted > t.looked[node]:
            _look(b, w, t, node, wanted, weights, light, quick, net)
        parent, node = node, _pick(t, node)
        depth += 1
    for player in range(players):
        if t.solved[node]:
            value = 0.0 if t.result[node] < 0 else (1.0 if t.result[node] == player else -1.0)
        elif t.looked[node] == 0:
            gain = t.gain[0] if player == t.following[node] else -t.gain[0] / (players - 1)
            value = squash(t.static[node, player] + gain)
        else:
            value = t.totals[node, player] / t.visits[node]
        t.standing[player] = value
    for i in range(depth, -1, -1):
        at = t.path[i]
        t.visits[at] += 1
        for player in range(players):
            t.totals[at, player] += t.standing[player]
        if i < depth and not t.solved[at] and t.solved[t.path[i + 1]]:
            _settle_result(t, at, players)


@kernel
def search_mcts(b, s, w, t, codes, played, budget, until, weights, light, quick, net, temperature, rng):
    """Search the position `s` (a decision pending) with `budget` simulations.

    It ends early when `until` (clock.deadline) is past or the result proven. What an earlier search of this game left
    in `t` is used again; `codes[:played]` are the decisions of the game; `net` is as in leaf_values.leaf_value, and
    turns are finished by the light evaluation if `quick`. Returns (node of the chosen child of the root,
    value for the player to move in [-1, 1], simulations): the most visited child, or with `temperature` > 0 one drawn
    from `rng` (uint64[1]) with probability proportional to visits ** (1 / temperature).
    """
    me = holder(s, s[CUR])
    if not reroot(s, t, codes, played):
        plant(s, t, played)
        _note_static(b, s, t, np.int64(0), weights, light, net)
    root = t.counters[ROOT]
    spent = 0
    while spent < budget and not t.solved[root] and not is_past(until):
        _simulate(b, w, t, s[PLAYERS], weights, light, quick, net, rng)
        spent += 1
    chosen, best = t.first[root], -math.inf
    for child in range(t.first[root], t.first[root] + t.looked[root]):
        worth = _worth(t, child, me)
        if temperature > 0.0 and not t.solved[root]:  # the largest with Gumbel noise is a softmax sample
            worth = math.log(worth) / temperature - math.log(-math.log(uniform(rng))) if worth > 0.0 else -math.inf
        if worth > best:
            chosen, best = child, worth
    if t.solved[root]:
        return chosen, 0.0 if t.result[root] < 0 else (1.0 if t.result[root] == me else -1.0), spent
    return chosen, t.totals[root, me] / t.visits[root], spent


@kernel
def _worth(t, child, me):
    """Visits of a child of the root; more than any for a proven win, less than none for a proven loss."""
    if t.solved[child] and t.result[child] >= 0:
        return math.inf if t.result[child] == me else -1.0 / (1 + t.visits[child])
    return float(t.visits[child])
