"""Gumbel MCTS, the player of the network: kernels that search many games in lock-step, one leaf of each at a time.

Danihelka et al., "Policy improvement by planning with Gumbel", ICLR 2022. At the root, actions are drawn without
replacement (the top of logits plus Gumbel noise) and sequential halving spends the simulations on them; deeper, the
decision is taken whose visits lag most behind the improved policy softmax(logits + sigma(completed q)). That
improved policy of the root is the target a network is trained on. Each player wants its own score.

A score is what a game is worth to a player, from 0 to 1 (stats.results.game_scores). The end of a game is scored
exactly. A position with one legal decision is passed through: the network is asked, as it is trained, about choices
only.

Longer than 300 lines: the steps of one search, from the root to the decision, stand in the order they run.
"""

import math

import numpy as np

from ringrift.kernels import entry, kernel
from ringrift.network.encode_moves import encode_moves
from ringrift.network.encoding import encode_position
from ringrift.network.gumbel.halving import CONSIDERED, FAST_DIVISOR
from ringrift.network.gumbel.memory import (
    BUDGET,
    DECIDING,
    DEPTH,
    ELSEWHERE,
    ENDED_GAME,
    FINISHED,
    FULL,
    NODES,
    NOT_GROWN,
    PLAYED,
    SEARCHING,
    SLOTS,
    SPENT,
    STATUS,
    Trees,
)
from ringrift.network.gumbel.scores import final_scores
from ringrift.network.gumbel.targets import TARGET_SCALE, improve_policy, note_target
from ringrift.players.heuristic.greedy_turn import copy_state
from ringrift.players.search.leaf_values import holder
from ringrift.rules.state import (
    CUR,
    OVER,
    PHASE,
    PLAYERS,
    WINNER,
)
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import uniform

MOST_FORCED = 64  # single decisions passed through at a time


# --- the tree -------------------------------------------------------------------------------------------------
@kernel
def _row(t, g):
    """The tree of game `g`: every array without its first index."""
    return Trees(
        t.states[g], t.code[g], t.slot[g], t.first[g], t.children[g], t.visits[g], t.mover[g], t.logit[g],
        t.totals[g], t.judged[g], t.path[g], t.noise[g], t.worth[g], t.trial[g],
    )  # fmt: skip


@kernel
def _new_node(t, node, code):
    t.code[node] = code
    t.slot[node] = NOT_GROWN
    t.children[node] = 0
    t.visits[node] = 0
    for p in range(4):
        t.totals[node, p] = 0.0


@kernel
def _pass_forced(b, s, w, buf, n):
    """Play single decisions of the `n` in `buf` until there is a choice or the game ends. Returns their number."""
    for _ in range(MOST_FORCED):
        if n != 1:
            break
        apply_move(b, s, w, np.int64(buf[0]))
        n = settle(b, s, w, buf)
    return n


@kernel
def _grow(b, s, w, grid, buf, n, t, control, node, batch, row):
    """Keep position `s` at `node`, its `n` decisions in `buf` as children, and encode it as row `row` of `batch`."""
    slot, first = control[SLOTS], control[NODES]
    copy_state(s, t.states[slot])
    t.slot[node], t.first[node], t.children[node] = slot, first, n
    t.mover[node] = holder(s, s[CUR])
    for i in range(n):
        _new_node(t, first + i, buf[i])
    control[SLOTS], control[NODES] = slot + 1, first + n
    at = batch.first[row]
    encode_position(b, s, grid, batch.planes, batch.globals, row)
    encode_moves(b, s, w, grid, buf, n, batch.planes, row, batch.moves, batch.extras, batch.codes, at)
    batch.first[row + 1] = at + n


@kernel
def _take_in(t, control, batch, row, logits, scores):
    """Enter what the network says of the leaf at the end of the path, and add its scores along the path."""
    node = t.path[control[DEPTH]]
    s = t.states[t.slot[node]]
    at = batch.first[row]
    for i in range(t.children[node]):
        t.logit[t.first[node] + i] = logits[at + i]
    for p in range(s[PLAYERS]):
        relative = holder(s, p) - s[CUR]
        t.judged[node, p] = scores[row, relative if relative >= 0 else relative + s[PLAYERS]]
    _back_up(t, control, s[PLAYERS])


