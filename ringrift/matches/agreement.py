"""Whether games were decided as their players decide, where the same bits need not come out: a weaker proof.

On another type of processor, or with a network on a GPU, sums are rounded otherwise, and one other decision changes a
whole game. So each decision is taken again in the position that was recorded: the recorded move agrees if it is the one
that comes out now, or one that the search now visits a quarter as often at least. Other streams are drawn from, so an
honest game does not agree everywhere; one whose moves were chosen by somebody else agrees far more rarely.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ringrift.matches.decide import ChosenMove, choose_move
from ringrift.matches.plan import GamePlan
from ringrift.players.seats import ValueNetworks
from ringrift.rules.advance import DECISIONS_ONLY
from ringrift.rules.game import Workspace
from ringrift.rules.geometry import board
from ringrift.rules.state import CUR, new_state

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator

NEARLY = 0.25  # of the visits of the most visited move
DUE = 0.6  # share of the decisions without randomness that must agree; what was measured: docs/security.md
RANDOM_ENGINE = "random"  # any move is its own


class Agreement(NamedTuple):
    """How many decisions of some games agree, were looked at, and must agree for the games to be believed."""

    agreed: int = 0
    decisions: int = 0
    due: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether as many agree as must."""
        return self.agreed >= self.due

    def __str__(self) -> str:
        return (
            f"{self.agreed} of {self.decisions} decisions are what their players find nearly as good, "
            f"{self.due:.0f} would have to be"
        )


def total(parts: Iterable[Agreement]) -> Agreement:
    """The agreement of several games together."""
    return Agreement(*map(sum, zip(*parts, strict=True))) if (parts := list(parts)) else Agreement()


def agreement(
    row: Mapping[str, Any],
    plan: GamePlan,
    *,
    evaluators: "Mapping[str, Evaluator] | None" = None,
    values: ValueNetworks | None = None,
) -> Agreement:
    """The agreement of a recorded game of a plan, which replays by the rules.

    Openings and players who move at random are passed over. A policy or value network of the plan is looked up in
    `evaluators` or `values` by its weights hash.
    """
    table = Workspace(board(plan.config.board))
    state = new_state(table.board, plan.config.players, dict(plan.options))
    seats, moves = plan.game(row["game_index"]).seats, np.array(row["moves"], dtype=np.uint32)
    table.advance(state, moves[: row["opening_plies"]], DECISIONS_ONLY)
    agreed, looked_at, due = 0, 0, 0.0
    for ply in range(row["opening_plies"], len(moves)):
        player = seats[int(state[CUR])]
        if player.engine != RANDOM_ENGINE:
            chosen = choose_move(state, player, ply, profiles=plan.profiles, evaluators=evaluators, values=values)
            looked_at, due = looked_at + 1, due + DUE * (1 - player.randomness)
            agreed += _nearly_as_good(chosen, int(moves[ply]))
        table.advance(state, moves[ply : ply + 1], DECISIONS_ONLY)
    return Agreement(agreed, looked_at, due)


def _nearly_as_good(chosen: ChosenMove, code: int) -> bool:
    """Whether a move is the chosen one, or one that its search found nearly as good."""
    if code == chosen.code:
        return True
    visits = chosen.visits[chosen.codes == code]
    return bool(len(visits) and visits[0] >= NEARLY * chosen.visits.max())
