"""Lines: maximal runs of one player's markers along an axis, long enough to be collapsed."""

from ringrift.kernels import kernel
from ringrift.rules.geometry import HEADER_WORDS
from ringrift.rules.moves import A_SHIFT, B_SHIFT, LINE_OPTION, PROCESS_LINE, TYPE_SHIFT
from ringrift.rules.state import CUR, LINE, MARKERS, OWES_LINE, STACKS, collapse


@kernel
def any_line(b, s, seat):
    """True if `seat` has a line. Works on row masks: a run is an AND of shifted rows."""
    need = s[LINE]
    if s[MARKERS + seat] < need:
        return False
    base = HEADER_WORDS + seat * b.rows
    for r in range(b.rows):
        run = s[base + r]
        if run == 0:
            continue
        along = run
        for i in range(1, need):
            along &= run >> i
        if along:
            return True
        if r + need > b.rows:
            continue
        # Across rows: straight, rising and falling; on hex boards (1, 1) is no axis.
        straight = run
        falling = run
        rising = run
        for i in range(1, need):
            row = s[base + r + i]
            straight &= row
            falling &= row << i
            rising &= row >> i
        if straight or falling or (rising and not b.hex):
            return True
    return False


@kernel
def run_length(b, s, first, axis, seat):
    """Number of consecutive markers of `seat` from `first` along `axis`."""
    count = 0
    q = first
    while q >= 0 and s[b.first_cell + q] == -1 - seat:
        count += 1
        q = b.axis_next[q, axis]
    return count


@kernel
def list_lines(b, s, buf, n):
    """Append the line choices of the player to move."""
    seat = s[CUR]
    if not any_line(b, s, seat):
        return n
    own = -1 - seat
    need = s[LINE]
    for c in range(b.cells):
        if s[b.first_cell + c] != own:
            continue
        for axis in range(b.axes):
            back = b.axis_prev[c, axis]
            if back >= 0 and s[b.first_cell + back] == own:
                continue
            length = run_length(b, s, c, axis, seat)
            if length < need:
                continue
            where = (c << A_SHIFT) | (axis << B_SHIFT)
            if length == need:
                buf[n] = (PROCESS_LINE << TYPE_SHIFT) | where
                n += 1
            else:
                for choice in range(length - need + 2):
                    buf[n] = (LINE_OPTION << TYPE_SHIFT) | where | choice
                    n += 1
    return n


@kernel
def process_line(b, s, first, axis, choice):
    """Collapse a line: `choice` 0 the whole of it, at the price of a ring; k the L cells from the k-th on, free."""
    seat = s[CUR]
    count = run_length(b, s, first, axis, seat)
    q = first
    if choice > 0:
        for _ in range(choice - 1):
            q = b.axis_next[q, axis]
        count = s[LINE]
    for _ in range(count):
        collapse(b, s, q, seat)
        q = b.axis_next[q, axis]
    if choice == 0 and s[STACKS + seat] > 0:
        s[OWES_LINE] = 1
