"""The heuristic player: evaluates the position after each legal move and takes the best, one ply deep."""

import math

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.features import evaluate
from ringrift.players.uniform import choose_uniform
from ringrift.rules.moves import SWAP, TYPE_SHIFT
from ringrift.rules.state import CUR
from ringrift.rules.turn import apply_move
from ringrift.seeds import below, uniform


@kernel
def choose_heuristic(b, s, w, buf, n, trial, weights, light, randomness, temperature, rng):
    """Choose one of the `n` >= 1 legal decisions in `buf` (uint32[>= n]) for the player to move in state `s`.

    With probability `randomness` in [0, 1] a uniform one. Otherwise each is applied to the scratch state
    `trial` (shaped like `s`) and evaluated for the mover with `weights` (float64[37], see players.weights):
    the largest value wins, ties by lot. With `temperature` > 0 (in units of the evaluation) a decision of
    value v is drawn with probability proportional to exp(v / temperature). `light` leaves out the costly
    components. A swap is evaluated from the seat the mover would then hold. Consumes draws of `rng`
    (uint64[1]). `w` is scratch memory of state.work_words.
    """
    if n == 1:
        return np.int64(buf[0])
    if randomness > 0.0 and uniform(rng) < randomness:
        return choose_uniform(buf, n, rng)
    me = s[CUR]
    chosen = np.int64(buf[0])
    best = -math.inf
    ties = 1
    for i in range(n):
        code = np.int64(buf[i])
        for j in range(len(s)):
            trial[j] = s[j]
        apply_move(b, trial, w, code)
        seat = 1 - me if code >> TYPE_SHIFT == SWAP else me
        value = evaluate(b, trial, seat, weights, light)
        if temperature > 0.0:  # the largest value with Gumbel noise is a softmax sample
            value = value / temperature - math.log(-math.log(uniform(rng)))
        if value > best:
            best = value
            chosen = code
            ties = 1
        elif value == best:
            ties += 1
            if below(rng, ties) == 0:
                chosen = code
    return chosen
