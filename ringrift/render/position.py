"""What a picture shows of a state: its cells by kind, and the status line."""

from typing import NamedTuple

import numpy as np

from ringrift.boards import BOARDS, board_name
from ringrift.errors import InvalidInput
from ringrift.rules.geometry import board
from ringrift.rules.state import (
    ATTACKER,
    BOARD,
    CAPTURE,
    CHAIN,
    CHAIN_CAPTURE,
    CUR,
    MOVEMENT,
    MUST,
    OVER,
    PHASE,
    PHASES,
    PLAYERS,
    REASON,
    REASONS,
    WINNER,
    stack_rings,
    state_words,
)

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")
"""Colours of players 1 to 4 (Okabe and Ito's palette: told apart with every common colour vision)."""

REASON_TEXT = {
    "ring_elimination": "by eliminated rings",
    "territory": "by territory",
    "last_player_rounds": "as the last player with a real action",
    "last_player_material": "as the last player with rings",
    "stalemate": "on tie-break (stalemate)",
    "stalemate_hand": "on tie-break (stalemate, rings in hand counted)",
}


class Position(NamedTuple):
    """What a picture shows of a state, with seats counted from 0.

    `marks` and `land` map a cell to its owner, `stacks` a cell to its rings from bottom to top.
    """

    name: str
    players: int
    stacks: dict[int, list[int]]
    marks: dict[int, int]
    land: dict[int, int]


def read_position(state: np.ndarray) -> Position:
    """Cells of a state by kind. Raises InvalidInput if the array is no state of a known board."""
    if state.ndim != 1 or len(state) <= BOARD or not 0 <= int(state[BOARD]) < len(BOARDS):
        raise InvalidInput(
            "state",
            state.shape,
            "pass a state of rules.state.new_state",
            problem=f"an array of shape {state.shape} is no state",
        )
    name = board_name(int(state[BOARD]))
    b = board(name)
    if len(state) != state_words(b):
        raise InvalidInput(
            "state", len(state), f"a state of {name} has {state_words(b)}", problem=f"{len(state)} words"
        )
    found = Position(name, int(state[PLAYERS]), {}, {}, {})
    for cell, word in enumerate(state[b.first_cell :].tolist()):
        if word > 0:
            found.stacks[cell] = stack_rings(word)
        elif word < -4:
            found.land[cell] = -5 - word
        elif word < 0:
            found.marks[cell] = -1 - word
    return found


def status_text(state: np.ndarray) -> str:
    """One line: the phase and who is to move, or how the game ended."""
    if int(state[PHASE]) != OVER:
        return f"{PHASES[int(state[PHASE])].replace('_', ' ')}, player {int(state[CUR]) + 1} to move"
    if int(state[WINNER]) < 0:
        return "game over, no winner"
    reason = REASON_TEXT.get(str(REASONS[int(state[REASON])]), "")
    return f"game over, player {int(state[WINNER]) + 1} wins {reason}".rstrip()


def bound_cell(state: np.ndarray) -> int:
    """Cell of the only stack that may act now (just placed on, or after a move that can go on), or -1."""
    word = {MOVEMENT: MUST, CAPTURE: ATTACKER, CHAIN_CAPTURE: CHAIN}.get(int(state[PHASE]))
    return -1 if word is None else int(state[word])