@kernel
def _back_up(t, control, players):
    leaf = t.path[control[DEPTH]]
    for i in range(control[DEPTH] + 1):
        node = t.path[i]
        t.visits[node] += 1
        for p in range(players):
            t.totals[node, p] += t.judged[leaf, p]


@kernel
def _pick(t, node):
    """The child of an inner node whose visits lag most behind the improved policy."""
    best = improve_policy(t, node)
    first, n = t.first[node], t.children[node]
    total = 0.0
    for i in range(n):
        t.worth[i] = math.exp(t.worth[i] - best)
        total += t.worth[i]
    visits = t.visits[node]  # 1 + those of the children
    chosen, most = first, -math.inf
    for i in range(n):
        lag = t.worth[i] / total - t.visits[first + i] / visits
        if lag > most:
            chosen, most = first + i, lag
    return chosen


@kernel
def _pick_at_root(t, wanted):
    """Of the root's children with `wanted` visits the one of largest noise + logit + sigma(completed q)."""
    improve_policy(t, 0)
    first = t.first[0]
    chosen, best = first, -math.inf
    for i in range(t.children[0]):
        worth = t.noise[i] + t.worth[i]
        if t.visits[first + i] == wanted and worth > best:
            chosen, best = first + i, worth
    return chosen


@kernel
def _walk(b, w, grid, buf, t, control, schedule, batch, row):
    """One simulation, to an ended game (then its scores are added: False) or to a leaf that is encoded (True)."""
    node, depth = 0, 0
    t.path[0] = 0
    while t.slot[node] >= 0:
        parent = node
        node = _pick(t, node) if depth > 0 else _pick_at_root(t, schedule[control[SPENT] - 1])
        depth += 1
        t.path[depth] = node
    control[DEPTH] = depth
    control[SPENT] += 1
    if t.slot[node] == NOT_GROWN:
        copy_state(t.states[t.slot[parent]], t.trial)
        apply_move(b, t.trial, w, np.int64(t.code[node]))
        n = _pass_forced(b, t.trial, w, buf, settle(b, t.trial, w, buf))
        if n > 0:
            _grow(b, t.trial, w, grid, buf, n, t, control, node, batch, row)
            return True
        t.slot[node] = ENDED_GAME
        final_scores(t.trial, t.judged[node])
    _back_up(t, control, t.states[0, PLAYERS])
    return False


# --- a decision -----------------------------------------------------------------------------------------------
@kernel
def _wins_at_once(b, s, w, buf, n, t):
    """Place in `buf` of a decision after which the player to move has won with full score, -1 for none."""
    me = holder(s, s[CUR])
    for i in range(n):
        t.code[i] = buf[i]
    for i in range(n):
        copy_state(s, t.trial)
        apply_move(b, t.trial, w, np.int64(t.code[i]))
        settle(b, t.trial, w, buf)
        if t.trial[PHASE] == OVER and t.trial[WINNER] >= 0 and holder(t.trial, t.trial[WINNER]) == me:
            return i
    return -1


