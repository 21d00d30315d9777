"""The engines there are and the strength a difficulty stands for; one row an engine."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ringrift.boards import BOARDS
from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import trained_profile_name

EngineMode = Literal["random-only", "heuristic-only", "minimax-only", "mcts-only", "descent-only", "nn-only", "mixed"]

RANDOM_ENGINE, HEURISTIC_ENGINE, MINIMAX_ENGINE, MCTS_ENGINE, DESCENT_ENGINE, GUMBEL_ENGINE = range(6)


class Engine(NamedTuple):
    """What the rest of the system needs to know of an engine."""

    number: int  # its number in the kernels
    label: str  # first half of a participant's label
    mode: str  # the engine mode in which it plays all seats
    evaluates: bool  # True if it uses heuristic weights
    version: int  # raised whenever the engine may decide differently
    searches: bool = False  # True if it needs a budget
    nodes_per_budget: int = 0  # nodes its tree holds for each unit of budget, 0 for an engine without a tree
    network: bool = False  # True if it plays with a network: participants name a model
    judged: bool = False  # True if a value network may judge its positions in place of the heuristic evaluation


ENGINES = {
    "random": Engine(RANDOM_ENGINE, "Random", "random-only", False, 1),
    "heuristic": Engine(HEURISTIC_ENGINE, "Heuristic", "heuristic-only", True, 2),
    "minimax": Engine(MINIMAX_ENGINE, "Minimax", "minimax-only", True, 1, True, judged=True),
    "mcts": Engine(MCTS_ENGINE, "MCTS", "mcts-only", True, 1, True, 60),
    "descent": Engine(DESCENT_ENGINE, "Descent", "descent-only", True, 1, True, 4, judged=True),
    "gumbel": Engine(GUMBEL_ENGINE, "Gumbel", "nn-only", False, 1, True, network=True),
}
MIXED, NETWORK_MODE = "mixed", "nn-only"
ENGINE_MODES = (
    "random-only",
    "heuristic-only",
    "minimax-only",
    "mcts-only",
    "descent-only",
    "nn-only",
    MIXED,
)

DIFFICULTIES = range(1, 12)
# Probability of a uniform decision, by difficulty: RingRift's profile table.
RANDOMNESS = {1: 0.5, 2: 0.30, 3: 0.15, 4: 0.08, 5: 0.05, 6: 0.02, 7: 0.0, 8: 0.0, 9: 0.0, 10: 0.0, 11: 0.0}
# The tier table's two heuristic tiers of square8_2p, for no other engine: difficulty -> (randomness, profile).
SQUARE8_2P_HEURISTIC = {
    2: (0.10, "heuristic_v1_medium"),
    3: (0.05, trained_profile_name("square8", 2)),
}
# Positions (minimax, descent) or simulations (mcts, gumbel) a decision, by difficulty 1 to 11.
BUDGETS = {
    "minimax": (250, 500, 1_000, 4_000, 8_000, 16_000, 24_000, 32_000, 48_000, 64_000, 128_000),
    "mcts": (10, 20, 50, 100, 200, 500, 1_200, 3_000, 4_000, 5_000, 8_000),
    "descent": (125, 250, 500, 1_000, 4_000, 10_000, 14_000, 20_000, 32_000, 48_000, 64_000),
    "gumbel": (16, 16, 16, 16, 16, 16, 24, 24, 32, 64, 128),
}
MOST_BUDGET = 1 << 20
MOST_NETWORK_BUDGET = 1024  # a network's search keeps every position
NETWORK_DIFFICULTY = 9  # the first rung of a network


def available_engine_modes(*, champion: bool = False) -> tuple[str, ...]:
    """The engine modes that can be played, in documented order; `mixed` draws among the engines.

    Those that play with a network are there once there is a `champion`.
    """
    present = {engine.mode for engine in ENGINES.values() if champion or not engine.network} | {MIXED}
    return tuple(mode for mode in ENGINE_MODES if mode in present)


def engine_of_mode(mode: object) -> str | None:
    """Name of the engine that plays all seats in a mode, None for `mixed`. Raises InvalidInput otherwise."""
    if mode == MIXED:
        return None
    for name, engine in ENGINES.items():
        if engine.mode == mode:
            return name
    raise InvalidInput("engine mode", mode, f"use one of {', '.join(ENGINE_MODES)}")


def check_engine(name: object) -> str:
    """Return `name` if it is an engine; raise InvalidInput listing those available otherwise."""
    if not isinstance(name, str) or name not in ENGINES:
        raise InvalidInput("engine", name, f"use one of {', '.join(ENGINES)}")
    return name


def check_difficulty(value: object) -> int:
    """Return a difficulty from 1 to 11; raise InvalidInput otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in DIFFICULTIES:
        raise InvalidInput("difficulty", value, "use an integer from 1 to 11")
    return value


def light_default(board_name: str) -> bool:
    """True on the boards where self-play and training evaluate in light mode, the large ones."""
    return BOARDS[board_name].light


def default_budget(engine: str, difficulty: int) -> int:
    """Positions or simulations a decision of an engine at a difficulty, 0 for an engine without search."""
    return BUDGETS[engine][difficulty - 1] if ENGINES[engine].searches else 0
