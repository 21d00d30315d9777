"""The heuristic evaluation: 21 components for one seat, computed from a state without changing it.

The definitions are those of RingRift's heuristic player. "Adjacent" cells are the movement neighbours, "best
opponent" is the largest value among the other seats, a seat out of the game included. In light mode the
components from `line_potential` on are 0.

What is wanted of several seats is computed once a seat, and marker patterns are counted on whole row masks.

Longer than 300 lines: the 21 components share the sums they are made of, and one file shows them side by side.
"""

import math

from ringrift.kernels import kernel
from ringrift.players.heuristic.counts import _foreign_buried, _line_counts, _stack_sums, _visible_surplus, popcount
from ringrift.players.heuristic.profiles import (
    BLOCKED_STACK_PENALTY,
    BURIED_RING_VALUE,
    CAP_HEIGHT,
    CENTER_CONTROL,
    CONNECTED_NEIGHBOR,
    ELIMINATED_RINGS,
    FORCED_ELIMINATION_RISK,
    FOUR_IN_ROW,
    GAP_POTENTIAL,
    LINE_CONNECTIVITY,
    LINE_POTENTIAL,
    LPS_ACTION_ADVANTAGE,
    MARKER_COUNT,
    MOBILITY,
    MULTI_LEADER_THREAT,
    NO_STACKS_PENALTY,
    OPPONENT_THREAT,
    OPPONENT_VICTORY_THREAT,
    OVERTAKE_POTENTIAL,
    RECOVERY_ELIGIBILITY,
    RECOVERY_POTENTIAL,
    RINGS_IN_HAND,
    RINGS_PROXIMITY_FACTOR,
    SINGLE_STACK_PENALTY,
    STACK_CONTROL,
    STACK_DIVERSITY_BONUS,
    STACK_HEIGHT,
    STACK_MOBILITY,
    TERRITORY,
    TERRITORY_CLOSURE,
    TERRITORY_PROXIMITY_FACTOR,
    TERRITORY_SAFETY,
    THREE_IN_ROW,
    TWO_IN_ROW,
    VICTORY_PROXIMITY,
    VICTORY_THRESHOLD_BONUS,
    VULNERABILITY,
)
from ringrift.rules.geometry import HEADER_WORDS
from ringrift.rules.recovery import has_slide
from ringrift.rules.state import (
    COLLAPSED,
    ELIM,
    HAND,
    LPS_PLAYER,
    LPS_ROUNDS,
    LPS_STREAK,
    MARKER_PLANE,
    MARKERS,
    OVER,
    PHASE,
    PLAYERS,
    STACK_PLANE,
    STACKS,
    TERR,
    VICTORY,
    WINNER,
    recovery_eligible,
)

COMPONENTS = (
    "stack_control",
    "territory",
    "rings_in_hand",
    "center_control",
    "opponent_threats",
    "mobility",
    "eliminated_rings",
    "marker_count",
    "victory_proximity",
    "opponent_victory_threat",
    "stack_mobility",
    "multi_leader_threat",
    "line_potential",
    "line_connectivity",
    "vulnerability",
    "overtake_potential",
    "territory_closure",
    "territory_safety",
    "forced_elimination_risk",
    "lps_action_advantage",
    "recovery_potential",
)
LIGHT_COMPONENTS = 12  # the components before this index are computed in light mode too

DECIDED = 100_000.0  # value of a won game
CLOSURE_MARKERS = 10  # markers looked at by territory_closure, the first in cell order


@kernel
def _closure(b, s, seat):
    """10 / max(1, mean distance of the first markers) + 0.5 a marker; 0 with fewer than two markers."""
    if s[MARKERS + seat] < 2:
        return 0.0
    rows = b.rows
    plane = HEADER_WORDS + (MARKER_PLANE + seat) * rows
    total = 0
    pairs = 0
    i = 0
    for r in range(rows):
        mask = s[plane + r]
        while mask and i < CLOSURE_MARKERS:
            low = mask & -mask
            mask ^= low
            y = popcount(low - 1)
            i += 1
            j = i
            r2 = r
            mask2 = mask
            while j < CLOSURE_MARKERS:  # the markers after this one, in cell order
                while mask2 == 0 and r2 + 1 < rows:
                    r2 += 1
                    mask2 = s[plane + r2]
                if mask2 == 0:
                    break
                low2 = mask2 & -mask2
                mask2 ^= low2
                dx = r2 - r
                dy = popcount(low2 - 1) - y
                total += abs(dx) + abs(dy)
                if b.hex:
                    total += abs(dx + dy)
                pairs += 1
                j += 1
    return 10.0 / max(1.0, total / pairs) + 0.5 * s[MARKERS + seat]


