"""The 21 heuristic components in plain Python on dictionaries, written from their definitions only.

Shares no code with the kernels beyond reading the state into a Position. Slow on purpose: every definition is
followed word by word, cell by cell.
"""

import itertools
from dataclasses import dataclass

from ringrift.boards import BOARDS
from ringrift.rules import state as st
from ringrift.rules.geometry import HEX_DIRECTIONS, SQUARE_DIRECTIONS, coordinates

Cell = tuple[int, int]


@dataclass
class Position:
    """A position as dictionaries: ring lists (seats from bottom to top), marker and territory owners."""

    board: str
    players: int
    stacks: dict[Cell, list[int]]
    markers: dict[Cell, int]
    collapsed: dict[Cell, int]
    hand: list[int]
    eliminated: list[int]
    lps_player: int
    lps_rounds: int
    ring_threshold: int

    def cells(self):
        return coordinates(self.board)

    def on_board(self, cell):
        x, y = cell
        spec = BOARDS[self.board]
        if spec.hexagonal:
            return max(abs(x), abs(y), abs(x + y)) <= spec.size
        return 0 <= x < spec.size and 0 <= y < spec.size

    def directions(self):
        return HEX_DIRECTIONS if BOARDS[self.board].hexagonal else SQUARE_DIRECTIONS

    def adjacent(self, cell):
        steps = [(cell[0] + dx, cell[1] + dy) for dx, dy in self.directions()]
        return [c for c in steps if self.on_board(c)]

    def distance(self, a, b):
        """Coordinate distance |dx| + |dy| (+ |dz| on hex boards)."""
        dx, dy = a[0] - b[0], a[1] - b[1]
        return abs(dx) + abs(dy) + (abs(dx + dy) if BOARDS[self.board].hexagonal else 0)

    def controlled(self, seat):
        return [c for c in self.stacks if self.stacks[c][-1] == seat]

    def owned_markers(self, seat):
        return [c for c in self.cells() if self.markers.get(c) == seat]

    def cap(self, cell):
        rings = self.stacks[cell]
        return next((i for i, ring in enumerate(reversed(rings)) if ring != rings[-1]), len(rings))

    def territory(self, seat):
        return sum(owner == seat for owner in self.collapsed.values())


def position_of(board: str, s) -> Position:
    """Read a state into a Position."""
    cells = coordinates(board)
    words = [int(word) for word in s[-len(cells) :]]
    n = int(s[st.PLAYERS])
    return Position(
        board=board,
        players=n,
        stacks={c: st.stack_rings(w) for c, w in zip(cells, words, strict=True) if w > 0},
        markers={c: -1 - w for c, w in zip(cells, words, strict=True) if -4 <= w <= -1},
        collapsed={c: -5 - w for c, w in zip(cells, words, strict=True) if w <= -5},
        hand=[int(s[st.HAND + p]) for p in range(n)],
        eliminated=[int(s[st.ELIM + p]) for p in range(n)],
        lps_player=int(s[st.LPS_PLAYER]),
        lps_rounds=int(s[st.LPS_STREAK]),
        ring_threshold=int(s[st.VICTORY]),
    )


