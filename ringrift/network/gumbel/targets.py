"""The improved policy of a searched node, and recording the root's as a policy target."""

import math

from ringrift.kernels import kernel
from ringrift.network.gumbel.memory import RECORDED

VISIT_OFFSET, VALUE_SCALE = 50.0, 1.0  # sigma(q) = (VISIT_OFFSET + most visits) * VALUE_SCALE * q, as in the paper
TARGET_SCALE = 10_000  # an improved policy is recorded in units of 1 / TARGET_SCALE


@kernel
def improve_policy(t, node):
    """Write logit + sigma(completed q) of each child of `node` to t.worth. Returns their maximum.

    A decision not visited has the q of the paper's appendix D: the network's score mixed with the visited ones'.
    """
    mover, first, n = t.mover[node], t.first[node], t.children[node]
    top = -math.inf
    for child in range(first, first + n):
        top = max(top, t.logit[child])
    seen = weighted = 0.0
    most = visits = 0
    for child in range(first, first + n):
        if t.visits[child] > 0:
            prior = math.exp(t.logit[child] - top) + 1e-12
            seen += prior
            weighted += prior * t.totals[child, mover] / t.visits[child]
            visits += t.visits[child]
            most = max(most, t.visits[child])
    mixed = t.judged[node, mover]
    if visits > 0:
        mixed = (mixed + visits * weighted / seen) / (1 + visits)
    scale = (VISIT_OFFSET + most) * VALUE_SCALE
    best = -math.inf
    for child in range(first, first + n):
        q = t.totals[child, mover] / t.visits[child] if t.visits[child] > 0 else mixed
        t.worth[child - first] = t.logit[child] + scale * q
        best = max(best, t.worth[child - first])
    return best


@kernel
def note_target(t, best, games, g, ply):
    """Record the improved policy of the root (t.worth, maximum `best`): its largest shares."""
    n = t.children[0]
    total = 0.0
    for i in range(n):
        t.worth[i] = math.exp(t.worth[i] - best)
        total += t.worth[i]
    kept = 0
    while kept < min(n, RECORDED):
        at = 0
        for i in range(1, n):
            if t.worth[i] > t.worth[at]:
                at = i
        share = int(t.worth[at] / total * TARGET_SCALE + 0.5)
        if share < 1:
            break
        games.found[g, ply, kept] = t.code[t.first[0] + at]
        games.shares[g, ply, kept] = share
        t.worth[at] = -1.0
        kept += 1
    games.kept[g, ply] = kept
