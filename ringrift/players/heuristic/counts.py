"""Kernels that count what the features of the heuristic evaluation are made of."""

from ringrift.kernels import kernel
from ringrift.rules.geometry import HEADER_WORDS
from ringrift.rules.state import (
    COLLAPSED_PLANE,
    MARKER_PLANE,
    ON_BOARD,
    PLAYERS,
    STACK_PLANE,
    cap_height,
    controller,
    height,
)

_EVERY_RING = 0x55_5555_5555_5555  # the low bit of each ring field of a stack's word


@kernel
def popcount(mask):
    """Number of one bits of an int64; the compiler turns this into the processor's instruction."""
    pairs = mask - ((mask >> 1) & 0x5555_5555_5555_5555)
    fours = (pairs & 0x3333_3333_3333_3333) + ((pairs >> 2) & 0x3333_3333_3333_3333)
    bytes_ = (fours + (fours >> 4)) & 0x0F0F_0F0F_0F0F_0F0F
    return (bytes_ * 0x0101_0101_0101_0101) >> 56


@kernel
def _stack_sums(b, s, me, seat):
    """Sums over the stacks of `seat` that light mode needs too.

    Returns (effective heights, cap heights, centre stacks, pseudo-moves, pseudo-moves if of the enemy stacks
    only those of `me` can be taken, stacks with a pseudo-move, adjacent cap surplus of the enemies).
    """
    heights = 0.0
    caps = 0
    center = 0
    moves = 0
    moves_on_me = 0
    mobile = 0
    surplus = 0
    plane = HEADER_WORDS + (STACK_PLANE + seat) * b.rows
    for r in range(b.rows):
        mask = s[plane + r]
        while mask:
            low = mask & -mask
            mask ^= low
            c = b.cell_at[r, popcount(low - 1)]
            word = s[b.first_cell + c]
            tall = height(word)
            cap = cap_height(word)
            heights += tall if tall <= 5 else 5.0 + 0.1 * (tall - 5)
            caps += cap
            center += b.center[c]
            free = 0
            taking = 0
            taking_me = 0
            for d in range(b.directions):
                q = b.neighbor[c, d]
                if q < 0:
                    continue
                other = s[b.first_cell + q]
                if other <= 0:
                    if other > -5:
                        free += 1
                elif controller(other) != seat:
                    other_cap = cap_height(other)
                    surplus += other_cap - cap
                    if other_cap <= cap:
                        taking += 1
                        if controller(other) == me:
                            taking_me += 1
            moves += free + taking
            moves_on_me += free + taking_me
            if free + taking > 0:
                mobile += 1
    return heights, caps, center, moves, moves_on_me, mobile, surplus


@kernel
def _visible_surplus(b, s, me):
    """Cap differences between my stacks and the enemy stacks they see: the first stack on each ray.

    Returns (sum by which theirs are greater, sum by which mine are). Collapsed cells do not hide a stack.
    """
    theirs = 0
    mine = 0
    plane = HEADER_WORDS + (STACK_PLANE + me) * b.rows
    for r in range(b.rows):
        mask = s[plane + r]
        while mask:
            low = mask & -mask
            mask ^= low
            c = b.cell_at[r, popcount(low - 1)]
            cap = cap_height(s[b.first_cell + c])
            for d in range(b.directions):
                q = b.neighbor[c, d]
                while q >= 0 and s[b.first_cell + q] <= 0:
                    q = b.neighbor[q, d]
                if q >= 0:
                    other = s[b.first_cell + q]
                    if controller(other) != me:
                        difference = cap_height(other) - cap
                        if difference > 0:
                            theirs += difference
                        else:
                            mine -= difference
    return theirs, mine


@kernel
def _foreign_buried(b, s, seat):
    """Rings of `seat` in stacks that others control."""
    count = s[ON_BOARD + seat]
    if count == 0:
        return 0
    plane = HEADER_WORDS + (STACK_PLANE + seat) * b.rows
    for r in range(b.rows):
        mask = s[plane + r]
        while mask:
            low = mask & -mask
            mask ^= low
            word = s[b.first_cell + b.cell_at[r, popcount(low - 1)]]
            tall = height(word)
            differs = word ^ (_EVERY_RING * seat)  # a ring field is 0 where the ring is the seat's
            other = (differs | (differs >> 1)) & _EVERY_RING & ((1 << (2 * tall)) - 1)
            count -= tall - popcount(other)
    return count


@kernel
def _toward(mask, steps):
    """Row mask whose bit y is bit y + steps of `mask`."""
    return mask >> steps if steps >= 0 else mask << -steps


@kernel
def _stacks_and_collapsed(s, rows, r):
    """Cells of row `r` that hold a stack or are collapsed."""
    mask = s[HEADER_WORDS + COLLAPSED_PLANE * rows + r]
    for p in range(s[PLAYERS]):
        mask |= s[HEADER_WORDS + (STACK_PLANE + p) * rows + r]
    return mask


@kernel
def _line_counts(b, s, seat):
    """Own markers in a row: (two, three, four, two with an open cell between), each run seen from both ends.

    Open is a cell that holds neither an own marker nor a stack and is not collapsed.
    """
    rows = b.rows
    plane = HEADER_WORDS + (MARKER_PLANE + seat) * rows
    last_dy = 0 if b.hex else 1
    two = 0
    three = 0
    four = 0
    gaps = 0
    open_next = b.valid[0] & ~(s[plane] | _stacks_and_collapsed(s, rows, 0))
    for r in range(rows):
        own = s[plane + r]
        open_here = open_next
        next1 = next2 = next3 = open_next = 0
        if r + 1 < rows:
            next1 = s[plane + r + 1]
            open_next = b.valid[r + 1] & ~(next1 | _stacks_and_collapsed(s, rows, r + 1))
        if own == 0:
            continue
        if r + 2 < rows:
            next2 = s[plane + r + 2]
        if r + 3 < rows:
            next3 = s[plane + r + 3]
        pair = own & (own >> 1)
        two += popcount(pair)
        pair &= own >> 2
        three += popcount(pair)
        four += popcount(pair & (own >> 3))
        gaps += popcount(own & (open_here >> 1) & (own >> 2))
        for dy in range(-1, last_dy + 1):
            pair = own & _toward(next1, dy)
            two += popcount(pair)
            pair &= _toward(next2, 2 * dy)
            three += popcount(pair)
            four += popcount(pair & _toward(next3, 3 * dy))
            gaps += popcount(own & _toward(open_next, dy) & _toward(next2, 2 * dy))
    return 2 * two, 2 * three, 2 * four, 2 * gaps
