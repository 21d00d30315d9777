"""Placing rings: legality, listing, effect."""

from ringrift.kernels import kernel
from ringrift.rules.movement import any_stack_can_act, can_capture, can_move
from ringrift.rules.moves import A_SHIFT, PLACE, SKIP_PLACEMENT, SWAP, TYPE_SHIFT
from ringrift.rules.state import (
    CUR,
    HAND,
    MOVED,
    MUST,
    ON_BOARD,
    PLAYERS,
    SWAP_ON,
    SWAP_USED,
    cap_height,
    height,
    passable,
    push_top,
    recovery_eligible,
    set_cell,
)

MAX_PLACED = 3


@kernel
def free_run(b, s, c):
    """Longest run of passable cells in any direction from `c`, counted up to MAX_PLACED."""
    best = 0
    for d in range(b.directions):
        q = c
        run = 0
        while run < MAX_PLACED:
            q = b.neighbor[q, d]
            if q < 0 or not passable(s[b.first_cell + q]):
                break
            run += 1
        if run > best:
            best = run
            if best == MAX_PLACED:
                break
    return best


@kernel
def _alive_on_stack(b, s, c, seat):
    """True if one ring of `seat` on top of the stack on `c` could move or capture."""
    word = push_top(s[b.first_cell + c], seat, 1)
    return can_move(b, s, c, height(word)) or can_capture(b, s, c, height(word), cap_height(word))


@kernel
def any_placement(b, s, seat):
    """True if `seat` has rings in hand and a legal placement."""
    if s[HAND + seat] == 0:
        return False
    most = min(s[HAND + seat], MAX_PLACED)
    for c in range(b.cells):
        word = s[b.first_cell + c]
        if word == 0:
            if free_run(b, s, c) > 0:
                return True
            for k in range(1, most + 1):
                if can_capture(b, s, c, k, k):
                    return True
        elif word > 0 and _alive_on_stack(b, s, c, seat):
            return True
    return False


@kernel
def list_placements(b, s, buf, n):
    """Append the placements, skip_placement and swap_sides open to the player to move."""
    seat = s[CUR]
    hand = s[HAND + seat]
    if hand > 0:
        most = min(hand, MAX_PLACED)
        for c in range(b.cells):
            word = s[b.first_cell + c]
            head = (PLACE << TYPE_SHIFT) | (c << A_SHIFT)
            if word == 0:
                run = free_run(b, s, c)
                for k in range(1, most + 1):
                    if k <= run or can_capture(b, s, c, k, k):
                        buf[n] = head | k
                        n += 1
            elif word > 0 and _alive_on_stack(b, s, c, seat):
                buf[n] = head | 1
                n += 1
        if recovery_eligible(s, seat) or any_stack_can_act(b, s, seat):
            buf[n] = SKIP_PLACEMENT << TYPE_SHIFT
            n += 1
    if s[SWAP_ON] and s[PLAYERS] == 2 and seat == 1 and s[MOVED] == 1 and not s[SWAP_USED]:
        buf[n] = SWAP << TYPE_SHIFT
        n += 1
    return n


@kernel
def place(b, s, c, count):
    """Put `count` rings of the player to move on `c`; that stack must move this turn."""
    seat = s[CUR]
    word = s[b.first_cell + c]
    set_cell(b, s, c, push_top(max(word, 0), seat, count))
    s[HAND + seat] -= count
    s[ON_BOARD + seat] += count
    s[MUST] = c


@kernel
def lone_ring_fits(b, s):
    """True if some candidate cell lets a single ring move: used by the bare-board test only."""
    for c in range(b.cells):
        if s[b.first_cell + c] == 0:
            for d in range(b.directions):
                q = b.neighbor[c, d]
                if q >= 0 and passable(s[b.first_cell + q]):
                    return True
    return False
