"""Gumbel MCTS, the player of the network: kernels that search many games in lock-step, one leaf of each at a time.

Danihelka et al., "Policy improvement by planning with Gumbel", ICLR 2022. At the root, actions are drawn without
replacement (the top of logits plus Gumbel noise) and sequential halving spends the simulations on them; deeper, the
decision is taken whose visits lag most behind the improved policy softmax(logits + sigma(completed q)). That
improved policy of the root is the target a network is trained on. Each player wants its own score.

A score is what a game is worth to a player, from 0 to 1 (ratings.game_scores). The end of a game is scored exactly. A
position with one legal decision is passed through: the network is asked, as it is trained, about choices only.
"""

import math
from typing import NamedTuple

import numpy as np

from ringrift.kernels import entry, kernel
from ringrift.network.encoding import encode_moves, encode_position
from ringrift.players.heuristic import copy_state
from ringrift.players.values import holder
from ringrift.rules.geometry import Board
from ringrift.rules.state import (
    COLLAPSED,
    CUR,
    ELIM,
    HAND,
    MARKERS,
    OUT_TURN,
    OVER,
    PHASE,
    PLAYERS,
    REASON,
    STALEMATE_HAND,
    WINNER,
    state_words,
)
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import uniform

CONSIDERED = 16  # actions drawn at the root
VISIT_OFFSET, VALUE_SCALE = 50.0, 1.0  # sigma(q) = (VISIT_OFFSET + most visits) * VALUE_SCALE * q, as in the paper
FAST_DIVISOR = 4  # a search that is not recorded has this part of the budget
TARGET_SCALE = 10_000  # an improved policy is recorded in units of 1 / TARGET_SCALE
RECORDED = 128  # decisions it is recorded for, the likeliest: a flat policy cut to a few would be a wrong target
MOST_FORCED = 64  # single decisions passed through at a time
CHILDREN_KEPT = 512  # nodes a simulation may add on average; a search whose memory is full ends early

NOT_GROWN, ENDED_GAME = -1, -2  # values of Trees.slot beside rows of Trees.states
DECIDING, SEARCHING, ELSEWHERE, FINISHED = range(4)  # a game's status
# columns of Games.control
STATUS, PLAYED, SPENT, BUDGET, FULL, DEPTH, NODES, SLOTS = range(8)


class Trees(NamedTuple):
    """Memory of one search a game: G games, N nodes, K kept positions. Node 0 is the root."""

    states: np.ndarray  # int64 [G, K, state words]
    code: np.ndarray  # uint32 [G, N], the decision that leads here
    slot: np.ndarray  # int32 [G, N], row of `states`, NOT_GROWN or ENDED_GAME
    first: np.ndarray  # int32 [G, N], first child
    children: np.ndarray  # int32 [G, N]
    visits: np.ndarray  # int32 [G, N]
    mover: np.ndarray  # int8 [G, N], participant who decides here
    logit: np.ndarray  # float64 [G, N], of the decision that leads here
    totals: np.ndarray  # float64 [G, N, 4], sum over visits of each participant's score
    judged: np.ndarray  # float64 [G, N, 4], scores by the network, or of the ended game
    path: np.ndarray  # int32 [G, N'], nodes from the root to the leaf
    noise: np.ndarray  # float64 [G, max_moves], Gumbel noise of the root's decisions
    worth: np.ndarray  # float64 [G, max_moves], working memory
    trial: np.ndarray  # int64 [G, state words], working memory


class Games(NamedTuple):
    """G games in progress. Where the second index is a participant, there are four; a swap does not move them."""

    states: np.ndarray  # int64 [G, state words]
    codes: np.ndarray  # uint32 [G, cap], decisions so far
    control: np.ndarray  # int64 [G, 8]
    model: np.ndarray  # int64 [G, 4], number of the participant's network, -1 for a player without
    budget: np.ndarray  # int64 [G, 4], simulations a decision
    full_share: np.ndarray  # float64 [G, 4], share of the decisions searched with the whole budget and recorded
    temperature: np.ndarray  # float64 [G, 4], scale of the Gumbel noise
    rng: np.ndarray  # uint64 [G, 4, 1], a stream a participant
    decided: np.ndarray  # int64 [G, 4], decisions played for a participant here
    kept: np.ndarray  # int64 [G, cap], this and the next four as players.searched.Searched
    found: np.ndarray  # uint32 [G, cap, RECORDED]
    shares: np.ndarray  # int64 [G, cap, RECORDED]
    spent: np.ndarray  # int64 [G, cap]
    value: np.ndarray  # float64 [G, cap]


