"""The minimax player: iterative-deepening alpha-beta, its depth counted in turns.

Each node lists its decisions, looks at the position after each, and goes on with the best `width` of them: RingRift
turns have hundreds of decision sequences, so depth is bought by width (iterative widening: Cazenave, 2001). Iteration
after iteration both grow, until the budget is spent or nothing was left out, and then the answer is exact.
Positions met before are looked up (transposition table), moves that refuted a sibling come first (killers), then those
that often did (history). At the horizon the side to move may still take what it can (quiescence over captures).

The search is a loop over explicit frames, one a ply: Numba cannot load a recursive kernel from its cache. Longer than
300 lines: the steps of one alpha-beta loop, which would be harder to follow apart.
"""

import math

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.heuristic.features import DECIDED
from ringrift.players.heuristic.greedy_turn import copy_state, finish_turn
from ringrift.players.search.clock import is_past
from ringrift.players.search.leaf_values import PROVEN, holder, leaf_value
from ringrift.players.search.position_key import position_key
from ringrift.rules.moves import CONTINUE, OVERTAKE, SKIP_PLACEMENT, TYPE_SHIFT
from ringrift.rules.state import CAPTURE, CUR, MOVEMENT, OVER, PHASE, PLACEMENT, TURN, WINNER
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import below, mix

MAX_PLY = 64  # decisions from the root; deeper positions count as leaves
TABLE_BITS = 16
HISTORY_BITS = 12
FIRST_WIDTH = 4
LAST_ITERATION = 60

# counters
POSITIONS, BUDGET, ITERATION, INEXACT, GENERATION, WIDTH, UNTIL = range(7)
# kinds of table entries
EXACT, LOWER, UPPER = 0, 1, 2
# what the value after a decision is: final, a first guess, or what the side to move has at least (horizon)
FINAL, GUESS, STAND, DONE = 0, 1, 2, 3
# numbers of a frame
ALPHA, BETA, LOW, HIGH, BEST = range(5)
LISTED, TURNS, SEARCHED, CHOSEN, PICKED, SLOT = range(6)


@kernel
def _history_slot(code):
    return np.int64(mix(np.uint64(code)) >> np.uint64(64 - HISTORY_BITS))


@kernel
def _likely_first(m, ply, n, table_move):
    """Bring to the front, among the `n` decisions of `ply`: table move, killers, the one with the best history."""
    moves = m.moves[ply]
    front = 0
    for rank in range(3):
        wanted = table_move if rank == 0 else m.killers[ply, rank - 1]
        for i in range(front, n):
            if wanted != 0 and moves[i] == wanted:
                moves[i], moves[front] = moves[front], moves[i]
                front += 1
                break
    most, at = 0, front
    for i in range(front, n):
        often = m.history[_history_slot(moves[i])]
        if often > most:
            most, at = often, i
    if most > 0:
        moves[front], moves[at] = moves[at], moves[front]


@kernel
def _enter(b, w, m, ply, i):
    """Set up ply + 1 as the position after decision `i` of `ply`. Returns its number of decisions."""
    copy_state(m.states[ply], m.states[ply + 1])
    apply_move(b, m.states[ply + 1], w, np.int64(m.moves[ply, i]))
    return settle(b, m.states[ply + 1], w, m.moves[ply + 1])


@kernel
def _keep_captures(m, ply, n):
    """Leave only what quiescence looks at among the `n` decisions of `ply`. Returns their number."""
    moves = m.moves[ply]
    kept = 0
    for i in range(n):
        kind = moves[i] >> TYPE_SHIFT
        if kind == OVERTAKE or kind == CONTINUE or kind == SKIP_PLACEMENT:
            moves[kept] = moves[i]
            kept += 1
    return kept