def components(pos: Position, me: int, weights: dict[str, float], light: bool) -> dict[str, float]:
    """Component name -> value for seat `me`."""
    others = [p for p in range(pos.players) if p != me]

    def weight(name):
        return weights["WEIGHT_" + name]

    def lead(value):
        return value(me) - max(value(p) for p in others)

    def mean(value):
        return sum(value(p) for p in others) / len(others)

    def height(seat):
        heights = [len(pos.stacks[c]) for c in pos.controlled(seat)]
        return sum(h if h <= 5 else 5 + 0.1 * (h - 5) for h in heights)

    def caps(seat):
        return sum(pos.cap(c) for c in pos.controlled(seat))

    def diversity(count):
        if count == 0:
            return -weight("NO_STACKS_PENALTY")
        return -weight("SINGLE_STACK_PENALTY") if count == 1 else count * weight("STACK_DIVERSITY_BONUS")

    def count_stacks(seat):
        return len(pos.controlled(seat))

    def is_center(cell):
        x, y = cell
        if pos.board == "square8":
            return 3 <= x <= 4 and 3 <= y <= 4
        if pos.board == "square19":
            return 8 <= x <= 10 and 8 <= y <= 10
        return max(abs(x), abs(y), abs(x + y)) <= (1 if pos.board == "hex8" else 2)

    def pseudo_moves(cell, takes):
        total = 0
        for near in pos.adjacent(cell):
            if near in pos.collapsed:
                continue
            if near not in pos.stacks or (pos.stacks[near][-1] in takes and pos.cap(near) <= pos.cap(cell)):
                total += 1
        return total

    def enemies(seat):
        return [p for p in range(pos.players) if p != seat]

    def proximity(seat):
        bonus = weight("VICTORY_THRESHOLD_BONUS")
        if pos.lps_player == seat and pos.lps_rounds > 0:
            if pos.lps_rounds >= 3:
                return bonus
            return bonus * (0.90 + 0.09 * min(1, pos.lps_rounds / 2))
        rings = pos.ring_threshold - pos.eliminated[seat]
        cells = len(pos.cells()) // 2 + 1 - pos.territory(seat)
        if rings <= 0 or cells <= 0:
            return bonus
        ring_part = weight("RINGS_PROXIMITY_FACTOR") / max(1, rings)
        return ring_part + weight("TERRITORY_PROXIMITY_FACTOR") / max(1, cells)

    def stack_mobility(seat):
        counts = [pseudo_moves(c, enemies(seat)) for c in pos.controlled(seat)]
        return sum(counts) - weight("BLOCKED_STACK_PENALTY") * counts.count(0)

    threats = sum(
        -0.5 * (pos.cap(near) - pos.cap(c))
        for c in pos.controlled(me)
        for near in pos.adjacent(c)
        if near in pos.stacks and pos.stacks[near][-1] != me
    )
    mobility = sum(pseudo_moves(c, others) for c in pos.controlled(me))
    mobility -= sum(pseudo_moves(c, [me]) for p in others for c in pos.controlled(p))
    center = sum(1 if rings[-1] == me else -1 for c, rings in pos.stacks.items() if is_center(c))
    prox = sorted((proximity(p) for p in others), reverse=True)
    result = {
        "stack_control": (count_stacks(me) - mean(count_stacks)) * weight("STACK_CONTROL")
        + (height(me) - mean(height)) * weight("STACK_HEIGHT")
        + (caps(me) - mean(caps)) * weight("CAP_HEIGHT")
        + diversity(count_stacks(me))
        - diversity(mean(count_stacks)),
        "territory": lead(pos.territory) * weight("TERRITORY"),
        "rings_in_hand": lead(lambda p: pos.hand[p]) * weight("RINGS_IN_HAND"),
        "center_control": center * weight("CENTER_CONTROL"),
        "opponent_threats": threats * weight("OPPONENT_THREAT"),
        "mobility": mobility * weight("MOBILITY"),
        "eliminated_rings": pos.eliminated[me] * weight("ELIMINATED_RINGS"),
        "marker_count": lead(lambda p: len(pos.owned_markers(p))) * weight("MARKER_COUNT"),
        "victory_proximity": (proximity(me) - prox[0]) * weight("VICTORY_PROXIMITY"),
        "opponent_victory_threat": -max(0, prox[0] - proximity(me)) * weight("OPPONENT_VICTORY_THREAT"),
        "stack_mobility": lead(stack_mobility) * weight("STACK_MOBILITY"),
        "multi_leader_threat": (-(prox[0] - prox[1]) * weight("MULTI_LEADER_THREAT") if pos.players > 2 else 0.0),
    }
    names = [
        "line_potential",
        "line_connectivity",
        "vulnerability",
        "overtake_potential",
        "territory_closure",
        "territory_safety",
        "forced_elimination_risk",
        "lps_action_advantage",
        "recovery_potential",
    ]
    if light:
        return result | dict.fromkeys(names, 0.0)

    def own_ahead(cell, step, distance, seat):
        return pos.markers.get((cell[0] + distance * step[0], cell[1] + distance * step[1])) == seat

    def line_potential(seat):
        total = 0.0
        for cell, step in itertools.product(pos.owned_markers(seat), pos.directions()):
            if own_ahead(cell, step, 1, seat):
                total += weight("TWO_IN_ROW")
                if own_ahead(cell, step, 2, seat):
                    total += weight("THREE_IN_ROW")
                    if own_ahead(cell, step, 3, seat):
                        total += weight("FOUR_IN_ROW")
        return total

    def line_connectivity(seat):
        total = 0.0
        for cell, step in itertools.product(pos.owned_markers(seat), pos.directions()):
            gap = (cell[0] + step[0], cell[1] + step[1])
            if own_ahead(cell, step, 1, seat):
                total += weight("CONNECTED_NEIGHBOR")
            elif own_ahead(cell, step, 2, seat) and gap not in pos.collapsed and gap not in pos.stacks:
                total += weight("GAP_POTENTIAL")
        return total

    def visible(cell):
        for dx, dy in pos.directions():
            at = (cell[0] + dx, cell[1] + dy)
            while pos.on_board(at) and at not in pos.stacks:
                at = (at[0] + dx, at[1] + dy)
            if at in pos.stacks and pos.stacks[at][-1] != me:
                yield pos.cap(at)

    def closure(seat):
        markers = pos.owned_markers(seat)
        if len(markers) < 2:
            return 0.0
        distances = [pos.distance(a, b) for a, b in itertools.combinations(markers[:10], 2)]
        return 10 / max(1, sum(distances) / len(distances)) + 0.5 * len(markers)

    def safety(seat):
        foreign = [c for c in pos.stacks if pos.stacks[c][-1] != seat]
        nearest = [min((pos.distance(m, c) for c in foreign), default=9) for m in pos.owned_markers(seat)]
        return -sum(3 - d for d in nearest if d <= 2)

    def actions(seat):
        movable = sum(pseudo_moves(c, enemies(seat)) > 0 for c in pos.controlled(seat))
        room = any(c not in pos.stacks and c not in pos.collapsed for c in pos.cells())
        return movable + (1 if pos.hand[seat] > 0 and room else 0)

    def risk(seat):
        if not pos.controlled(seat):
            return 0.0
        ratio = actions(seat) / len(pos.controlled(seat))
        if ratio >= 2:
            return 0.0
        return 2 - ratio if ratio >= 1 else 1 + (1 - ratio)

    def recovery(seat):
        buried = sum(rings[:-1].count(seat) for rings in pos.stacks.values())
        if not pos.controlled(seat) and pos.owned_markers(seat) and buried:
            cells = [near for m in pos.owned_markers(seat) for near in pos.adjacent(m)]
            slide = any(c not in pos.collapsed and c not in pos.markers for c in cells)
            return weight("RECOVERY_ELIGIBILITY") + (weight("RECOVERY_POTENTIAL") if slide else 0)
        foreign = sum(rings.count(seat) for rings in pos.stacks.values() if rings[-1] != seat)
        return 0.3 * weight("BURIED_RING_VALUE") * foreign

    seen = [(pos.cap(c), cap) for c in pos.controlled(me) for cap in visible(c)]
    lps = 0.0
    if pos.players > 2:
        lps = sum(actions(p) == 0 for p in others) / len(others) if actions(me) else -1.0
    values = (
        lead(line_potential) * weight("LINE_POTENTIAL"),
        lead(line_connectivity) * weight("LINE_CONNECTIVITY"),
        -sum(max(0, cap - mine) for mine, cap in seen) * weight("VULNERABILITY"),
        sum(max(0, mine - cap) for mine, cap in seen) * weight("OVERTAKE_POTENTIAL"),
        lead(closure) * weight("TERRITORY_CLOSURE"),
        lead(safety) * weight("TERRITORY_SAFETY"),
        -lead(risk) * weight("FORCED_ELIMINATION_RISK"),
        lps * weight("LPS_ACTION_ADVANTAGE"),
        lead(recovery),
    )
    return result | dict(zip(names, values, strict=True))


def value(board: str, s, me: int, weights: dict[str, float], light: bool) -> float:
    """Value of a state for seat `me`: the sum of the components, or the fixed values of a decided game."""
    if s[st.PHASE] == st.OVER:
        return 0.0 if s[st.WINNER] < 0 else 100_000.0 if s[st.WINNER] == me else -100_000.0
    return sum(components(position_of(board, s), me, weights, light).values())
