"""Moving a stack: plain moves and overtaking captures (legality, listing, effects)."""

from ringrift.kernels import kernel
from ringrift.rules.moves import A_SHIFT, B_SHIFT, CONTINUE, MOVE, OVERTAKE, TYPE_SHIFT
from ringrift.rules.state import (
    CUR,
    MUST,
    STACKS,
    cap_height,
    collapse,
    controller,
    eliminate_top,
    height,
    passable,
    pop_top,
    push_bottom,
    set_cell,
)


@kernel
def can_move(b, s, c, h):
    """True if a stack of height `h` on `c` has a plain move: some ray's first `h` cells are passable."""
    for d in range(b.directions):
        q = c
        left = h
        while left > 0:
            q = b.neighbor[q, d]
            if q < 0 or not passable(s[b.first_cell + q]):
                break
            left -= 1
        if left == 0:
            return True
    return False


@kernel
def can_capture(b, s, c, h, cap):
    """True if a stack of height `h` and cap height `cap` on `c` has an overtaking capture."""
    for d in range(b.directions):
        q = b.neighbor[c, d]
        far = 1
        while q >= 0 and passable(s[b.first_cell + q]):
            q = b.neighbor[q, d]
            far += 1
        if q < 0:
            continue
        target = s[b.first_cell + q]
        if target < 0 or cap_height(target) > cap:
            continue
        last = max(h, far + 1)
        while far < last:
            q = b.neighbor[q, d]
            if q < 0 or not passable(s[b.first_cell + q]):
                break
            far += 1
        if far == last:
            return True
    return False


@kernel
def can_act(b, s, c):
    """True if the stack on `c` has a plain move or a capture."""
    word = s[b.first_cell + c]
    return can_move(b, s, c, height(word)) or can_capture(b, s, c, height(word), cap_height(word))


@kernel
def any_stack_can_act(b, s, seat):
    """True if some stack controlled by `seat` has a plain move or a capture."""
    if s[STACKS + seat] > 0:
        for c in range(b.cells):
            word = s[b.first_cell + c]
            if word > 0 and controller(word) == seat and can_act(b, s, c):
                return True
    return False


@kernel
def list_from(b, s, c, moves, capture_kind, buf, n):
    """Append the moves of the stack on `c`: plain moves if `moves`, captures as `capture_kind`. Returns the count."""
    word = s[b.first_cell + c]
    h = height(word)
    cap = cap_height(word)
    for d in range(b.directions):
        q = b.neighbor[c, d]
        far = 1
        head = (MOVE << TYPE_SHIFT) | (c << A_SHIFT)
        while q >= 0 and passable(s[b.first_cell + q]):
            if moves and far >= h:
                buf[n] = head | q
                n += 1
            q = b.neighbor[q, d]
            far += 1
        if q < 0:
            continue
        target = s[b.first_cell + q]
        if target < 0 or cap_height(target) > cap:
            continue
        head = (capture_kind << TYPE_SHIFT) | (c << A_SHIFT) | (q << B_SHIFT)
        q = b.neighbor[q, d]
        far += 1
        while q >= 0 and passable(s[b.first_cell + q]):
            if far >= h:
                buf[n] = head | q
                n += 1
            q = b.neighbor[q, d]
            far += 1
    return n


@kernel
def list_movement(b, s, buf, n):
    """Append every plain move and capture of the player to move, or of the must-move stack alone."""
    if s[MUST] >= 0:
        return list_from(b, s, s[MUST], True, OVERTAKE, buf, n)
    seat = s[CUR]
    left = s[STACKS + seat]
    c = 0
    while left > 0:
        word = s[b.first_cell + c]
        if word > 0 and controller(word) == seat:
            n = list_from(b, s, c, True, OVERTAKE, buf, n)
            left -= 1
        c += 1
    return n


@kernel
def _mark_path(b, s, start, end, seat, d):
    """Marker effects strictly between two cells: own markers collapse, the others become `seat`'s."""
    q = b.neighbor[start, d]
    while q != end:
        word = s[b.first_cell + q]
        if word == -1 - seat:
            collapse(b, s, q, seat)
        elif word < 0:
            set_cell(b, s, q, -1 - seat)
        q = b.neighbor[q, d]


@kernel
def _direction(b, start, end):
    """Movement direction from `start` to `end`, which lie on one ray."""
    for d in range(b.directions):
        q = b.neighbor[start, d]
        while q >= 0 and q != end:
            q = b.neighbor[q, d]
        if q == end:
            return d
    return -1


@kernel
def travel(b, s, start, target, end):
    """Move the stack on `start` to `end`, capturing the top ring of `target` on the way (-1: plain move)."""
    seat = s[CUR]
    word = s[b.first_cell + start]
    d = _direction(b, start, end)
    set_cell(b, s, start, -1 - seat)
    if target < 0:
        _mark_path(b, s, start, end, seat, d)
    else:
        _mark_path(b, s, start, target, seat, d)
        _mark_path(b, s, target, end, seat, d)
        victim = s[b.first_cell + target]
        word = push_bottom(word, controller(victim))
        set_cell(b, s, target, pop_top(victim, 1))
    hit = s[b.first_cell + end] < 0
    set_cell(b, s, end, word)
    if hit:
        eliminate_top(b, s, end, 1, seat)
    if s[MUST] == start:
        s[MUST] = end


@kernel
def captures_from(b, s, c, seat):
    """True if `c` holds a stack controlled by `seat` that has a capture."""
    word = s[b.first_cell + c]
    return word > 0 and controller(word) == seat and can_capture(b, s, c, height(word), cap_height(word))


@kernel
def list_chain(b, s, c, buf, n):
    """Append the mandatory continuations of the capturing stack on `c`."""
    return list_from(b, s, c, False, CONTINUE, buf, n)


@kernel
def list_after_move(b, s, c, buf, n):
    """Append the optional captures of the stack that has just moved to `c`."""
    return list_from(b, s, c, False, OVERTAKE, buf, n)