@kernel
def _look(b, w, m, ply, n, turns, maximise, me, weights, light, quick, net, noise, salt):
    """Value the position after each of the `n` decisions of `ply`.

    Returns the number looked at: fewer than `n` when a final value already refutes the node or the budget is spent.
    """
    turn = m.states[ply, TURN]
    for i in range(n):
        if ply > 0 and m.counters[POSITIONS] >= m.counters[BUDGET]:
            return i
        _enter(b, w, m, ply, i)
        after = m.states[ply + 1]
        m.counters[POSITIONS] += 1
        kind = GUESS
        if after[PHASE] == OVER:
            kind = FINAL
        elif ply + 1 >= MAX_PLY or (turns == 0 and after[TURN] != turn):
            kind = FINAL
            m.counters[INEXACT] = 1
        elif turns == 1 and after[TURN] != turn:
            kind = STAND
            m.counters[INEXACT] = 1
        if kind == GUESS and after[TURN] == turn:
            mover = after[CUR]
            m.counters[POSITIONS] += finish_turn(
                b, after, w, m.moves[ply + 1], m.states[ply + 2], turn, mover, weights, quick
            )
            if after[PHASE] == OVER and after[WINNER] == mover:
                kind = FINAL  # its own decisions lead there
        value = leaf_value(b, after, me, weights, light, net, noise, salt)
        m.scores[ply, i] = value
        m.kinds[ply, i] = kind
        if kind == FINAL and (value >= m.windows[ply, BETA] if maximise else value <= m.windows[ply, ALPHA]):
            return i + 1
    return n


@kernel
def _improve(m, ply, value, code, maximise):
    """Enter a searched value in the frame of `ply`."""
    window = m.windows[ply]
    if value > window[BEST] if maximise else value < window[BEST]:
        window[BEST] = value
        m.frames[ply, CHOSEN] = np.int64(code)
    if maximise:
        window[ALPHA] = max(window[ALPHA], window[BEST])
    else:
        window[BETA] = min(window[BETA], window[BEST])


@kernel
def _open(b, w, m, ply, n, turns, stand, me, weights, light, quick, net, noise, salt):
    """Begin the node at `ply` with its `n` > 0 decisions, `turns` turns deep.

    At 0 turns only captures are looked at, and the side to move may stay at `stand` (quiescence). The frame's window is
    set. Returns True if the node's value, windows[ply, BEST], is known without a search.
    """
    s, window, frame = m.states[ply], m.windows[ply], m.frames[ply]
    maximise = holder(s, s[CUR]) == me
    window[LOW], window[HIGH] = window[ALPHA], window[BETA]
    window[BEST] = -math.inf if maximise else math.inf
    frame[TURNS], frame[SEARCHED], frame[SLOT] = turns, 0, -1
    table_move = np.uint32(0)
    if turns == 0:
        if s[PHASE] == PLACEMENT or s[PHASE] == MOVEMENT or s[PHASE] == CAPTURE:
            n = _keep_captures(m, ply, n)
            _improve(m, ply, stand, 0, maximise)
            if n == 0 or window[ALPHA] >= window[BETA]:
                return True
    else:
        key = position_key(b, s) ^ mix(np.uint64(m.counters[GENERATION]))
        slot = np.int64(key >> np.uint64(64 - TABLE_BITS))
        m.frame_keys[ply] = key
        frame[SLOT] = slot
        if m.keys[slot] == key:
            table_move = m.best[slot]
            if ply > 0 and m.entries[slot] >> 2 == m.counters[ITERATION]:
                kind, value = m.entries[slot] & 3, m.values[slot]
                if kind == EXACT or (value >= window[BETA] if kind == LOWER else value <= window[ALPHA]):
                    window[BEST] = value
                    return True
    frame[CHOSEN] = np.int64(m.moves[ply, 0])
    _likely_first(m, ply, n, table_move)
    if n > 1 or turns <= 1:
        n = _look(b, w, m, ply, n, turns, maximise, me, weights, light, quick, net, noise, salt)
    else:
        m.scores[ply, 0] = 0.0
        m.kinds[ply, 0] = GUESS
    for i in range(n):
        if m.kinds[ply, i] == FINAL:
            _improve(m, ply, m.scores[ply, i], m.moves[ply, i], maximise)
        elif m.moves[ply, i] == table_move:  # searched first, whatever its score
            m.moves[ply, 0], m.moves[ply, i] = m.moves[ply, i], m.moves[ply, 0]
            m.scores[ply, 0], m.scores[ply, i] = m.scores[ply, i], m.scores[ply, 0]
            m.kinds[ply, 0], m.kinds[ply, i] = m.kinds[ply, i], m.kinds[ply, 0]
    frame[PICKED] = 0 if n > 0 and table_move != 0 and m.moves[ply, 0] == table_move else -1
    frame[LISTED] = n
    return False


