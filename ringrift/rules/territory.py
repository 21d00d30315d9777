"""Territory: regions cut off by one colour of markers or by collapsed cells, and claiming them.

Flood fills work on row masks: a row is filled by shifting its mask, its neighbours by OR-ing the rows above and
below (shifted by one on hex boards, whose rows are skewed).
The scratch array `w` holds, in units of `rows` words: 0 free cells, 1 cells not yet visited, 2 the component,
3 border, 4 the next free slot for a scratch mask, and from 8 on the regions found.
"""

from ringrift.kernels import kernel
from ringrift.rules.geometry import HEADER_WORDS
from ringrift.rules.state import (
    COLLAPSED,
    COLLAPSED_PLANE,
    CUR,
    ELIM,
    MARKER_PLANE,
    MARKERS,
    ON_BOARD,
    OWES_TERRITORY,
    PLAYERS,
    RECOVERED,
    STACK_PLANE,
    collapse,
    has_buried,
    height,
    ring_at,
    set_cell,
)

FREE, TODO, PART, BORDER, FIRST_REGION = 0, 1, 2, 3, 8


@kernel
def _spread(row, free):
    """All cells of `free` in the runs that touch `row` (both masks of one row)."""
    fill = row
    grown = (fill | (fill << 1) | (fill >> 1)) & free
    while grown != fill:
        fill = grown
        grown = (fill | (fill << 1) | (fill >> 1)) & free
    return fill


@kernel
def _flood(b, w, start_row):
    """Grow PART (seeded in `start_row`) to its whole component inside FREE. Returns its (first, last) row."""
    rows = b.rows
    part = PART * rows
    low = start_row
    high = start_row
    w[part + low] = _spread(w[part + low], w[low])
    changed = True
    while changed:
        changed = False
        r = low
        while r <= high or (r < rows and w[part + r - 1] != 0):  # downwards over the rows
            seed = w[part + r]
            if r > 0:
                up = w[part + r - 1]
                seed |= up | (up >> 1) if b.hex else up
            seed &= w[r]
            if seed != w[part + r]:
                w[part + r] = _spread(seed, w[r])
                changed = True
                high = max(high, r)
            r += 1
        r = high
        while r >= low or (r >= 0 and w[part + r + 1] != 0):  # and back up
            seed = w[part + r]
            if r < rows - 1:
                down = w[part + r + 1]
                seed |= down | (down << 1) if b.hex else down
            seed &= w[r]
            if seed != w[part + r]:
                w[part + r] = _spread(seed, w[r])
                changed = True
                low = min(low, r)
            r -= 1
    return low, high


@kernel
def _claimable(b, s, w, low, high, seat, active, single):
    """True if the component in PART is a region that `seat` may claim. `single`: exactly one controller inside."""
    rows = b.rows
    part = PART * rows
    inside = 0
    controllers = 0
    outside = False
    for p in range(s[PLAYERS]):
        plane = HEADER_WORDS + (STACK_PLANE + p) * rows
        found = False
        for r in range(low, high + 1):
            if s[plane + r] & w[part + r]:
                found = True
                break
        if found:
            inside |= 1 << p
            controllers += 1
        if p == seat and not s[RECOVERED]:
            for r in range(rows):
                if s[plane + r] & ~w[part + r]:
                    outside = True
                    break
    if single and controllers != 1:
        return False
    if inside == active or inside & ~active:
        return False
    if not s[RECOVERED]:
        return outside
    for c in range(b.cells):
        if w[part + b.row[c]] & b.bit[c] == 0:
            word = s[b.first_cell + c]
            if word > 0 and has_buried(word, seat):
                return True
    return False


@kernel
def _known(b, w, count):
    """True if the component in PART is among the `count` regions already found."""
    for i in range(count):
        at = (FIRST_REGION + i) * b.rows
        r = 0
        while r < b.rows and w[at + r] == w[PART * b.rows + r]:
            r += 1
        if r == b.rows:
            return True
    return False


@kernel
def _components(b, s, w, seat, active, single, count, stop_at_one):
    """Walk the components of FREE and keep those `seat` may claim. Returns the number of regions."""
    rows = b.rows
    todo = TODO * rows
    part = PART * rows
    for r in range(rows):
        w[todo + r] = w[r]
    first = True
    for r in range(rows):
        while w[todo + r]:
            for i in range(rows):
                w[part + i] = 0
            w[part + r] = w[todo + r] & -w[todo + r]
            low, high = _flood(b, w, r)
            rest = False
            for i in range(rows):
                w[todo + i] &= ~w[part + i]
                if w[todo + i]:
                    rest = True
            if first and not rest:
                return count  # one component is the whole board: nothing of the player's lies outside it
            first = False
            if _claimable(b, s, w, low, high, seat, active, single) and not _known(b, w, count):
                for i in range(rows):
                    w[(FIRST_REGION + count) * rows + i] = w[part + i]
                count += 1
                if stop_at_one:
                    return count
    return count


