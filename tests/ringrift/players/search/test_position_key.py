"""Keys of positions: equal for equal positions, different for all others met in real games."""

import os
import subprocess
import sys

import numpy as np

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.kernels import entry
from ringrift.players.search.position_key import position_key
from ringrift.rules.game import Game
from ringrift.rules.geometry import HEADER_WORDS, PLANES, board
from ringrift.rules.state import DECISIONS, new_state
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


# A board of 484 cells, the most there may be on a square, with kernels as plain Python: there a table has an end.
LARGER = """
import numpy as np
from ringrift.boards import BoardSpec, register_board
from ringrift.players.search.position_key import position_key
from ringrift.rules import geometry
caps = (4800, 4800, 4800)
register_board(
    BoardSpec(name="square22", shape="square", size=22, rings=96, decision_caps=caps, title="Square22", short="sq22")
)
b = geometry.board("square22")
state = np.zeros(b.first_cell + b.cells, dtype=np.int64)
keys = {int(position_key(b, state))}
for cell in range(b.cells):
    state[b.first_cell + cell] = 1
    keys.add(int(position_key(b, state)))
print(len(keys), b.cells)
"""


def test_a_larger_board_has_factors_for_all_its_cells():
    command = [sys.executable, "-W", "ignore", "-c", LARGER]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    assert done.stdout.split() == ["485", "484"], done.stderr


def test_the_keys_of_the_boards_stay_as_they_are():
    found = {}
    for name in BOARDS:
        b = board(name)
        state = new_state(b, 2, Config(name, 2).options())
        state[b.first_cell + b.cells - 1] = 1
        found[name] = f"{int(key_of(b, state)):016x}"
    assert found == {
        "square8": "8200fad4e51d02e7",
        "square19": "6f6803887ae81674",
        "hexagonal": "54cdebc42e2838bb",
        "hex8": "27cbcaeab7c82e7d",
    }


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
