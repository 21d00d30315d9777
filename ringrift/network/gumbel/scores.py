"""Scores of a game that is over, as the search and the network count them."""

from ringrift.kernels import entry, kernel
from ringrift.players.search.leaf_values import holder
from ringrift.rules.state import COLLAPSED, ELIM, HAND, MARKERS, OUT_TURN, PLAYERS, REASON, STALEMATE_HAND, WINNER


# --- scores ---------------------------------------------------------------------------------------------------
@kernel
def _compare(s, p, q):
    """1, 0 or -1 as loser `p` is ranked above, with or below loser `q` (rules.game.ranking_of)."""
    hand = s[REASON] == STALEMATE_HAND
    for k in range(4):
        if k == 0:
            x, y = s[COLLAPSED + p], s[COLLAPSED + q]
        elif k == 1:
            x, y = s[ELIM + p], s[ELIM + q]
            if hand:
                x, y = x + s[HAND + p], y + s[HAND + q]
        elif k == 2:
            x, y = s[MARKERS + p], s[MARKERS + q]
        else:
            x, y = s[OUT_TURN + p], s[OUT_TURN + q]
            x, y = (1 << 62 if x == 0 else x), (1 << 62 if y == 0 else y)
        if x != y:
            return 1 if x > y else -1
    return 0


@kernel
def final_scores(s, out):
    """Write the score of each participant in a game that is over: the share of the others ranked below, ties half."""
    players = s[PLAYERS]
    for p in range(players):
        total = 0.0
        for q in range(players):
            if q == p:
                continue
            if s[WINNER] < 0:
                total += 0.5
            elif s[WINNER] == p:
                total += 1.0
            elif s[WINNER] != q:
                total += 0.5 + 0.5 * _compare(s, p, q)
        out[holder(s, p)] = total / (players - 1)


@entry
def scores_of_end(s, out):
    """final_scores for Python: `out` float64 [4]."""
    final_scores(s, out)
