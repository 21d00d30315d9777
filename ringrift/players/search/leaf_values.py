"""What a searcher thinks of a position it does not look beyond: the heuristic or a network, made relative.

Alpha-beta and descent search for one player, `me`, against all others (paranoid search: Sturtevant and Korf, "On
pruning techniques for multi-player games", 2000), so one number a position is enough. A win counts a little less
the longer the game is, so that the nearer one is taken and a loss is put off.
"""

import math

from ringrift.kernels import kernel
from ringrift.players.heuristic.features import DECIDED, evaluate
from ringrift.players.search.position_key import position_key
from ringrift.players.search.value_net import lead
from ringrift.rules.state import OVER, PHASE, PLAYERS, SWAP_USED, TURN, WINNER
from ringrift.seeds import mix, uniform_of

SCALE = 300.0  # evaluation difference at which a position counts as mostly won, tanh(1)
PROVEN = DECIDED / 2  # values beyond are decided games
MOST_JUDGED = DECIDED / 4  # a network's values stay within


@kernel
def holder(s, seat):
    """The player who sits in `seat`, or the seat in which player `seat` sits: they differ after a swap."""
    return 1 - seat if s[SWAP_USED] else seat


@kernel
def squash(value):
    """A value in units of the evaluation as one in [-1, 1]; decided games are at the ends."""
    if abs(value) > PROVEN:
        return 1.0 if value > 0 else -1.0
    return math.tanh(value / SCALE)


@kernel
def decided_value(s, seat):
    """Value for `seat` of a game that is over: DECIDED less its turns for a win."""
    if s[WINNER] < 0:
        return 0.0
    return DECIDED - s[TURN] if s[WINNER] == seat else s[TURN] - DECIDED


@kernel
def relative_value(b, s, me, weights, light):
    """Half of how much better seat `me` stands than the best of the others; not for games that are over."""
    best = -math.inf
    for seat in range(s[PLAYERS]):
        if seat != me:
            best = max(best, evaluate(b, s, seat, weights, light))
    return 0.5 * (evaluate(b, s, me, weights, light) - best)


@kernel
def network_value(b, s, me, net):
    """As relative_value, by a value network: for two players squash of it is 2 * score - 1."""
    return min(max(0.5 * SCALE * lead(b, s, me, net), -MOST_JUDGED), MOST_JUDGED)


@kernel
def leaf_value(b, s, me, weights, light, net, noise, salt):
    """Value of state `s` for player `me`: exact once the game is over, else the network's, else relative_value.

    `net` is a value_net.ValueNet, without rows for a player who has none. With `noise` > 0 a Gumbel-distributed amount
    of that scale is added, a function of position and `salt` alone, so that players of the same strength differ (Beal
    and Smith, "Random evaluations in chess", 1994).
    """
    seat = holder(s, me)
    if s[PHASE] == OVER:
        return decided_value(s, seat)
    if len(net.first) > 0:
        value = network_value(b, s, seat, net)
    else:
        value = relative_value(b, s, seat, weights, light)
    if noise > 0.0:
        value -= noise * math.log(-math.log(uniform_of(mix(position_key(b, s) ^ salt))))
    return value