@kernel
def _safety(b, s, seat):
    """Minus (3 - d) for each own marker whose nearest foreign stack is at coordinate distance d <= 2."""
    if s[MARKERS + seat] == 0:
        return 0.0
    rows = b.rows
    plane = HEADER_WORDS + (MARKER_PLANE + seat) * rows
    loss = 0
    up2 = up = here = down = down2 = 0  # foreign stacks of the rows r - 2 to r + 2
    for ahead in range(rows + 2):
        up2, up, here, down, down2 = up, here, down, down2, 0
        if ahead < rows:
            for p in range(s[PLAYERS]):
                if p != seat:
                    down2 |= s[HEADER_WORDS + (STACK_PLANE + p) * rows + ahead]
        own = s[plane + ahead - 2] if ahead >= 2 else 0
        if own == 0:
            continue
        beside = (here << 1) | (here >> 1) | up | down
        if b.hex:  # a neighbour is at |dx| + |dy| + |dz| = 2, so no cell is at distance 1
            loss += popcount(own & (beside | (up >> 1) | (down << 1)))
        else:
            near = (up << 1) | (up >> 1) | (down << 1) | (down >> 1) | (here << 2) | (here >> 2) | up2 | down2
            loss += 2 * popcount(own & beside) + popcount(own & near & ~beside)
    return -float(loss)


@kernel
def _proximity(b, s, seat, weights):
    """How near `seat` is to a victory, as used by the three victory components."""
    streak = s[LPS_STREAK]
    if s[LPS_PLAYER] == seat and streak > 0:
        if streak >= s[LPS_ROUNDS]:
            return weights[VICTORY_THRESHOLD_BONUS]
        share = min(1.0, streak / max(1, s[LPS_ROUNDS] - 1))
        return weights[VICTORY_THRESHOLD_BONUS] * (0.90 + 0.09 * share)
    rings = s[VICTORY] - s[ELIM + seat]
    cells = b.cells // 2 + 1 - s[TERR + seat]  # the majority of all cells, for any number of players
    if rings <= 0 or cells <= 0:
        return weights[VICTORY_THRESHOLD_BONUS]
    return weights[RINGS_PROXIMITY_FACTOR] / rings + weights[TERRITORY_PROXIMITY_FACTOR] / cells


@kernel
def _diversity(stacks, weights):
    if stacks == 0.0:
        return -weights[NO_STACKS_PENALTY]
    if stacks == 1.0:
        return -weights[SINGLE_STACK_PENALTY]
    return stacks * weights[STACK_DIVERSITY_BONUS]


@kernel
def _recovery(b, s, seat, weights):
    if recovery_eligible(s, seat):
        bonus = weights[RECOVERY_POTENTIAL] if has_slide(b, s, seat) else 0.0
        return weights[RECOVERY_ELIGIBILITY] + bonus
    return 0.3 * weights[BURIED_RING_VALUE] * _foreign_buried(b, s, seat)