@kernel
def _next(m, ply, maximise):
    """Number of the decision of `ply` to search next, the most promising, or -1 if nothing can improve the node."""
    window, frame, scores, kinds = m.windows[ply], m.frames[ply], m.scores[ply], m.kinds[ply]
    if window[ALPHA] >= window[BETA]:
        return -1
    if frame[PICKED] == 0 and frame[SEARCHED] == 0 and (kinds[0] == GUESS or kinds[0] == STAND):
        return 0
    lost = window[BEST] < -PROVEN if maximise else window[BEST] > PROVEN
    wide_enough = frame[SEARCHED] >= m.counters[WIDTH] and not lost  # while all lose, the next one is tried
    pick = -1
    for i in range(frame[LISTED]):
        kind = kinds[i]
        if kind == FINAL or kind == DONE or (kind == GUESS and wide_enough):
            continue
        # The side to move has at least STAND, so the decision can be worth no more than that.
        if kind == STAND and (scores[i] <= window[ALPHA] if maximise else scores[i] >= window[BETA]):
            continue
        if pick < 0 or (scores[i] > scores[pick] if maximise else scores[i] < scores[pick]):
            pick = i
    if pick < 0 and wide_enough:
        for i in range(frame[LISTED]):
            if kinds[i] == GUESS:
                m.counters[INEXACT] = 1
    return pick


@kernel
def _close(m, ply, maximise):
    """End the node at `ply`: remember what refuted it, and its value in the table."""
    window, frame = m.windows[ply], m.frames[ply]
    best, code = window[BEST], np.uint32(frame[CHOSEN])
    if frame[SLOT] < 0:
        return
    if best >= window[HIGH] if maximise else best <= window[LOW]:
        if m.killers[ply, 0] != code:
            m.killers[ply, 1] = m.killers[ply, 0]
            m.killers[ply, 0] = code
        m.history[_history_slot(code)] += frame[TURNS] * frame[TURNS]
    kind = LOWER if best >= window[HIGH] else (UPPER if best <= window[LOW] else EXACT)
    slot = frame[SLOT]
    m.keys[slot] = m.frame_keys[ply]
    m.values[slot] = best
    m.best[slot] = code
    m.entries[slot] = (m.counters[ITERATION] << 2) | kind


