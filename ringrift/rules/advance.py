"""The engine's one compiled door for Python: list, replay or randomly play moves from a state."""

import numpy as np

from ringrift.kernels import entry
from ringrift.rules.moves import NO_PLACEMENT, TYPE_SHIFT
from ringrift.rules.turn import apply_move, legal_moves
from ringrift.seeds import below

DECISIONS_ONLY, EVERY_MOVE, RANDOM = 0, 1, 2


@entry
def advance(b, s, w, buf, codes, mode, rng):
    """Advance state `s` in place and list what is legal then.

    `codes` uint32[any]: with mode DECISIONS_ONLY the decisions to apply, forced bookkeeping being applied between
    them and at the end; with EVERY_MOVE all moves, bookkeeping included; with RANDOM an output buffer for
    uniformly random decisions drawn from `rng` (uint64[1]), its length the cap on their number.
    Returns (done, n): moves taken from or written to `codes`, and the number of legal moves left in `buf`
    (0 when the game is over). `done < len(codes)` names the first illegal move, or in RANDOM mode the end.
    """
    done = 0
    while True:
        n = legal_moves(b, s, w, buf)
        if n == 0:
            return done, n
        if mode != EVERY_MOVE and n == 1 and buf[0] >> TYPE_SHIFT >= NO_PLACEMENT:
            code = np.int64(buf[0])
        elif done == len(codes):
            return done, n
        elif mode == RANDOM:
            code = np.int64(buf[below(rng, n)])
            codes[done] = code
            done += 1
        else:
            code = np.int64(codes[done])
            i = 0
            while i < n and buf[i] != code:
                i += 1
            if i == n:
                return done, n
            done += 1
        apply_move(b, s, w, code)