@kernel
def _terms(b, s, me, weights, light):
    """The 21 weighted components for seat `me`, in the order of COMPONENTS."""
    players = s[PLAYERS]
    opponents = players - 1
    multi = players > 2
    used = 0  # cells with a stack or collapsed
    for p in range(players):
        used += s[STACKS + p] + s[COLLAPSED + p]
    room = used < b.cells

    # Mine, and of the opponents the sum or the largest value (`best`), whichever the component wants.
    stacks = heights = caps = center = 0.0
    stacks_opp = heights_opp = caps_opp = 0.0
    threats = 0.0
    moves = 0.0
    stack_moves = prox = potential = links = closure = safety = risk = recovery = 0.0
    best_terr = best_hand = best_markers = 0
    best_stack_moves = best_prox = second_prox = -math.inf
    best_potential = best_links = best_closure = best_safety = best_risk = best_recovery = -math.inf
    can_act = True
    stuck = 0  # opponents without an approximate action

    for p in range(players):
        p_heights, p_caps, p_center, p_moves, p_moves_on_me, p_mobile, surplus = _stack_sums(b, s, me, p)
        p_stacks = s[STACKS + p]
        p_stack_moves = p_moves - weights[BLOCKED_STACK_PENALTY] * (p_stacks - p_mobile)
        p_prox = _proximity(b, s, p, weights)
        p_potential = p_links = p_closure = p_safety = p_risk = p_recovery = 0.0
        actions = p_mobile
        if room and s[HAND + p] > 0:
            actions += 1
        if not light:
            if s[MARKERS + p] > 1:
                two, three, four, gaps = _line_counts(b, s, p)
                p_potential = weights[TWO_IN_ROW] * two + weights[THREE_IN_ROW] * three + weights[FOUR_IN_ROW] * four
                p_links = weights[CONNECTED_NEIGHBOR] * two + weights[GAP_POTENTIAL] * gaps
            p_closure = _closure(b, s, p)
            p_safety = _safety(b, s, p)
            if p_stacks > 0:
                p_risk = max(0.0, 2.0 - actions / p_stacks)
            p_recovery = _recovery(b, s, p, weights)
        if p == me:
            stacks, heights, caps = float(p_stacks), p_heights, float(p_caps)
            center += p_center
            threats = -0.5 * surplus
            moves += p_moves
            stack_moves, prox = p_stack_moves, p_prox
            potential, links, closure, safety = p_potential, p_links, p_closure, p_safety
            risk, recovery = p_risk, p_recovery
            can_act = actions > 0
        else:
            stacks_opp += p_stacks
            heights_opp += p_heights
            caps_opp += p_caps
            center -= p_center
            moves -= p_moves_on_me
            best_terr = max(best_terr, s[TERR + p])
            best_hand = max(best_hand, s[HAND + p])
            best_markers = max(best_markers, s[MARKERS + p])
            best_stack_moves = max(best_stack_moves, p_stack_moves)
            second_prox = max(second_prox, min(best_prox, p_prox))
            best_prox = max(best_prox, p_prox)
            best_potential = max(best_potential, p_potential)
            best_links = max(best_links, p_links)
            best_closure = max(best_closure, p_closure)
            best_safety = max(best_safety, p_safety)
            best_risk = max(best_risk, p_risk)
            best_recovery = max(best_recovery, p_recovery)
            if actions == 0:
                stuck += 1

    stacks_opp /= opponents
    control = (
        (stacks - stacks_opp) * weights[STACK_CONTROL]
        + (heights - heights_opp / opponents) * weights[STACK_HEIGHT]
        + (caps - caps_opp / opponents) * weights[CAP_HEIGHT]
        + (_diversity(stacks, weights) - _diversity(stacks_opp, weights))
    )
    vulnerable = overtaking = lps = 0.0
    if not light:
        theirs, mine = _visible_surplus(b, s, me)
        vulnerable = -weights[VULNERABILITY] * theirs
        overtaking = weights[OVERTAKE_POTENTIAL] * mine
        if multi:
            lps = weights[LPS_ACTION_ADVANTAGE] * (stuck / opponents if can_act else -1.0)
    return (
        control,
        weights[TERRITORY] * (s[TERR + me] - best_terr),
        weights[RINGS_IN_HAND] * (s[HAND + me] - best_hand),
        weights[CENTER_CONTROL] * center,
        weights[OPPONENT_THREAT] * threats,
        weights[MOBILITY] * moves,
        weights[ELIMINATED_RINGS] * s[ELIM + me],
        weights[MARKER_COUNT] * (s[MARKERS + me] - best_markers),
        weights[VICTORY_PROXIMITY] * (prox - best_prox),
        weights[OPPONENT_VICTORY_THREAT] * min(0.0, prox - best_prox),
        weights[STACK_MOBILITY] * (stack_moves - best_stack_moves),
        weights[MULTI_LEADER_THREAT] * (second_prox - best_prox) if multi else 0.0,
        weights[LINE_POTENTIAL] * (potential - best_potential),
        weights[LINE_CONNECTIVITY] * (links - best_links),
        vulnerable,
        overtaking,
        weights[TERRITORY_CLOSURE] * (closure - best_closure),
        weights[TERRITORY_SAFETY] * (safety - best_safety),
        weights[FORCED_ELIMINATION_RISK] * (best_risk - risk),
        lps,
        recovery - best_recovery,
    )


@kernel
def components(b, s, me, weights, light, out):
    """Write the 21 weighted components for seat `me` into `out` (float64[21]), in the order of COMPONENTS."""
    values = _terms(b, s, me, weights, light)
    for i in range(len(values)):
        out[i] = values[i]


@kernel
def evaluate(b, s, me, weights, light):
    """Value of a state for seat `me`: the components' sum; after the end ±DECIDED, or 0 without a winner."""
    if s[PHASE] == OVER:
        if s[WINNER] < 0:
            return 0.0
        return DECIDED if s[WINNER] == me else -DECIDED
    total = 0.0
    for value in _terms(b, s, me, weights, light):
        total += value
    return total
