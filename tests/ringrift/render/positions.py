"""Positions to draw, and how to look into an SVG."""

import random
import xml.etree.ElementTree as ET

import numpy as np

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.rules import state as st
from ringrift.rules.geometry import board

SVG = "{http://www.w3.org/2000/svg}"


def empty(name: str, players: int) -> np.ndarray:
    return st.new_state(board(name), players, Config(name, players).options())


def crowded(name: str, players: int, share: float = 0.6, tallest: int = 8, seed: int = 1) -> np.ndarray:
    """A state with stacks, markers and collapsed cells on about `share` of the cells (no legal position)."""
    rng, s = random.Random(seed), empty(name, players)
    first = board(name).first_cell
    for at in range(first, len(s)):
        if rng.random() < share:
            seat = rng.randrange(players)
            rings = [rng.randrange(players) for _ in range(rng.randint(1, tallest))]
            s[at] = rng.choice([st.stack_word(rings), -1 - seat, -5 - seat])
    for seat in range(players):
        s[st.HAND + seat], s[st.ELIM + seat] = rng.randrange(19), rng.randrange(19)
        s[st.TERR + seat] = int((s[first:] == -5 - seat).sum())
    s[st.PHASE], s[st.CUR], s[st.TURN] = st.MOVEMENT, players - 1, 17
    return s


def children(root: ET.Element, css: str) -> list[ET.Element]:
    return [child for group in root.iter(f"{SVG}g") if group.get("class") == css for child in group]


CASES = [(name, players) for name in BOARDS for players in (2, 3, 4)]