def new_trees(b: Board, games: int, budget: int) -> Trees:
    """Memory for one search a game of up to `budget` simulations; what is not used is never touched."""
    words, kept = state_words(b), budget + 1
    nodes = 1 + b.max_moves + budget * min(CHILDREN_KEPT, b.max_moves)
    return Trees(
        states=np.empty((games, kept, words), dtype=np.int64),
        code=np.empty((games, nodes), dtype=np.uint32),
        slot=np.empty((games, nodes), dtype=np.int32),
        first=np.empty((games, nodes), dtype=np.int32),
        children=np.empty((games, nodes), dtype=np.int32),
        visits=np.empty((games, nodes), dtype=np.int32),
        mover=np.empty((games, nodes), dtype=np.int8),
        logit=np.empty((games, nodes), dtype=np.float64),
        totals=np.empty((games, nodes, 4), dtype=np.float64),
        judged=np.empty((games, nodes, 4), dtype=np.float64),
        path=np.empty((games, kept + 1), dtype=np.int32),
        noise=np.empty((games, b.max_moves), dtype=np.float64),
        worth=np.empty((games, b.max_moves), dtype=np.float64),
        trial=np.empty((games, words), dtype=np.int64),
    )


def new_games(b: Board, games: int, cap: int) -> Games:
    """Room for so many games of up to `cap` decisions, none of them begun."""
    return Games(
        states=np.zeros((games, state_words(b)), dtype=np.int64),
        codes=np.empty((games, cap), dtype=np.uint32),
        control=np.zeros((games, 8), dtype=np.int64),
        model=np.full((games, 4), -1, dtype=np.int64),
        budget=np.zeros((games, 4), dtype=np.int64),
        full_share=np.ones((games, 4), dtype=np.float64),
        temperature=np.zeros((games, 4), dtype=np.float64),
        rng=np.zeros((games, 4, 1), dtype=np.uint64),
        decided=np.zeros((games, 4), dtype=np.int64),
        kept=np.zeros((games, cap), dtype=np.int64),
        found=np.empty((games, cap, RECORDED), dtype=np.uint32),
        shares=np.empty((games, cap, RECORDED), dtype=np.int64),
        spent=np.zeros((games, cap), dtype=np.int64),
        value=np.empty((games, cap), dtype=np.float64),
    )


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


# --- scores ---------------------------------------------------------------------------------------------------


@kernel
def _compare(s, p, q):
    """1, 0 or -1 as loser `p` is ranked above, with or below loser `q` (rules.game.ranking_of)."""
    hand = s[REASON] == STALEMATE_HAND
    for k in range(4):
        if k == 0:
            x, y = s[COLLAPSED + p], s[COLLAPSED + q]
        elif k == 1:
            x, y = s[ELIM + p], s[ELIM + q]
            if hand:
                x, y = x + s[HAND + p], y + s[HAND + q]
        elif k == 2:
            x, y = s[MARKERS + p], s[MARKERS + q]
        else:
            x, y = s[OUT_TURN + p], s[OUT_TURN + q]
            x, y = (1 << 62 if x == 0 else x), (1 << 62 if y == 0 else y)
        if x != y:
            return 1 if x > y else -1
    return 0


@kernel
def final_scores(s, out):
    """Write the score of each participant in a game that is over: the share of the others ranked below, ties half."""
    players = s[PLAYERS]
    for p in range(players):
        total = 0.0
        for q in range(players):
            if q == p:
                continue
            if s[WINNER] < 0:
                total += 0.5
            elif s[WINNER] == p:
                total += 1.0
            elif s[WINNER] != q:
                total += 0.5 + 0.5 * _compare(s, p, q)
        out[holder(s, p)] = total / (players - 1)


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
def _improve(t, node):
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
def _pick(t, node):
    """The child of an inner node whose visits lag most behind the improved policy."""
    best = _improve(t, node)
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
    _improve(t, 0)
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
def _note_target(t, best, games, g, ply):
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
        _note_target(t, _improve(t, 0), games, g, ply)
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


@entry
def scores_of_end(s, out):
    """final_scores for Python: `out` float64 [4]."""
    final_scores(s, out)
