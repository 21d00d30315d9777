"""The ladder: who plays at difficulty D1 to D10 in each config.

The order of engines follows RingRift's tier table, with budgets in positions or simulations instead of clocks.
`ringrift bench ladder` plays each rung against the one below and says whether the order holds. Rungs that need a
network are unavailable until there is a champion, whose weights hash is what `champion` stands for below.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.engines import ENGINES, NETWORK_ENGINE
from ringrift.players.participant import Participant, participant

DIFFICULTIES = range(1, 11)


class Rung(NamedTuple):
    """What plays at a difficulty. `budget` counts positions (minimax, descent) or simulations (mcts) a decision.

    None is the engine's usual one at the difficulty (engines.Engine.budgets).
    """

    engine: str
    randomness: float = 0.0  # probability of a uniform decision
    budget: int | None = None
    profile: str | None = None  # None: the config's trained profile, the balanced one where there is none


_NETWORK = {9: Rung(NETWORK_ENGINE), 10: Rung(NETWORK_ENGINE)}
_SQUARE8_2P = {
    1: Rung("random"),
    2: Rung("heuristic", 0.10, profile="heuristic_v1_medium"),
    3: Rung("heuristic", 0.05),
    4: Rung("minimax", 0.08),
    5: Rung("minimax", 0.05),
    6: Rung("descent", 0.02),
    7: Rung("mcts"),
    8: Rung("mcts"),
    **_NETWORK,
}
_SQUARE8 = {
    1: Rung("random"),
    2: Rung("heuristic", 0.30),
    3: Rung("minimax", 0.15, 4_000),
    4: Rung("minimax", 0.08, 16_000),
    5: Rung("mcts", 0.05, 100),
    6: Rung("mcts", 0.02, 200),
    7: Rung("mcts", 0.0, 400),
    8: Rung("mcts", 0.0, 1_600),
    **_NETWORK,
}
_LARGE = {
    1: Rung("random"),
    2: Rung("heuristic", 0.30),
    3: Rung("descent", 0.15, 4_000),
    4: Rung("descent", 0.08, 16_000),
    5: Rung("descent", 0.05, 32_000),
    6: Rung("descent", 0.02, 64_000),
    7: Rung("mcts", 0.0, 400),
    8: Rung("mcts", 0.0, 1_600),
    **_NETWORK,
}


def rungs(config: Config) -> dict[int, Rung]:
    """The table of a config, by difficulty 1 to 10."""
    if BOARDS[config.board].light:
        return _LARGE
    return _SQUARE8_2P if config.players == 2 else _SQUARE8


def unavailable(difficulty: int, config: Config, champion: str | None = None) -> str | None:
    """Why a rung cannot be played now, or None. Raises InvalidInput for a difficulty that is not on the ladder."""
    if isinstance(difficulty, bool) or difficulty not in DIFFICULTIES:
        raise InvalidInput("rung", difficulty, "use D1 to D10")
    engine = rungs(config)[difficulty].engine
    if champion or not ENGINES[engine].network:
        return None
    return f"D{difficulty} needs the engine {engine}, which plays with a champion network; there is none yet"


def rung(
    difficulty: int,
    config: Config,
    profiles: Mapping[str, Mapping[str, float]] | None = None,
    champion: str | None = None,
) -> Participant:
    """The participant of a rung. Raises InvalidInput if there is no such rung, or it is unavailable."""
    if reason := unavailable(difficulty, config, champion):
        raise InvalidInput("rung", f"D{difficulty}", reason)
    engine, randomness, budget, profile = rungs(config)[difficulty]
    if ENGINES[engine].network:
        return participant(engine, config, difficulty, budget=budget, model=champion)
    return participant(
        engine, config, difficulty, randomness=randomness, budget=budget, profile=profile, profiles=profiles
    )


def available(config: Config, champion: str | None = None) -> list[int]:
    """The difficulties that can be played now, in order."""
    return [difficulty for difficulty in DIFFICULTIES if unavailable(difficulty, config, champion) is None]
