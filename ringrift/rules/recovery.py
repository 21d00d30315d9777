"""Recovery: a player without a stack slides a marker to free a buried ring."""

from ringrift.kernels import kernel
from ringrift.rules.moves import A_SHIFT, B_SHIFT, SLIDE, TYPE_SHIFT
from ringrift.rules.state import CUR, LINE, STRIKE, collapse, eliminate_lowest, eliminate_top, has_buried, set_cell

LINE_SLIDE, FALLBACK_SLIDE, STRIKE_SLIDE = 0, 1, 2


@kernel
def slide_line(b, s, start, end, seat):
    """The line made by moving the marker of `seat` from `start` to the empty cell `end`.

    Returns (first cell, axis, length) of the first axis whose run is long enough, length 0 if there is none.
    """
    own = -1 - seat
    for axis in range(b.axes):
        first = end
        q = b.axis_prev[end, axis]
        while q >= 0 and q != start and s[b.first_cell + q] == own:
            first = q
            q = b.axis_prev[q, axis]
        length = 1
        q = first
        while q != end:
            q = b.axis_next[q, axis]
            length += 1
        q = b.axis_next[end, axis]
        while q >= 0 and q != start and s[b.first_cell + q] == own:
            length += 1
            q = b.axis_next[q, axis]
        if length >= s[LINE]:
            return first, axis, length
    return -1, 0, 0


@kernel
def _open_for_slide(word):
    """A slide ends on an empty cell or on a stack."""
    return word >= 0


@kernel
def list_slides(b, s, buf, n):
    """Append the slides of a recovery-eligible player: line slides, or if there are none the other two kinds."""
    seat = s[CUR]
    own = -1 - seat
    before = n
    for c in range(b.cells):
        if s[b.first_cell + c] != own:
            continue
        for d in range(b.directions):
            q = b.neighbor[c, d]
            if q < 0 or s[b.first_cell + q] != 0:
                continue
            _, _, length = slide_line(b, s, c, q, seat)
            if length == 0:
                continue
            head = (SLIDE << TYPE_SHIFT) | (c << A_SHIFT) | (q << B_SHIFT) | (LINE_SLIDE * 4)
            buf[n] = head | 1
            n += 1
            if length > s[LINE]:
                buf[n] = head | 2
                n += 1
    if n > before:
        return n
    for c in range(b.cells):
        if s[b.first_cell + c] != own:
            continue
        for d in range(b.directions):
            q = b.neighbor[c, d]
            if q < 0 or not _open_for_slide(s[b.first_cell + q]):
                continue
            mode = FALLBACK_SLIDE if s[b.first_cell + q] == 0 else STRIKE_SLIDE
            if mode == STRIKE_SLIDE and not s[STRIKE]:
                continue
            buf[n] = (SLIDE << TYPE_SHIFT) | (c << A_SHIFT) | (q << B_SHIFT) | (mode * 4)
            n += 1
    return n


@kernel
def has_slide(b, s, seat):
    """True if a marker of `seat` has any slide, of whichever kind. Eligibility is not tested here."""
    own = -1 - seat
    for c in range(b.cells):
        if s[b.first_cell + c] == own:
            for d in range(b.directions):
                q = b.neighbor[c, d]
                if q >= 0 and _open_for_slide(s[b.first_cell + q]):
                    if s[b.first_cell + q] == 0 or s[STRIKE]:
                        return True
    return False


@kernel
def extraction_cell(b, s, seat):
    """Smallest cell whose stack holds a buried ring of `seat`, or -1."""
    for c in range(b.cells):
        word = s[b.first_cell + c]
        if word > 0 and has_buried(word, seat):
            return c
    return -1


@kernel
def slide(b, s, start, end, mode, option):
    """Carry out a recovery slide of the player to move."""
    seat = s[CUR]
    source = extraction_cell(b, s, seat)
    if mode == LINE_SLIDE:
        first, axis, length = slide_line(b, s, start, end, seat)
        set_cell(b, s, start, 0)
        set_cell(b, s, end, -1 - seat)
        count = length if option == 1 else s[LINE]
        q = first
        for _ in range(count):
            collapse(b, s, q, seat)
            q = b.axis_next[q, axis]
        if option == 1:
            eliminate_lowest(b, s, source, seat)
        return
    set_cell(b, s, start, 0)
    if mode == FALLBACK_SLIDE:
        set_cell(b, s, end, -1 - seat)
    else:
        eliminate_top(b, s, end, 1, seat)
    eliminate_lowest(b, s, source, seat)
