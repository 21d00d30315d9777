"""A small network that judges a position inside a search: sparse features, two hidden layers, a strength a player.

In the manner of NNUE (Nasu, "Efficiently updatable neural-network-based evaluation functions for computer shogi",
2018): the first layer is a sum of rows, one for each thing that is on the board, so a position costs as much as there
is on it. The sum is made anew each time; a turn of RingRift changes too much for it to be updated.

Everything is told from the side of the player to move, who is relative player 0, the others following in turn order.
The scores of all players come from differences of strengths, as in network.model. For alpha-beta and descent a strength
is what the heuristic evaluation is, in units of SCALE (players.values).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ringrift.config import Config
from ringrift.kernels import entry, kernel
from ringrift.rules.geometry import board
from ringrift.rules.state import (
    COLLAPSED,
    CUR,
    ELIM,
    HAND,
    LPS_PLAYER,
    LPS_ROUNDS,
    LPS_STREAK,
    MARKERS,
    MOVED,
    ON_BOARD,
    PHASE,
    PLAYERS,
    RINGS,
    STACKS,
    SWAP_ON,
    SWAP_USED,
    TERRITORY_MIN,
    VICTORY,
    cap_height,
    controller,
    height,
    ring_at,
)

VALUE_ENCODER_VERSION = 1  # raised whenever a feature changes its meaning
WIDTH, NARROW = 256, 32  # numbers of the two hidden layers

# Of each cell and relative player, 0 or 1 each. Caps and heights are those of a stack the player controls.
CELL_FEATURES = (
    *(f"cap_{rings}" for rings in ("1", "2", "3", "4", "5_or_more")),
    *(f"height_{rings}" for rings in ("1", "2", "3", "4", "5", "6_or_7", "8_or_more")),
    "below_cap",  # the player has a ring in the stack below its cap, whoever controls it
    "marker",
    "territory",
)
PER_CELL = len(CELL_FEATURES)
_CAP, _HEIGHT, _BELOW_CAP, _MARKER, _TERRITORY = 0, 5, 12, 13, 14
MOST_ACTIVE = 6  # features of a cell that can be 1 at once: cap, height, four players below the cap

# Numbers of each relative player, then those of the position.
SEAT_NUMBERS = (
    "hand",  # rings in hand / rings a player
    "on_board",  # rings on the board / rings a player
    "eliminated",  # eliminated rings / victory threshold
    "territory",  # collapsed cells / territory minimum
    "stacks",  # stacks / 16
    "markers",  # markers / 16
    "lone_rounds",  # rounds as the only one with a real action / rounds that win
)
PER_SEAT = len(SEAT_NUMBERS)
PHASE_NUMBERS = 7  # one-hot of rules.state.PHASES without game_over
COUNT_SCALE = 16.0


class ValueNet(NamedTuple):
    """Weights of a network for P players and the memory it works in; one for each thread. See NO_NET."""

    first: np.ndarray  # float32 [F, WIDTH]: a row a feature, a row a number, the bias
    second: np.ndarray  # float32 [WIDTH + 1, NARROW], the last row is the bias
    last: np.ndarray  # float32 [NARROW + 1, P], the last row is the bias
    active: np.ndarray  # int32 [MOST_ACTIVE * cells], working memory
    numbers: np.ndarray  # float32 [numbers_of(P)], working memory
    wide: np.ndarray  # float32 [WIDTH], working memory
    narrow: np.ndarray  # float32 [NARROW], working memory
    strengths: np.ndarray  # float32 [4], what it says of each relative player


def features_of(cells: int, players: int) -> int:
    """Number of 0-or-1 features of a board with so many cells."""
    return cells * players * PER_CELL


def numbers_of(players: int) -> int:
    """Number of other inputs."""
    return players * PER_SEAT + PHASE_NUMBERS + 1


def shapes_of(cells: int, players: int) -> dict[str, tuple[int, int]]:
    """Shapes of the weights of a network, by their name in ValueNet."""
    rows = features_of(cells, players) + numbers_of(players) + 1
    return {"first": (rows, WIDTH), "second": (WIDTH + 1, NARROW), "last": (NARROW + 1, players)}


@dataclass(frozen=True, slots=True)
class ValueNetwork:
    """A value network in memory: what it is for, and its tensors by their names in ValueNet (shapes_of)."""

    weights: str  # hash of the weights, 64 hex digits
    config: Config
    tensors: Mapping[str, np.ndarray]

    def net(self) -> ValueNet:
        """The network with working memory of its own."""
        cells, players = board(self.config.board).cells, self.config.players
        return ValueNet(
            first=self.tensors["first"],
            second=self.tensors["second"],
            last=self.tensors["last"],
            active=np.empty(MOST_ACTIVE * cells, dtype=np.int32),
            numbers=np.empty(numbers_of(players), dtype=np.float32),
            wide=np.empty(WIDTH, dtype=np.float32),
            narrow=np.empty(NARROW, dtype=np.float32),
            strengths=np.zeros(4, dtype=np.float32),
        )


_TABLE, _LINE = np.empty((0, 0), dtype=np.float32), np.empty(0, dtype=np.float32)
# That of a player without a network: `first` has no rows.
NO_NET = ValueNet(_TABLE, _TABLE, _TABLE, np.empty(0, dtype=np.int32), _LINE, _LINE, _LINE, _LINE)


@kernel
def relative_place(s, seat):
    """Place of `seat` in turn order after the player to move, who is 0."""
    place = seat - s[CUR]
    return place if place >= 0 else place + s[PLAYERS]


@kernel
def list_features(b, s, active):
    """Write the numbers of the features that are 1 in state `s`, a cell's together, in cell order. Returns how many.

    Feature k of relative player r on cell c is number (c * players + r) * PER_CELL + k.
    """
    players = s[PLAYERS]
    n = 0
    for c in range(b.cells):
        word = s[b.first_cell + c]
        if word == 0:
            continue
        base = c * players
        seat = controller(word) if word > 0 else (-1 - word if word > -5 else -5 - word)
        at = (base + relative_place(s, seat)) * PER_CELL
        if word < 0:
            active[n] = at + (_MARKER if word > -5 else _TERRITORY)
            n += 1
            continue
        tall, cap = height(word), cap_height(word)
        active[n] = at + _CAP + min(cap, 5) - 1
        active[n + 1] = at + _HEIGHT + (tall - 1 if tall < 6 else (5 if tall < 8 else 6))
        n += 2
        below = 0
        for k in range(tall - cap):
            below |= 1 << ring_at(word, k)
        for relative in range(players):  # in turn order, so that colours do not change the order of a sum
            other = s[CUR] + relative
            if below >> (other if other < players else other - players) & 1:
                active[n] = (base + relative) * PER_CELL + _BELOW_CAP
                n += 1
    return n


@kernel
def list_numbers(s, numbers):
    """Write the other inputs: SEAT_NUMBERS of each relative player, the phase, whether the player may swap seats."""
    players = s[PLAYERS]
    for p in range(players):
        at = relative_place(s, p) * PER_SEAT
        numbers[at] = s[HAND + p] / max(1, s[RINGS])
        numbers[at + 1] = s[ON_BOARD + p] / max(1, s[RINGS])
        numbers[at + 2] = s[ELIM + p] / max(1, s[VICTORY])
        numbers[at + 3] = s[COLLAPSED + p] / max(1, s[TERRITORY_MIN])
        numbers[at + 4] = s[STACKS + p] / COUNT_SCALE
        numbers[at + 5] = s[MARKERS + p] / COUNT_SCALE
        numbers[at + 6] = s[LPS_STREAK] / max(1, s[LPS_ROUNDS]) if s[LPS_PLAYER] == p else 0.0
    at = players * PER_SEAT
    for phase in range(PHASE_NUMBERS):
        numbers[at + phase] = 1.0 if s[PHASE] == phase else 0.0
    may_swap = s[SWAP_ON] and players == 2 and s[CUR] == 1 and s[MOVED] == 1 and not s[SWAP_USED]
    numbers[at + PHASE_NUMBERS] = 1.0 if may_swap else 0.0


@kernel
def judge(b, s, net):
    """Write net.strengths, one of each relative player, for a state that goes on and that the network was made for."""
    count = list_features(b, s, net.active)
    list_numbers(s, net.numbers)
    wide, narrow, numbers = net.wide, net.narrow, len(net.numbers)
    last = len(net.first) - 1
    for j in range(WIDTH):
        wide[j] = net.first[last, j]
    for i in range(count):
        row = net.active[i]
        for j in range(WIDTH):
            wide[j] += net.first[row, j]
    for i in range(numbers):
        x, row = net.numbers[i], last - numbers + i
        if x != 0.0:
            for j in range(WIDTH):
                wide[j] += x * net.first[row, j]
    for j in range(NARROW):
        narrow[j] = net.second[WIDTH, j]
    for i in range(WIDTH):
        x = wide[i]
        if x > 0.0:
            for j in range(NARROW):
                narrow[j] += x * net.second[i, j]
    for r in range(s[PLAYERS]):
        net.strengths[r] = net.last[NARROW, r]
    for i in range(NARROW):
        x = narrow[i]
        if x > 0.0:
            for r in range(s[PLAYERS]):
                net.strengths[r] += x * net.last[i, r]


@kernel
def lead(b, s, seat, net):
    """How much stronger `seat` is than the strongest of the others, by the network."""
    judge(b, s, net)
    mine = relative_place(s, seat)
    best = np.float32(-np.inf)
    for r in range(s[PLAYERS]):
        if r != mine:
            best = max(best, net.strengths[r])
    return np.float64(net.strengths[mine]) - np.float64(best)


@entry
def judge_states(b, states, net, out):
    """Write the strengths of the relative players of each of some states (int64 [N, words]) to `out` [N, players]."""
    for i in range(len(states)):
        judge(b, states[i], net)
        for r in range(states[i, PLAYERS]):
            out[i, r] = net.strengths[r]


@entry
def list_states(b, states, net, active, ends, numbers):
    """Write the inputs of each of some states: its features from `active[ends[i - 1]]` to `ends[i]`, its numbers.

    `active` has room for MOST_ACTIVE features a cell and state. Returns how many features were written.
    """
    at = 0
    for i in range(len(states)):
        count = list_features(b, states[i], net.active)
        for k in range(count):
            active[at + k] = net.active[k]
        at += count
        ends[i] = at
        list_numbers(states[i], net.numbers)
        for k in range(len(net.numbers)):
            numbers[i, k] = net.numbers[k]
    return at