@kernel
def _search(b, w, m, n, turns, me, weights, light, quick, net, noise, salt):
    """One iteration from the position at ply 0. Returns False if the budget ended it.

    windows[0, BEST] and frames[0, CHOSEN] hold the value and the decision, the best so far where it was ended.
    """
    m.windows[0, ALPHA], m.windows[0, BETA] = -math.inf, math.inf
    ply = np.int64(0)  # typed: for a bare number numba compiles all that takes it once more
    _open(b, w, m, ply, n, turns, 0.0, me, weights, light, quick, net, noise, salt)
    while True:
        s, frame = m.states[ply], m.frames[ply]
        maximise = holder(s, s[CUR]) == me
        pick = _next(m, ply, maximise)
        if pick >= 0:
            if m.counters[POSITIONS] >= m.counters[BUDGET] or is_past(m.counters[UNTIL]):
                return False
            kind, stand = m.kinds[ply, pick], m.scores[ply, pick]
            m.kinds[ply, pick] = DONE
            frame[PICKED] = pick
            count = _enter(b, w, m, ply, pick)
            after = m.states[ply + 1]
            turns = 0 if kind == STAND else frame[TURNS]
            if kind == GUESS:
                frame[SEARCHED] += 1
                if turns > 0 and after[TURN] != s[TURN]:
                    turns -= 1
            if after[PHASE] == OVER:  # only where a single decision was not looked at
                value = leaf_value(b, after, me, weights, light, net, noise, salt)
                _improve(m, ply, value, m.moves[ply, pick], maximise)
                continue
            m.windows[ply + 1, ALPHA], m.windows[ply + 1, BETA] = m.windows[ply, ALPHA], m.windows[ply, BETA]
            known = _open(b, w, m, ply + 1, count, turns, stand, me, weights, light, quick, net, noise, salt)
            if known:
                _improve(m, ply, m.windows[ply + 1, BEST], m.moves[ply, pick], maximise)
            else:
                ply += 1
            continue
        if m.counters[POSITIONS] >= m.counters[BUDGET]:
            return False
        _close(m, ply, maximise)
        if ply == 0:
            return True
        ply -= 1
        above = m.states[ply]
        maximise = holder(above, above[CUR]) == me
        _improve(m, ply, m.windows[ply + 1, BEST], m.moves[ply, m.frames[ply, PICKED]], maximise)


@kernel
def _first_guess(m):
    """The decision at the root after which the position looks best."""
    pick = 0
    for i in range(m.frames[0, LISTED]):
        if m.scores[0, i] > m.scores[0, pick]:
            pick = i
    return pick


@kernel
def search_minimax(b, s, w, buf, n, m, budget, until, weights, light, quick, net, noise, rng):
    """Search the position `s` with its `n` > 1 decisions in `buf` until `budget` positions are evaluated.

    It ends early when `until` (clock.deadline) is past or nothing is left to find. `net` is as in
    leaf_values.leaf_value, and turns are finished by the light evaluation if `quick`.
    Returns (decision, value for the player to move in units of the evaluation). Deterministic given `rng` (uint64[1]):
    a draw decides among equals and, with `noise` > 0, salts the evaluation.
    """
    for i in range(n - 1, 0, -1):  # equals by lot: the first of them wins
        j = below(rng, i + 1)
        buf[i], buf[j] = buf[j], buf[i]
    salt = mix(rng[0])
    for ply in range(MAX_PLY + 2):
        m.killers[ply, 0] = 0
        m.killers[ply, 1] = 0
    for i in range(len(m.history)):
        m.history[i] = 0
    m.counters[POSITIONS] = 0
    m.counters[BUDGET] = budget
    m.counters[UNTIL] = until
    m.counters[GENERATION] += 1
    me = holder(s, s[CUR])
    chosen, worth = np.int64(buf[0]), 0.0
    for iteration in range(1, LAST_ITERATION + 1):
        copy_state(s, m.states[0])
        for i in range(n):
            m.moves[0, i] = buf[i]
        m.counters[ITERATION] = iteration
        m.counters[INEXACT] = 0
        m.counters[WIDTH] = FIRST_WIDTH << (iteration >> 1)
        finished = _search(b, w, m, n, (iteration + 1) >> 1, me, weights, light, quick, net, noise, salt)
        if m.windows[0, BEST] > -math.inf:
            chosen, worth = m.frames[0, CHOSEN], m.windows[0, BEST]
        elif iteration == 1:
            pick = _first_guess(m)
            chosen, worth = np.int64(m.moves[0, pick]), m.scores[0, pick]
        if not finished or worth == DECIDED - s[TURN] or not m.counters[INEXACT]:
            break  # spent, won in this turn, or nothing was left out
    return chosen, worth
