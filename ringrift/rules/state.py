"""The game state: one flat int64 array for every board, so that a copy is one memcpy.

Layout: a header of 64 words, 9 row-mask planes of `rows` words, then one word a cell.

A cell's word: 0 empty; -1-p a marker of seat p; -5-p a cell collapsed for seat p; positive a stack:
bits 0-55 the rings from the bottom (2 bits each, the seat), 56-60 height, 61-62 the controlling seat.
That is room for 28 rings, and no game needs more: to be placed on or to capture, a stack must be able to travel
its own height, so none grows beyond the longest ray plus one (8, 19, 9 and 25 rings on the four boards).

Inside the kernels seats count from 0; everything a person sees counts players from 1.
"""

from collections.abc import Iterable

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.kernels import kernel
from ringrift.rules.geometry import HEADER_WORDS, PLANES, Board

# --- header words -------------------------------------------------------------------------------------
BOARD, PLAYERS, CUR, PHASE, WINNER, REASON = 0, 1, 2, 3, 4, 5
MUST, CHAIN, ATTACKER = 6, 7, 8  # cells or -1
OWES_LINE, OWES_TERRITORY, ACTED, RECOVERED = 9, 10, 11, 12  # 0 or 1
LAST = 13  # seat of the last move, -1 before the first
LPS_FIRST, LPS_SET, LPS_REAL, LPS_STREAK, LPS_PLAYER = 14, 15, 16, 17, 18  # SET and REAL are seat bit sets
SWAP_ON, SWAP_USED, MOVED = 19, 20, 21  # MOVED is a seat bit set
TURN, DECISIONS = 22, 23
LINE, VICTORY, TERRITORY_MIN, LPS_ROUNDS, STRIKE, RINGS = 24, 25, 26, 27, 28, 29  # options
LPS_ROUND = 30  # completed rounds since the tracker started
HAND, ELIM, TERR = 32, 36, 40  # + seat
COLLAPSED, MARKERS, STACKS, ON_BOARD = 44, 48, 52, 56  # + seat: counts kept by set_cell and the ring kernels
OUT_TURN = 60  # + seat: turn in which the player lost its last ring, 0 while it has one

PHASES = (
    "ring_placement",
    "movement",
    "capture",
    "chain_capture",
    "line_processing",
    "territory_processing",
    "forced_elimination",
    "game_over",
)
PLACEMENT, MOVEMENT, CAPTURE, CHAIN_CAPTURE, LINES, TERRITORY, FORCED, OVER = range(8)

REASONS = (
    None,
    "ring_elimination",
    "territory",
    "last_player_rounds",
    "last_player_material",
    "stalemate",
    "stalemate_hand",
)
RING_ELIMINATION, BY_TERRITORY, LAST_ROUNDS, LAST_MATERIAL, STALEMATE, STALEMATE_HAND = range(1, 7)

MAX_STACK = 28
_RING_BITS = (1 << 56) - 1

# --- row-mask planes ------------------------------------------------------------------------------------
MARKER_PLANE, STACK_PLANE, COLLAPSED_PLANE = 0, 4, 8


OPTION_WORDS = {
    "swap_rule": SWAP_ON,
    "rings_per_player": RINGS,
    "line_length": LINE,
    "victory_threshold": VICTORY,
    "territory_minimum": TERRITORY_MIN,
    "lps_rounds": LPS_ROUNDS,
    "recovery_stack_strike": STRIKE,
}


def state_words(b: Board) -> int:
    """Number of int64 words in a state of this board."""
    return HEADER_WORDS + PLANES * b.rows + b.cells


def work_words(b: Board) -> int:
    """Number of int64 words of scratch memory the territory kernels need."""
    return (b.max_regions + 8) * b.rows


def new_state(b: Board, players: int, options: dict[str, int | bool]) -> np.ndarray:
    """Empty board, player 1 to place. `options` holds every key of OPTION_WORDS."""
    s = np.zeros(state_words(b), dtype=np.int64)
    s[BOARD], s[PLAYERS] = b.id, players
    for key, word in OPTION_WORDS.items():
        s[word] = int(options[key])
    for word in (WINNER, MUST, CHAIN, ATTACKER, LAST, LPS_FIRST, LPS_PLAYER):
        s[word] = -1
    s[HAND : HAND + players] = s[RINGS]
    return s


def stack_word(owners: Iterable[int]) -> int:
    """Word of a stack given its rings' seats from bottom to top. Raises InvalidInput if it is too tall."""
    rings = list(owners)
    if not 1 <= len(rings) <= MAX_STACK:
        raise InvalidInput("stack", rings, f"a stack has 1 to {MAX_STACK} rings")
    bits = sum(seat << (2 * i) for i, seat in enumerate(rings))
    return bits | len(rings) << 56 | rings[-1] << 61


def stack_rings(word: int) -> list[int]:
    """Seats of a stack's rings from bottom to top."""
    return [word >> (2 * i) & 3 for i in range(word >> 56 & 31)]


