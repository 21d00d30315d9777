"""Victory: the test after every move, last player standing by rounds."""

from ringrift.kernels import kernel
from ringrift.rules.movement import any_stack_can_act
from ringrift.rules.placement import any_placement, lone_ring_fits
from ringrift.rules.state import (
    BY_TERRITORY,
    COLLAPSED,
    CUR,
    ELIM,
    HAND,
    LAST,
    LAST_MATERIAL,
    LAST_ROUNDS,
    LPS_FIRST,
    LPS_PLAYER,
    LPS_REAL,
    LPS_ROUND,
    LPS_ROUNDS,
    LPS_SET,
    LPS_STREAK,
    MARKERS,
    OUT_TURN,
    OVER,
    PHASE,
    PLAYERS,
    REASON,
    RING_ELIMINATION,
    STACKS,
    STALEMATE,
    STALEMATE_HAND,
    TERRITORY_MIN,
    TURN,
    VICTORY,
    WINNER,
    has_rings,
)


@kernel
def win(s, seat, reason):
    """End the game in favour of `seat`."""
    s[WINNER] = seat
    s[REASON] = reason
    s[PHASE] = OVER
    s[CUR] = seat


@kernel
def _stalemate_winner(s, with_hand):
    """Best player on a bare board: collapsed cells, eliminated rings, markers, last mover, lowest number."""
    best = 0
    for p in range(1, s[PLAYERS]):
        gain = s[COLLAPSED + p] - s[COLLAPSED + best]
        if gain == 0:
            gain = s[ELIM + p] - s[ELIM + best]
            if with_hand:
                gain += s[HAND + p] - s[HAND + best]
        if gain == 0:
            gain = s[MARKERS + p] - s[MARKERS + best]
        if gain == 0 and s[LAST] == p:
            gain = 1
        if gain > 0:
            best = p
    return best


@kernel
def victory_test(b, s):
    """Test the four endings of the game in their order and end it at the first that holds."""
    n = s[PLAYERS]
    territory = 0
    stacks = 0
    holder = -1
    holders = 0
    for p in range(n):
        if s[ELIM + p] >= s[VICTORY]:
            win(s, p, RING_ELIMINATION)
            return
        territory += s[COLLAPSED + p]
        stacks += s[STACKS + p]
        if s[STACKS + p] > 0:
            holder = p
            holders += 1
    if territory >= s[TERRITORY_MIN]:
        for p in range(n):
            if s[COLLAPSED + p] >= s[TERRITORY_MIN] and 2 * s[COLLAPSED + p] > territory:
                win(s, p, BY_TERRITORY)
                return
    if holders == 1:
        for p in range(n):
            if p != holder and has_rings(s, p):
                return
        win(s, holder, LAST_MATERIAL)
    elif stacks == 0:
        hands = False
        for p in range(n):
            if s[HAND + p] > 0:
                hands = True
        if not hands:
            win(s, _stalemate_winner(s, False), STALEMATE)
        elif not lone_ring_fits(b, s):
            win(s, _stalemate_winner(s, True), STALEMATE_HAND)


@kernel
def note_eliminations(s):
    """Store the current turn for every player who has just lost its last ring."""
    for p in range(s[PLAYERS]):
        if s[OUT_TURN + p] == 0 and not has_rings(s, p):
            s[OUT_TURN + p] = s[TURN] + 1


@kernel
def has_real_action(b, s, seat):
    """True if `seat` could place, move or capture (recovery and forced moves are no real actions)."""
    return any_placement(b, s, seat) or any_stack_can_act(b, s, seat)


@kernel
def lps_turn_start(b, s):
    """Last-player-standing bookkeeping at the start of the turn of the player to move; may end the game."""
    q = s[CUR]
    first = s[LPS_FIRST]
    if first < 0 or not has_rings(s, first):
        s[LPS_FIRST] = q
        s[LPS_SET] = 0
        s[LPS_REAL] = 0
        s[LPS_ROUND] += 1
        if s[LPS_PLAYER] < 0 or not has_rings(s, s[LPS_PLAYER]):
            s[LPS_STREAK] = 0
            s[LPS_PLAYER] = -1
    elif q == first and s[LPS_SET] != 0:
        only = -1
        acting = 0
        for r in range(s[PLAYERS]):
            if (s[LPS_REAL] >> r) & 1 and has_rings(s, r):
                only = r
                acting += 1
        if acting == 1:
            s[LPS_STREAK] = s[LPS_STREAK] + 1 if only == s[LPS_PLAYER] else 1
            s[LPS_PLAYER] = only
        else:
            s[LPS_STREAK] = 0
            s[LPS_PLAYER] = -1
        s[LPS_SET] = 0
        s[LPS_REAL] = 0
        s[LPS_FIRST] = q
        s[LPS_ROUND] += 1
    real = has_real_action(b, s, q)
    s[LPS_SET] |= 1 << q
    if real:
        s[LPS_REAL] |= 1 << q
    if real and s[LPS_STREAK] >= s[LPS_ROUNDS] and s[LPS_PLAYER] == q:
        for r in range(s[PLAYERS]):
            if r != q and has_rings(s, r) and has_real_action(b, s, r):
                return
        win(s, q, LAST_ROUNDS)
