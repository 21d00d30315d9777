"""The turn as a phase machine: legal moves of each phase, applying a move, forced bookkeeping.

Every function takes the board tables `b`, a state `s`, scratch memory `w` (state.work_words) and, where moves
are listed, a buffer `buf` (uint32, at least `b.max_moves`).
"""

import numpy as np

from ringrift.kernels import kernel
from ringrift.rules.lines import any_line, list_lines, process_line
from ringrift.rules.movement import captures_from, list_after_move, list_chain, list_movement, travel
from ringrift.rules.moves import (
    A_SHIFT,
    B_SHIFT,
    CLAIM,
    CONTINUE,
    ELIMINATE,
    FIELD,
    FORCE,
    LINE_OPTION,
    MOVE,
    NO_LINE,
    NO_MOVEMENT,
    NO_PLACEMENT,
    NO_TERRITORY,
    OVERTAKE,
    PLACE,
    PROCESS_LINE,
    SKIP_CAPTURE,
    SKIP_PLACEMENT,
    SKIP_RECOVERY,
    SKIP_TERRITORY,
    SLIDE,
    SWAP,
    TYPE_SHIFT,
)
from ringrift.rules.placement import list_placements, place
from ringrift.rules.recovery import list_slides, slide
from ringrift.rules.state import (
    ACTED,
    ATTACKER,
    CAPTURE,
    CHAIN,
    CHAIN_CAPTURE,
    CUR,
    DECISIONS,
    FORCED,
    LAST,
    LINES,
    MOVED,
    MOVEMENT,
    MUST,
    OVER,
    OWES_LINE,
    OWES_TERRITORY,
    PHASE,
    PLACEMENT,
    PLAYERS,
    RECOVERED,
    STACKS,
    SWAP_USED,
    TERRITORY,
    TURN,
    cap_height,
    controller,
    eliminate_lowest,
    eliminate_top,
    has_buried,
    has_rings,
    recovery_eligible,
)
from ringrift.rules.territory import claim, find_regions
from ringrift.rules.victory import lps_turn_start, note_eliminations, victory_test

CONTEXT_LINE, CONTEXT_TERRITORY, CONTEXT_RECOVERY = 0, 1, 2


@kernel
def _list_stacks(b, s, head, recovery, buf, n):
    """Append `head` with each stack the player controls, or in recovery each stack with one of its buried rings."""
    seat = s[CUR]
    for c in range(b.cells):
        word = s[b.first_cell + c]
        if word > 0 and (has_buried(word, seat) if recovery else controller(word) == seat):
            buf[n] = head | (c << A_SHIFT)
            n += 1
    return n


@kernel
def legal_moves(b, s, w, buf):
    """Fill `buf` with the legal moves, the one bookkeeping move included. Returns their number, 0 after the end."""
    phase = s[PHASE]
    seat = s[CUR]
    n = 0
    if phase == PLACEMENT:
        n = list_placements(b, s, buf, n)
        if n == 0:
            buf[0] = NO_PLACEMENT << TYPE_SHIFT
            n = 1
    elif phase == MOVEMENT:
        if recovery_eligible(s, seat):
            n = list_slides(b, s, buf, n)
            buf[n] = SKIP_RECOVERY << TYPE_SHIFT
            n += 1
        else:
            n = list_movement(b, s, buf, n)
        if n == 0:
            buf[0] = NO_MOVEMENT << TYPE_SHIFT
            n = 1
    elif phase == CAPTURE:
        n = list_after_move(b, s, s[ATTACKER], buf, n)
        buf[n] = SKIP_CAPTURE << TYPE_SHIFT
        n += 1
    elif phase == CHAIN_CAPTURE:
        n = list_chain(b, s, s[CHAIN], buf, n)
    elif phase == LINES:
        if s[OWES_LINE]:
            n = _list_stacks(b, s, (ELIMINATE << TYPE_SHIFT) | CONTEXT_LINE, False, buf, n)
        else:
            n = list_lines(b, s, buf, n)
        if n == 0:
            buf[0] = NO_LINE << TYPE_SHIFT
            n = 1
    elif phase == TERRITORY:
        if s[OWES_TERRITORY]:
            context = CONTEXT_RECOVERY if s[RECOVERED] else CONTEXT_TERRITORY
            n = _list_stacks(b, s, (ELIMINATE << TYPE_SHIFT) | context, s[RECOVERED] == 1, buf, n)
        else:
            n = find_regions(b, s, w, False)
            for rank in range(n):
                buf[rank] = (CLAIM << TYPE_SHIFT) | rank
            if n > 0:
                buf[n] = SKIP_TERRITORY << TYPE_SHIFT
                n += 1
        if n == 0:
            buf[0] = NO_TERRITORY << TYPE_SHIFT
            n = 1
    elif phase == FORCED:
        n = _list_stacks(b, s, FORCE << TYPE_SHIFT, False, buf, n)
    return n


@kernel
def _to_lines(s):
    s[PHASE] = LINES
    s[MUST] = -1
    s[CHAIN] = -1
    s[ATTACKER] = -1