@kernel
def _begin(b, w, grid, buf, t, games, g, batch, row):
    """Begin the decision pending in a game. Returns the code of a decision that wins at once, else -1 with the root
    encoded as row `row` of `batch`."""
    s, control = games.states[g], games.control[g]
    n = settle(b, s, w, buf)
    me = holder(s, s[CUR])
    rng = games.rng[g, me]
    share = games.full_share[g, me]
    full = share >= 1.0 or uniform(rng) < share
    at = _wins_at_once(b, s, w, buf, n, t)
    control[FULL] = full
    control[SPENT] = 0
    control[STATUS] = SEARCHING
    if at >= 0:
        return np.int64(t.code[at])
    n = settle(b, s, w, buf)
    control[BUDGET] = games.budget[g, me] if full else max(2, games.budget[g, me] // FAST_DIVISOR)
    noise = games.temperature[g, me] if full else 0.0
    for i in range(n):
        t.noise[i] = -noise * math.log(-math.log(uniform(rng) + 1e-300)) if noise > 0.0 else 0.0
    control[SLOTS], control[NODES], control[DEPTH] = 0, 1, 0
    control[SPENT] = 1  # the root's own evaluation
    t.path[0] = 0
    _new_node(t, 0, 0)
    _grow(b, s, w, grid, buf, n, t, control, 0, batch, row)
    return -1


@kernel
def _conclude(t, games, g):
    """The decision that a finished search takes; what it found is recorded if it was a full one."""
    control = games.control[g]
    ply, first = control[PLAYED], t.first[0]
    most = 0
    for child in range(first, first + t.children[0]):
        most = max(most, t.visits[child])
    chosen = _pick_at_root(t, most)
    games.spent[g, ply] = control[SPENT] - 1
    games.value[g, ply] = 2.0 * t.totals[0, t.mover[0]] / t.visits[0] - 1.0
    if control[FULL]:
        note_target(t, improve_policy(t, 0), games, g, ply)
    return np.int64(t.code[chosen])


@kernel
def _play(b, w, buf, games, g, code, model, cap):
    """Play a decision and single ones after it; note in the game's status who goes on."""
    s, control = games.states[g], games.control[g]
    while True:
        games.codes[g, control[PLAYED]] = code
        games.decided[g, holder(s, s[CUR])] += 1
        control[PLAYED] += 1
        apply_move(b, s, w, code)
        n = settle(b, s, w, buf)
        if n == 0 or control[PLAYED] == cap:
            control[STATUS] = FINISHED
            return
        if games.model[g, holder(s, s[CUR])] != model:
            control[STATUS] = ELSEWHERE
            return
        if n > 1:
            control[STATUS] = DECIDING
            return
        code = np.int64(buf[0])


@kernel
def _search_on(b, w, grid, buf, t, games, g, schedule, model, cap, batch, row):
    """Let game `g` go on until a leaf is encoded as row `row` (True) or another player has to decide (False)."""
    control = games.control[g]
    while True:
        if control[STATUS] == DECIDING:
            code = _begin(b, w, grid, buf, t, games, g, batch, row)
            if code < 0:
                return True
            games.kept[g, control[PLAYED]] = 1  # a win is worth recording whatever was searched
            games.found[g, control[PLAYED], 0] = code
            games.shares[g, control[PLAYED], 0] = TARGET_SCALE
            games.value[g, control[PLAYED]] = 1.0
        else:
            budget = control[BUDGET]
            plan = schedule[budget, min(CONSIDERED, t.children[0])]
            found = False
            while not found and control[SPENT] <= budget and control[NODES] + b.max_moves <= len(t.code):
                found = _walk(b, w, grid, buf, t, control, plan, batch, row)
            if found:
                return True
            code = _conclude(t, games, g)
        _play(b, w, buf, games, g, code, model, cap)
        if control[STATUS] != DECIDING:
            return False


@kernel
def _search_all(b, grid, w, buf, trees, games, schedule, model, cap, waiting, asked, logits, scores, batch, leaves):
    """search_games: what takes rows of arrays apart may not pass them to code that counts references."""
    for i in range(asked):
        g = waiting[i]
        _take_in(_row(trees, g), games.control[g], batch, i, logits, scores)
    row = 0
    batch.first[0] = 0
    for i in range(len(waiting)):
        g = waiting[i]
        if _search_on(b, w, grid, buf, _row(trees, g), games, g, schedule, model, cap, batch, row):
            leaves[row] = g
            row += 1
    return row


@entry
def search_games(b, grid, w, buf, trees, games, schedule, model, cap, waiting, asked, logits, scores, batch, leaves):
    """Go on with the games `waiting` (int64 [n]) whose next decision is by network number `model`.

    The first `asked` of them have a leaf in `batch` (an Encoded), game waiting[i] in row i, of which the network says
    logits (float32 [M]) and scores (float32 [asked, SEATS]). Each game goes on to its next leaf, which is encoded in
    `batch`, or until somebody else has to decide: then control[STATUS] says so. `leaves` (int64 [n]) takes the games
    that have a leaf, in the order of the rows; their number is returned. `schedule` is schedules(), `grid` a row of
    layout.grids; `w` (int64 [state.work_words]) and `buf` (uint32 [b.max_moves]) are working memory.
    """
    return _search_all(
        b, grid, w, buf, trees, games, schedule, model, cap, waiting, asked, logits, scores, batch, leaves
    )
