"""The engines there are, one row an engine, and the strength a difficulty stands for.

Everything the system needs to know of an engine follows from its row. No kernel is imported here, so that a spec can
be read and checked without numba.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from ringrift.boards import BOARDS
from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import trained_profile_name

# The numbers that players.match.choose plays, and that of networks (network.lockstep).
RANDOM_ENGINE, HEURISTIC_ENGINE, MINIMAX_ENGINE, MCTS_ENGINE, DESCENT_ENGINE, GUMBEL_ENGINE = range(6)


class Engine(NamedTuple):
    """What the rest of the system needs to know of an engine.

    It plays in the compiled loop (the numbers 0 to 4), with a network, or by its function `play`.
    """

    number: int  # its number in the kernels, each engine another
    label: str  # first half of a participant's label, letters only
    mode: str  # the engine mode in which it plays all seats
    version: int  # raised whenever the engine may decide differently
    evaluates: bool = False  # True if it uses heuristic weights
    graded: bool = True  # False if it plays alike at every difficulty
    budgets: tuple[int, ...] = ()  # `unit` a decision at difficulty 1 to 11, none for an engine without search
    unit: str = "positions"  # what its budget counts
    nodes_per_budget: int = 0  # nodes its tree holds for each unit of budget, 0 for an engine without a tree
    network: bool = False  # True if it plays with a network: participants name a model
    judged: bool = False  # True if a value network may judge its positions in place of the heuristic evaluation
    # (randomness, profile) by config key and difficulty, where they are not the usual ones
    exceptions: Mapping[str, Mapping[int, tuple[float, str]]] = {}
    play: str = ""  # "module:function" that makes its decisions (players.choice), for neither compiled nor network

    @property
    def searches(self) -> bool:
        """True if it needs a budget."""
        return bool(self.budgets)


ENGINES = {
    "random": Engine(RANDOM_ENGINE, label="Random", mode="random-only", version=1, graded=False),
    "heuristic": Engine(
        HEURISTIC_ENGINE,
        label="Heuristic",
        mode="heuristic-only",
        version=2,
        evaluates=True,
        # The tier table's two heuristic tiers of square8_2p.
        exceptions={
            "square8_2p": {2: (0.10, "heuristic_v1_medium"), 3: (0.05, trained_profile_name("square8", 2))},
        },
    ),
    "minimax": Engine(
        MINIMAX_ENGINE,
        label="Minimax",
        mode="minimax-only",
        version=1,
        evaluates=True,
        budgets=(250, 500, 1_000, 4_000, 8_000, 16_000, 24_000, 32_000, 48_000, 64_000, 128_000),
        judged=True,
    ),
    "mcts": Engine(
        MCTS_ENGINE,
        label="MCTS",
        mode="mcts-only",
        version=1,
        evaluates=True,
        budgets=(10, 20, 50, 100, 200, 500, 1_200, 3_000, 4_000, 5_000, 8_000),
        unit="simulations",
        nodes_per_budget=60,
        judged=True,
    ),
    "descent": Engine(
        DESCENT_ENGINE,
        label="Descent",
        mode="descent-only",
        version=1,
        evaluates=True,
        budgets=(125, 250, 500, 1_000, 4_000, 10_000, 14_000, 20_000, 32_000, 48_000, 64_000),
        nodes_per_budget=4,
        judged=True,
    ),
    "gumbel": Engine(
        GUMBEL_ENGINE,
        label="Gumbel",
        mode="nn-only",
        version=1,
        budgets=(16, 16, 16, 16, 16, 16, 24, 24, 32, 64, 128),
        unit="simulations",
        network=True,
    ),
}
MIXED = "mixed"  # each seat is drawn among the rungs of the ladder
CHAMPION = "champion"  # all seats are played by the champion, before there is one by the reference search
NETWORK_ENGINE = "gumbel"  # the engine of every policy network
NETWORK_MODE = ENGINES[NETWORK_ENGINE].mode
ENGINE_MODES = (*(engine.mode for engine in ENGINES.values()), MIXED, CHAMPION)
if TYPE_CHECKING:
    EngineMode = str
else:
    EngineMode = Literal[ENGINE_MODES]  # pydantic checks a mode against the table; a type checker cannot see it

DIFFICULTIES = range(1, 12)
# Probability of a uniform decision, by difficulty: RingRift's profile table.
RANDOMNESS = {1: 0.5, 2: 0.30, 3: 0.15, 4: 0.08, 5: 0.05, 6: 0.02, 7: 0.0, 8: 0.0, 9: 0.0, 10: 0.0, 11: 0.0}
MOST_BUDGET = 1 << 20
MOST_NETWORK_BUDGET = 1024  # a network's search keeps every position
NETWORK_DIFFICULTY = 9  # the first rung of a champion


def available_engine_modes(*, champion: bool = False) -> tuple[str, ...]:
    """The engine modes that can be played, in documented order, and those of no single engine, MIXED and CHAMPION.

    The mode of networks is there once there is a `champion`, which then plays in it whatever its engine is.
    """
    return (*(engine.mode for engine in ENGINES.values() if champion or not engine.network), MIXED, CHAMPION)


def engine_of_mode(mode: object) -> str | None:
    """Name of the engine that plays all seats in a mode, None for `mixed` and `champion`.

    Raises InvalidInput for another mode.
    """
    if mode == MIXED or mode == CHAMPION:
        return None
    for name, engine in ENGINES.items():
        if engine.mode == mode:
            return name
    raise InvalidInput("engine mode", mode, f"use one of {', '.join(available_engine_modes(champion=True))}")


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
    budgets = ENGINES[engine].budgets
    return budgets[difficulty - 1] if budgets else 0


def engine_numbered(number: int) -> Engine | None:
    """The engine with a number, None if there is none."""
    return next((engine for engine in ENGINES.values() if engine.number == number), None)


def usual_difficulty(engine: str, difficulty: int) -> int:
    """`difficulty`, or 1 for an engine that plays alike at every difficulty."""
    return difficulty if ENGINES[engine].graded else 1
