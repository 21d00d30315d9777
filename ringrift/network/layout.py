"""What a network sees of a position and of each legal move: names, sizes and index tables. No kernel is here.

Everything is told from the side of the player to move: *relative* player 0 moves, the others follow in turn order.
A board lies on a square grid of `rows` x `rows`; on hex boards (axial coordinates) the corners are off the board and 0
everywhere. A *grid index* is row * rows + column; NOWHERE is one past the last.

A move is seen by its kind, up to three grid indices and a few numbers:

| kinds | from | to | over |
| --- | --- | --- | --- |
| place_1 ... place_3 | | cell | |
| move, overtake, continue | origin | landing | captured stack |
| slide_* | origin | landing | |
| process_line, line_whole, line_part | first collapsed cell | last collapsed cell | |
| eliminate_*, force | cell | | |
| claim | first cell of the region | last cell | |
| skip_*, swap | | | |

First and last are by grid index, so that none of this depends on how a move code names a line or a region. Within a
position two legal moves never look the same: a claim whose numbers are those of another carries a tie number.
"""

from functools import cache

import numpy as np

from ringrift.boards import BOARDS
from ringrift.rules.geometry import Board, board

ENCODER_VERSION = 1  # raised whenever a plane, a global or a move feature changes its meaning

SEATS = 4  # relative players the layout has room for; those who are not in the game are 0

# --- planes: SEAT_PLANES for each relative player, then BOARD_PLANES ------------------------------------------
SEAT_PLANES = (
    "stack",  # 1 where the player controls a stack
    "height",  # its height / HEIGHT_SCALE
    "cap",  # its cap height / HEIGHT_SCALE
    "below_cap",  # 1 where the ring under the cap is the player's
    "rings",  # the player's rings in the stack / HEIGHT_SCALE, whoever controls it
    "marker",
    "territory",
)
STACK, HEIGHT, CAP, BELOW_CAP, RINGS_IN, MARKER, COLLAPSED_CELL = range(len(SEAT_PLANES))
HEIGHT_SCALE = 8.0
BOARD_PLANES = (
    "on_board",
    "must_move",  # the stack that has to move this turn
    "chain",  # the stack in the middle of a chain of captures, or that may capture after its move
    "claimable",  # cells of regions that may be claimed now
)
ON_BOARD_CELL, MUST_CELL, CHAIN_CELL, CLAIMABLE = (SEATS * len(SEAT_PLANES) + i for i in range(len(BOARD_PLANES)))
PLANES = SEATS * len(SEAT_PLANES) + len(BOARD_PLANES)

# --- globals: SEAT_GLOBALS for each relative player, then the flags -------------------------------------------
SEAT_GLOBALS = (
    "in_game",  # 1 for players of this game
    "hand",  # rings in hand / rings a player
    "on_board",  # rings on the board / rings a player
    "eliminated",  # eliminated rings / victory threshold
    "territory",  # collapsed cells / territory minimum
    "stacks",  # stacks / STACK_SCALE
    "markers",  # markers / MARKER_SCALE
    "lone_rounds",  # rounds as the only one with a real action / rounds that win
)
STACK_SCALE, MARKER_SCALE = 16.0, 16.0
PHASE_GLOBALS = 7  # one-hot of rules.state.PHASES without game_over
PLAYER_COUNT = SEATS * len(SEAT_GLOBALS) + PHASE_GLOBALS  # one-hot of 2, 3, 4 players
BOARD_KIND = PLAYER_COUNT + 3  # one-hot of the first boards of BOARDS; later ones have none, a network knows its own
BOARD_KINDS = 4
FLAGS = (
    "owes_line",
    "owes_territory",
    "acted",
    "recovered",
    "may_swap",
    "line_length",  # (line length - 3) / 2
    "stack_strike",  # a recovery slide may end on a stack
)
FIRST_FLAG = BOARD_KIND + BOARD_KINDS
GLOBALS = FIRST_FLAG + len(FLAGS)

# --- moves ----------------------------------------------------------------------------------------------------
KINDS = (
    "place_1",
    "place_2",
    "place_3",
    "skip_placement",
    "swap",
    "move",
    "overtake",
    "continue",
    "skip_capture",
    "slide_line1",
    "slide_line2",
    "slide_fallback",
    "slide_strike",
    "skip_recovery",
    "process_line",
    "line_whole",
    "line_part",
    "eliminate_line",
    "eliminate_territory",
    "eliminate_recovery",
    "claim",
    "skip_territory",
    "force",
)
EXTRAS = (
    "region_cells",  # cells of the claimed region / cells of the board
    "region_own_rings",  # the mover's rings in it / victory threshold
    "region_rings",  # all rings in it / victory threshold
    "region_tie",  # earlier regions of this position that look the same
)
FROM, TO, OVER, KIND = range(4)  # columns of a move's indices


@cache
def grids(board_name: str) -> np.ndarray:
    """Grid index of every cell under each symmetry of the board, int32 [8 or 12, cells]; row 0 is the identity.

    Square boards have 8 rotations and reflections, hex boards 12. Encoding with row g gives what the position
    turned by symmetry g would be encoded as with row 0. Raises InvalidInput for an unknown board.
    """
    b = board(board_name)
    points = [(int(x), int(y)) for x, y in b.xy]
    if BOARDS[board_name].hexagonal:
        turned = [points]
        for _ in range(5):  # by 60 degrees: (x, y, z) to (-y, -z, -x)
            turned.append([(-y, x + y) for x, y in turned[-1]])
    else:
        side = b.rows - 1
        turned = [points]
        for _ in range(3):
            turned.append([(y, side - x) for x, y in turned[-1]])
    turned += [[(y, x) for x, y in one] for one in turned]
    low = min(x for x, _ in points)
    return np.array([[(x - low) * b.rows + y - low for x, y in one] for one in turned], dtype=np.int32)


def nowhere(b: Board) -> int:
    """The grid index that stands for no cell."""
    return b.rows * b.rows
