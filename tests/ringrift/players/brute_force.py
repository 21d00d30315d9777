"""Exhaustive search in plain Python over `Table.advance`: what can be forced in a turn, a round or a whole game.

The oracle of the tests of the search players. It shares nothing with them but the rules: no evaluation, no
pruning beyond "this already decides it", every position looked at once. About 100,000 positions a second.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ringrift.rules import state as st
from ringrift.rules.advance import DECISIONS_ONLY
from ringrift.rules.game import Workspace
from ringrift.rules.moves import TYPE_SHIFT
from ringrift.rules.position_json import board_of

_NO_CODES = np.empty(0, dtype=np.uint32)
Node = tuple[np.ndarray, list[int]]  # a settled state and its legal decisions


class Goal(NamedTuple):
    """What the player to move is asked to force, all the others playing against it."""

    end: str  # where the search stops: the end of the "turn", its own next turn ("round"), or of the "game"
    unfinished: bool  # what a game that goes on beyond that point counts as
    then: str | None = None  # the goal it has to be good for there instead


GOALS = {
    "win": Goal("turn", False),  # win before anybody else decides anything
    "force": Goal("round", False),  # win before its own next turn, whatever the others do
    "hold": Goal("round", True),  # nobody else wins before its own next turn
    "hold_twice": Goal("round", True, "hold"),  # nor before the one after
    "win_next": Goal("round", False, "win"),  # win in its own next turn at the latest
    "game": Goal("game", False),  # win the game (two players: its exact value, for there are no draws)
}


class TooLarge(Exception):
    """The tree has more positions than the caller allowed."""


class BruteForce:
    """Which decisions of the settled state `root` achieve `goal` for the player to move there.

    `limit` is the largest number of positions to look at (TooLarge beyond it); `without` are move types that
    this player leaves out, to see what is needed. `nodes` counts the positions looked at so far, `reasons` are
    the endings (state.REASONS) of the wins among them.
    """

    def __init__(self, root: np.ndarray, goal: Goal, limit: int = 10**7, without: Iterable[int] = ()):
        self.root, self.goal, self.limit, self.without = root, goal, limit, frozenset(without)
        self.seat, self.turn = int(root[st.CUR]), int(root[st.TURN])
        self.nodes = 0
        self.reasons: set[str | None] = set()
        self._table = Workspace(board_of(root))
        self._known: dict[bytes, bool] = {}
        self._later: dict[bytes, bool] = {}

    def solve(self) -> dict[int, bool]:
        """Each legal decision of the root, and whether it achieves the goal."""
        return {code: self._achieved(after) for code, after in self._children(self._node(self.root))}

    def accepted(self) -> list[int]:
        """The decisions that achieve the goal, in legal order."""
        return [code for code, good in self.solve().items() if good]

    def achievable(self) -> bool:
        """Whether any decision achieves the goal; stops at the first that does."""
        return self._achieved(self._node(self.root))

    def tree(self, merged: bool = True) -> int:
        """Number of positions below the root down to the goal's end, that end included.

        A position that is reached in several ways counts once, or each time if not `merged`. Raises TooLarge.
        """
        count = 0
        seen: set[bytes] = set()
        todo = [self._node(self.root)]
        while todo:
            for _, after in self._children(todo.pop()):
                key = _key(self._table, after[0])
                if merged and key in seen:
                    continue
                seen.add(key)
                count += 1
                if count > self.limit:
                    raise TooLarge(self.limit)
                if after[0][st.WINNER] < 0 and not self._beyond(after[0]):
                    todo.append(after)
        return count

    def _achieved(self, node: Node) -> bool:
        s = node[0]
        if s[st.WINNER] >= 0:
            won = bool(s[st.WINNER] == self.seat)
            self.reasons |= {st.REASONS[int(s[st.REASON])]} if won else set()
            return won
        key = _key(self._table, s)
        if self._beyond(s):
            return self._good_for_later(s, key)
        if key not in self._known:
            self.nodes += 1
            if self.nodes > self.limit:
                raise TooLarge(self.limit)
            answers = (self._achieved(after) for _, after in self._children(node))
            self._known[key] = any(answers) if s[st.CUR] == self.seat else all(answers)
        return self._known[key]

    def _beyond(self, s: np.ndarray) -> bool:
        if self.goal.end == "game" or s[st.TURN] == self.turn:
            return False
        return self.goal.end == "turn" or bool(s[st.CUR] == self.seat)

    def _good_for_later(self, s: np.ndarray, key: bytes) -> bool:
        if self.goal.then is None:
            return self.goal.unfinished
        if key not in self._later:
            later = BruteForce(s, GOALS[self.goal.then], self.limit - self.nodes)
            self._later[key] = later.achievable()
            self.nodes += later.nodes
        return self._later[key]

    def _node(self, s: np.ndarray) -> Node:
        return s, [int(code) for code in self._table.advance(s, _NO_CODES, DECISIONS_ONLY)[1]]

    def _children(self, node: Node) -> Iterator[tuple[int, Node]]:
        s, legal = node
        own = s[st.CUR] == self.seat
        for code in legal:
            if own and code >> TYPE_SHIFT in self.without:
                continue
            after = s.copy()
            one = np.array([code], dtype=np.uint32)
            yield code, (after, [int(c) for c in self._table.advance(after, one, DECISIONS_ONLY)[1]])


def _key(table: Workspace, s: np.ndarray) -> bytes:
    """All of a state that who wins depends on: counters that no rule reads and the row masks are left out."""
    parts = s[: st.TURN], s[st.HAND : st.OUT_TURN], s[table.board.first_cell :]
    return b"".join(part.tobytes() for part in parts)
