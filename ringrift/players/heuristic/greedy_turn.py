"""The heuristic player: one turn deep. It takes the decision whose turn, finished greedily, ends best.

A turn is several decisions (place, move, go on capturing, collapse lines, claim regions). Judged right after a
single decision, a position with half a turn still to play says little: the source's player does that and wins
86 % of its square8 games against random play, this one 98 % (docs/players.md).
"""

import math
from typing import NamedTuple

import numpy as np

from ringrift.kernels import kernel
from ringrift.players.heuristic.features import evaluate
from ringrift.rules.geometry import Board
from ringrift.rules.moves import SWAP, TYPE_SHIFT
from ringrift.rules.state import CUR, TURN, state_words
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import below, uniform


class Scratch(NamedTuple):
    """Memory the player works in; its content means nothing between two calls."""

    moves: np.ndarray  # uint32 [max_moves]
    after: np.ndarray  # int64 [state words]
    trial: np.ndarray  # int64 [state words]


def new_scratch(b: Board) -> Scratch:
    """Scratch memory for one thread on this board."""
    words = state_words(b)
    return Scratch(
        np.empty(b.max_moves, dtype=np.uint32), np.empty(words, dtype=np.int64), np.empty(words, dtype=np.int64)
    )


@kernel
def copy_state(source, target):
    """Copy a state word by word: a slice assignment would allocate."""
    for i in range(len(source)):
        target[i] = source[i]


@kernel
def best_decision(b, s, w, buf, n, trial, me, weights, light):
    """The first of the `n` decisions in `buf` with the largest evaluation right after it."""
    chosen = np.int64(buf[0])
    best = -math.inf
    for i in range(n):
        copy_state(s, trial)
        apply_move(b, trial, w, np.int64(buf[i]))
        value = evaluate(b, trial, me, weights, light)
        if value > best:
            best = value
            chosen = np.int64(buf[i])
    return chosen


@kernel
def finish_turn(b, s, w, moves, trial, turn, mover, weights, light):
    """Finish turn number `turn` of seat `mover` in state `s` (changed in place), greedily.

    `moves` (uint32[max_moves]) and `trial` (int64[state words]) are working memory. Returns how many positions were
    evaluated.
    """
    evaluated = 0
    while True:
        n = settle(b, s, w, moves)
        if n == 0 or s[TURN] != turn:
            return evaluated
        code = np.int64(moves[0])
        if n > 1:
            code = best_decision(b, s, w, moves, n, trial, mover, weights, light)
            evaluated += n
        apply_move(b, s, w, code)


@kernel
def choose_heuristic(b, s, w, buf, n, scratch, weights, light, temperature, rng):
    """Choose one of the `n` >= 1 legal decisions in `buf` (uint32[>= n]) for the player to move in state `s`.

    Each is applied, the turn is finished
    greedily, and the position evaluated for the mover with `weights` (float64[37], see players.heuristic.profiles): the
    largest value wins, ties by lot. With `temperature` > 0 (in units of the evaluation) a decision of value v is
    drawn with probability proportional to exp(v / temperature). `light` leaves out the costly components. A swap
    is evaluated from the seat the mover would then hold, after the other one's turn. Consumes draws of `rng`
    (uint64[1]). `w` is work memory of state.work_words.
    """
    me = s[CUR]
    chosen = np.int64(buf[0])
    best = -math.inf
    ties = 1
    for i in range(n):
        code = np.int64(buf[i])
        copy_state(s, scratch.after)
        apply_move(b, scratch.after, w, code)
        seat = 1 - me if code >> TYPE_SHIFT == SWAP else me
        finish_turn(b, scratch.after, w, scratch.moves, scratch.trial, s[TURN], me, weights, light)
        value = evaluate(b, scratch.after, seat, weights, light)
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
