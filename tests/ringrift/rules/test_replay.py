"""Replay of recorded games."""

import numpy as np
import pytest

from ringrift.config import Config
from ringrift.errors import IllegalMove
from ringrift.rules.game import Game
from ringrift.rules.moves import from_notation
from ringrift.rules.replay import replay


def test_replay_names_the_first_illegal_ply():
    game = Game("square8_2p")
    game.play("Pd4x2")
    codes = np.array([game.moves[0], from_notation("square8", "a1-a2")], dtype=np.uint32)
    with pytest.raises(IllegalMove, match=r"ply 1: 'a1-a2'.*player 1 in movement"):
        replay(Config("square8", 2), None, codes)