@kernel
def _end_turn(b, s):
    """Pass the turn to the next player who has a ring anywhere."""
    s[CHAIN] = -1
    s[MUST] = -1
    s[PHASE] = PLACEMENT
    s[TURN] += 1
    q = s[CUR]
    for _ in range(s[PLAYERS]):
        q = q + 1 if q + 1 < s[PLAYERS] else 0
        if has_rings(s, q):
            if q != s[CUR]:  # the flags belong to a run of moves by one player
                s[ACTED] = 0
                s[RECOVERED] = 0
            s[CUR] = q
            lps_turn_start(b, s)
            return


@kernel
def apply_move(b, s, w, code):
    """Apply one legal move: effects, transition to the next phase, victory test. Legality is not tested here."""
    kind = code >> TYPE_SHIFT
    a = (code >> A_SHIFT) & FIELD
    m = (code >> B_SHIFT) & FIELD
    z = code & FIELD
    seat = s[CUR]
    s[LAST] = seat
    if kind < NO_PLACEMENT:
        s[DECISIONS] += 1
        if kind not in (SKIP_PLACEMENT, SKIP_CAPTURE, SKIP_RECOVERY, SKIP_TERRITORY):
            s[ACTED] = 1
    if kind != SWAP:
        s[MOVED] |= 1 << seat

    after_lines = False
    after_territory = False
    if kind == PLACE:
        place(b, s, a, z)
        s[PHASE] = MOVEMENT
    elif kind == MOVE or kind == OVERTAKE or kind == CONTINUE:
        travel(b, s, a, -1 if kind == MOVE else m, z)
        if captures_from(b, s, z, seat):
            if kind == MOVE:
                s[PHASE] = CAPTURE
                s[ATTACKER] = z
            else:
                s[PHASE] = CHAIN_CAPTURE
                s[CHAIN] = z
                s[ATTACKER] = -1
        else:
            _to_lines(s)
    elif kind == SKIP_PLACEMENT or kind == NO_PLACEMENT:
        s[PHASE] = MOVEMENT
    elif kind == SWAP:
        s[SWAP_USED] = 1
    elif kind == SLIDE:
        slide(b, s, a, m, z >> 2, z & 3)
        s[RECOVERED] = 1
        _to_lines(s)
    elif kind == SKIP_CAPTURE or kind == SKIP_RECOVERY or kind == NO_MOVEMENT:
        _to_lines(s)
    elif kind == PROCESS_LINE or kind == LINE_OPTION:
        process_line(b, s, a, m, z)
        after_lines = not s[OWES_LINE] and not any_line(b, s, seat)
    elif kind == NO_LINE:
        after_lines = True
    elif kind == ELIMINATE:
        if z == CONTEXT_LINE:
            eliminate_top(b, s, a, 1, seat)
            s[OWES_LINE] = 0
        else:
            if z == CONTEXT_TERRITORY:
                eliminate_top(b, s, a, cap_height(s[b.first_cell + a]), seat)
            else:
                eliminate_lowest(b, s, a, seat)
            s[OWES_TERRITORY] = 0
            after_territory = True
    elif kind == CLAIM:
        claim(b, s, w, code & ((1 << (2 * B_SHIFT)) - 1))
    elif kind == SKIP_TERRITORY or kind == NO_TERRITORY:
        after_territory = True
    elif kind == FORCE:
        eliminate_top(b, s, a, cap_height(s[b.first_cell + a]), seat)

    blocked = not s[ACTED] and s[STACKS + seat] > 0
    if after_lines:
        s[PHASE] = TERRITORY
    # Regions are searched once: to jump over an empty territory phase, or to see whether one is left.
    if (after_lines and blocked) or (after_territory and kind == ELIMINATE):
        none_left = find_regions(b, s, w, True) == 0
        if after_lines and none_left:
            s[PHASE] = FORCED
        after_territory = after_territory and none_left
    if after_territory and blocked:
        s[PHASE] = FORCED
    elif after_territory or kind == FORCE:
        if kind != FORCE:
            note_eliminations(s)
            victory_test(b, s)
        if s[PHASE] != OVER:
            _end_turn(b, s)
            if kind != FORCE:
                return
    note_eliminations(s)
    if kind == FORCE or s[PHASE] != OVER:
        victory_test(b, s)


@kernel
def settle(b, s, w, buf):
    """Apply forced bookkeeping until a decision is pending. Returns their number, 0 at the end."""
    n = legal_moves(b, s, w, buf)
    while n == 1 and buf[0] >> TYPE_SHIFT >= NO_PLACEMENT:
        apply_move(b, s, w, np.int64(buf[0]))
        n = legal_moves(b, s, w, buf)
    return n


@kernel
def play(b, s, w, buf, code):
    """Apply a legal decision and all bookkeeping after it. Returns the number of decisions then in `buf`."""
    apply_move(b, s, w, code)
    return settle(b, s, w, buf)