# --- kernels --------------------------------------------------------------------------------------------


@kernel
def height(word):
    """Number of rings of a stack word."""
    return (word >> 56) & 31


@kernel
def controller(word):
    """Seat of a stack's top ring; the word must be positive."""
    return word >> 61


@kernel
def ring_at(word, i):
    """Seat of the `i`-th ring from the bottom."""
    return (word >> (2 * i)) & 3


@kernel
def cap_height(word):
    """Number of equal rings counted from the top."""
    h = height(word)
    top = controller(word)
    cap = 1
    while cap < h and ring_at(word, h - 1 - cap) == top:
        cap += 1
    return cap


@kernel
def passable(word):
    """No stack and not collapsed: a ray goes on through this cell."""
    return -5 < word <= 0


@kernel
def build_stack(bits, h):
    """Stack word from ring bits and height (0 gives the empty cell)."""
    if h == 0:
        return 0
    return bits | (h << 56) | (((bits >> (2 * (h - 1))) & 3) << 61)


@kernel
def push_top(word, seat, count):
    """Stack word with `count` rings of `seat` put on top of `word` (which may be empty)."""
    h = height(word)
    bits = word & _RING_BITS
    for i in range(count):
        bits |= seat << (2 * (h + i))
    return bits | ((h + count) << 56) | (seat << 61)


@kernel
def push_bottom(word, seat):
    """Stack word with one ring of `seat` put under `word`."""
    bits = ((word & _RING_BITS) << 2) | seat
    return bits | ((height(word) + 1) << 56) | (controller(word) << 61)


@kernel
def pop_top(word, count):
    """Stack word without its `count` top rings (0 when none is left)."""
    h = height(word) - count
    return build_stack(word & ((1 << (2 * h)) - 1), h)


@kernel
def has_buried(word, seat):
    """True if the stack holds a ring of `seat` below its top ring."""
    for i in range(height(word) - 1):
        if ring_at(word, i) == seat:
            return True
    return False


@kernel
def remove_lowest(word, seat):
    """Stack word without its lowest ring of `seat`, which must exist."""
    h = height(word)
    bits = word & _RING_BITS
    i = 0
    while ring_at(bits, i) != seat:
        i += 1
    low = bits & ((1 << (2 * i)) - 1)
    return build_stack(low | ((bits >> (2 * (i + 1))) << (2 * i)), h - 1)


@kernel
def set_cell(b, s, c, word):
    """Write a cell and keep the row masks and the counts of markers, stacks and collapsed cells right."""
    at = b.first_cell + c
    old = s[at]
    s[at] = word
    r = HEADER_WORDS + b.row[c]
    bit = b.bit[c]
    if old > 0:
        seat = controller(old)
        s[r + (STACK_PLANE + seat) * b.rows] ^= bit
        s[STACKS + seat] -= 1
    elif old < 0:  # a collapsed cell is never rewritten, so this is a marker
        s[r + (MARKER_PLANE - 1 - old) * b.rows] ^= bit
        s[MARKERS - 1 - old] -= 1
    if word > 0:
        seat = controller(word)
        s[r + (STACK_PLANE + seat) * b.rows] ^= bit
        s[STACKS + seat] += 1
    elif word < -4:
        s[r + COLLAPSED_PLANE * b.rows] ^= bit
        s[COLLAPSED - 5 - word] += 1
    elif word < 0:
        s[r + (MARKER_PLANE - 1 - word) * b.rows] ^= bit
        s[MARKERS - 1 - word] += 1


@kernel
def collapse(b, s, c, seat):
    """Turn a cell that holds no stack into territory of `seat`."""
    set_cell(b, s, c, -5 - seat)
    s[TERR + seat] += 1


@kernel
def eliminate_top(b, s, c, count, credit):
    """Remove the `count` top rings of the stack on `c` and credit them to seat `credit`."""
    word = s[b.first_cell + c]
    h = height(word)
    for i in range(count):
        s[ON_BOARD + ring_at(word, h - 1 - i)] -= 1
    s[ELIM + credit] += count
    set_cell(b, s, c, pop_top(word, count))


@kernel
def eliminate_lowest(b, s, c, seat):
    """Remove the lowest ring of `seat` from the stack on `c` and credit it to `seat`."""
    s[ON_BOARD + seat] -= 1
    s[ELIM + seat] += 1
    set_cell(b, s, c, remove_lowest(s[b.first_cell + c], seat))


@kernel
def has_rings(s, seat):
    """True if the player has a ring anywhere: in hand, on top of a stack or buried."""
    return s[HAND + seat] + s[ON_BOARD + seat] > 0


@kernel
def recovery_eligible(s, seat):
    """No controlled stack, at least one marker, at least one (hence buried) ring on the board."""
    return s[STACKS + seat] == 0 and s[MARKERS + seat] > 0 and s[ON_BOARD + seat] > 0
