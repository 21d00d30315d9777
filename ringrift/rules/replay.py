"""Replaying a recorded game through the rules: the only way a game from outside becomes a game of ours."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ringrift.config import Config
from ringrift.errors import IllegalMove, InvalidInput
from ringrift.rules import state as st
from ringrift.rules.advance import DECISIONS_ONLY
from ringrift.rules.game import Workspace, ranking_of
from ringrift.rules.geometry import board
from ringrift.rules.moves import to_notation
from ringrift.rules.position_json import read_options

RULES_VERSION = "canonical-1"


@dataclass(frozen=True, slots=True)
class Replayed:
    """Outcome of a replay. `winner` counts players from 1; winner, ranking and reason are None while not over."""

    state: np.ndarray
    decisions: int
    winner: int | None
    ranking: list[int] | None
    reason: str | None

    @property
    def over(self) -> bool:
        """True if the last move ended the game."""
        return self.winner is not None


def replay(
    config: Config, options: dict[str, Any] | None, codes: np.ndarray, table: Workspace | None = None
) -> Replayed:
    """Play the decisions `codes` (uint32[plies]) from the empty board, checking that each is legal.

    `table` may be passed to reuse its buffers. Raises IllegalMove naming the first ply that is not legal.
    """
    table = table or Workspace(board(config.board))
    s = st.new_state(table.board, config.players, read_options(options, config))
    codes = np.ascontiguousarray(codes, dtype=np.uint32)
    done, legal = table.advance(s, codes, DECISIONS_ONLY)
    if done < len(codes):
        phase, player = st.PHASES[int(s[st.PHASE])], int(s[st.CUR]) + 1
        try:
            shown = to_notation(config.board, int(codes[done]))
        except InvalidInput:
            shown = str(int(codes[done]))
        raise IllegalMove(f"ply {done}", shown, f"player {player} in {phase} has {len(legal)} other legal moves")
    over = s[st.WINNER] >= 0
    return Replayed(
        state=s,
        decisions=len(codes),
        winner=int(s[st.WINNER]) + 1 if over else None,
        ranking=ranking_of(s),
        reason=st.REASONS[int(s[st.REASON])],
    )