@kernel
def _size(b, w, i):
    """Number of cells of region `i`."""
    size = 0
    for r in range(b.rows):
        row = w[(FIRST_REGION + i) * b.rows + r]
        while row:
            row &= row - 1
            size += 1
    return size


@kernel
def _before(b, w, i, j):
    """True if region `i` sorts before region `j`: smallest cell, then size, then cells."""
    x = (FIRST_REGION + i) * b.rows
    y = (FIRST_REGION + j) * b.rows
    r = 0
    while w[x + r] == 0 and w[y + r] == 0:
        r += 1
    lowest_x = w[x + r] & -w[x + r]
    lowest_y = w[y + r] & -w[y + r]
    if lowest_x != lowest_y:
        return lowest_y == 0 or (lowest_x != 0 and lowest_x < lowest_y)
    size_x = _size(b, w, i)
    size_y = _size(b, w, j)
    if size_x != size_y:
        return size_x < size_y
    while w[x + r] == w[y + r]:
        r += 1
    difference = w[x + r] ^ w[y + r]
    return w[x + r] & (difference & -difference) != 0


@kernel
def find_regions(b, s, w, stop_at_one):
    """Find the regions the player to move may claim, sorted, into `w` from FIRST_REGION on. Returns their number.

    With `stop_at_one` the answer is 0 or 1 and the search ends at the first.
    """
    rows = b.rows
    seat = s[CUR]
    active = 0
    markers = 0
    collapsed = 0
    for p in range(s[PLAYERS]):
        if s[ON_BOARD + p] > 0:
            active |= 1 << p
        markers += s[MARKERS + p]
        collapsed += s[COLLAPSED + p]
    if active == 0:
        return 0
    count = 0
    for k in range(s[PLAYERS]):
        # One wall cell cannot cut a board in two.
        if s[MARKERS + k] == 0 or s[MARKERS + k] + collapsed < 2:
            continue
        for r in range(rows):
            wall = s[HEADER_WORDS + COLLAPSED_PLANE * rows + r] | s[HEADER_WORDS + (MARKER_PLANE + k) * rows + r]
            w[r] = b.valid[r] & ~wall
        count = _components(b, s, w, seat, active, False, count, stop_at_one)
        if stop_at_one and count:
            return count
    if collapsed > 1:
        for r in range(rows):
            w[r] = b.valid[r] & ~s[HEADER_WORDS + COLLAPSED_PLANE * rows + r]
        count = _components(b, s, w, seat, active, True, count, stop_at_one)
    for i in range(1, count):  # insertion sort: there are few regions
        j = i
        while j > 0 and _before(b, w, j, j - 1):
            x = (FIRST_REGION + j) * rows
            for r in range(rows):
                w[x + r], w[x - rows + r] = w[x - rows + r], w[x + r]
            j -= 1
    return count


@kernel
def _grow_border(b, s, w, region):
    """Fill BORDER with the markers that collapse along with the region at offset `region` of `w`."""
    rows = b.rows
    border = BORDER * rows
    marks = FREE * rows
    for r in range(rows):
        mask = 0
        for p in range(s[PLAYERS]):
            mask |= s[HEADER_WORDS + (MARKER_PLANE + p) * rows + r]
        w[marks + r] = mask & ~w[region + r]
        w[border + r] = 0
    for r in range(rows):
        inside = w[region + r]
        near = (inside << 1) | (inside >> 1)
        if r > 0:
            up = w[region + r - 1]
            near |= up | (up >> 1) if b.hex else up
        if r < rows - 1:
            down = w[region + r + 1]
            near |= down | (down << 1) if b.hex else down
        w[border + r] = near & w[marks + r]
    changed = b.expand == 1
    while changed:
        changed = False
        for r in range(rows):
            near = w[border + r]
            if r > 0:
                near |= w[border + r - 1]
            if r < rows - 1:
                near |= w[border + r + 1]
            near = (near | (near << 1) | (near >> 1)) & w[marks + r]
            if near != w[border + r]:
                w[border + r] = near
                changed = True


@kernel
def claim(b, s, w, rank):
    """Claim the region of that rank for the player to move: rings in it are eliminated, cells and border collapse."""
    seat = s[CUR]
    rows = b.rows
    find_regions(b, s, w, False)
    region = (FIRST_REGION + rank) * rows
    _grow_border(b, s, w, region)
    for c in range(b.cells):
        r = b.row[c]
        word = s[b.first_cell + c]
        if w[region + r] & b.bit[c]:
            if word > 0:
                for i in range(height(word)):
                    s[ON_BOARD + ring_at(word, i)] -= 1
                s[ELIM + seat] += height(word)
                set_cell(b, s, c, 0)
            collapse(b, s, c, seat)
        elif w[BORDER * rows + r] & b.bit[c]:
            collapse(b, s, c, seat)
    s[OWES_TERRITORY] = 1
