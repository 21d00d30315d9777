"""Keys of positions: equal for equal positions, different for all others met in real games."""

import numpy as np

from ringrift.config import Config
from ringrift.kernels import entry
from ringrift.players.keys import position_key
from ringrift.rules.game import Game
from ringrift.rules.geometry import HEADER_WORDS, PLANES, board
from ringrift.rules.state import DECISIONS
from ringrift.seeds import stream


@entry
def key_of(b, s):
    return position_key(b, s)


def content(state, b):
    """The words a key covers: all but the row masks and the count of decisions."""
    words = np.delete(state, np.s_[HEADER_WORDS : HEADER_WORDS + PLANES * b.rows])
    words[DECISIONS] = 0
    return words.tobytes()


def test_keys_tell_positions_apart_and_nothing_else():
    seen = {}
    for name in ("square8", "hexagonal"):
        b = board(name)
        for seed in range(6):
            game = Game(Config(name, 2))
            rng = stream(seed, "keys")
            while not game.over and len(game.moves) < 200:
                game.play_random(rng)
                seen.setdefault(int(key_of(b, game.state)), set()).add((name, content(game.state, b)))
    assert len(seen) > 700
    assert all(len(positions) == 1 for positions in seen.values())


def test_a_key_notices_every_bit_of_a_cell_and_of_the_header():
    b = board("square8")
    state = Game("square8_2p").state
    keys = {int(key_of(b, state))}
    places = [word for word in range(HEADER_WORDS) if word != DECISIONS] + [b.first_cell, b.first_cell + 63]
    for place in places:
        for bit in range(63):
            changed = state.copy()
            changed[place] ^= np.int64(1) << bit
            keys.add(int(key_of(b, changed)))
    assert len(keys) == 1 + 63 * len(places)
