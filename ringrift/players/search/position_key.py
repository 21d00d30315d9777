"""A 64-bit key of a position for transposition tables.

It covers every word that decides what may follow: cells, hands, what is owed, must-move and chain cells, the
last-player tracker, the turn. Only the row masks (they repeat the cells) and the count of decisions are left out.
"""

import numpy as np

from ringrift.boards import MOST_CELLS
from ringrift.kernels import kernel
from ringrift.rules.geometry import HEADER_WORDS
from ringrift.rules.state import DECISIONS
from ringrift.seeds import mix

_FACTORS = np.random.SeedSequence(20).generate_state(HEADER_WORDS + MOST_CELLS, dtype=np.uint64) | np.uint64(1)


@kernel
def _folded(word):
    """The word with its upper half mixed into the lower: of a product the top bits of a factor move little."""
    bits = np.uint64(word)
    return bits ^ (bits >> np.uint64(31))


@kernel
def position_key(b, s):
    """Key of state `s`, uint64: multilinear hashing (Carter and Wegman, 1979) with fixed odd factors."""
    total = np.uint64(0)
    for i in range(HEADER_WORDS):
        if i != DECISIONS:
            total += _folded(s[i]) * _FACTORS[i]
    for c in range(b.cells):
        total += _folded(s[b.first_cell + c]) * _FACTORS[HEADER_WORDS + c]
    return mix(total)
