"""The ladder: who plays at difficulty D1 to D10 in each config.

The order of engines follows RingRift's tier table, with budgets in positions or simulations instead of clocks.
`ringrift bench ladder` plays each rung against the one below and says whether the order holds. The highest rungs are
the champion's, whatever its engine; they are unavailable until there is one.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.engines import CHAMPION, NETWORK_DIFFICULTY, default_budget
from ringrift.players.participant import Participant, at_difficulty, participant

DIFFICULTIES = range(1, 11)


class Rung(NamedTuple):
    """What plays at a difficulty. `budget` counts positions (minimax, descent) or simulations (mcts) a decision.

    None is the engine's usual one at the difficulty (engines.Engine.budgets); the champion has CHAMPION_GROWTH.
    """

    engine: str  # or CHAMPION
    randomness: float = 0.0  # probability of a uniform decision
    budget: int | None = None
    profile: str | None = None  # None: the config's trained profile, the balanced one where there is none


_CHAMPION = {9: Rung(CHAMPION), 10: Rung(CHAMPION)}
CHAMPION_GROWTH = 3  # budget of each rung of the champion over that of the one below
_SQUARE8_2P = {
    1: Rung("random"),
    2: Rung("heuristic", 0.10, profile="heuristic_v1_medium"),
    3: Rung("heuristic", 0.05),
    4: Rung("minimax", 0.08),
    5: Rung("minimax", 0.05),
    6: Rung("descent", 0.02),
    7: Rung("mcts"),
    8: Rung("mcts"),
    **_CHAMPION,
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
    **_CHAMPION,
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
    **_CHAMPION,
}


def rungs(config: Config) -> dict[int, Rung]:
    """The table of a config, by difficulty 1 to 10."""
    if BOARDS[config.board].light:
        return _LARGE
    return _SQUARE8_2P if config.players == 2 else _SQUARE8


def unavailable(difficulty: int, config: Config, champion: Participant | None = None) -> str | None:
    """Why a rung cannot be played now, or None. Raises InvalidInput for a difficulty that is not on the ladder."""
    if isinstance(difficulty, bool) or difficulty not in DIFFICULTIES:
        raise InvalidInput("rung", difficulty, "use D1 to D10")
    if champion or rungs(config)[difficulty].engine != CHAMPION:
        return None
    return f"D{difficulty} is played by the champion; there is none yet"


def rung(
    difficulty: int,
    config: Config,
    profiles: Mapping[str, Mapping[str, float]] | None = None,
    champion: Participant | None = None,
) -> Participant:
    """The participant of a rung. Raises InvalidInput if there is no such rung, or it is unavailable."""
    if reason := unavailable(difficulty, config, champion):
        raise InvalidInput("rung", f"D{difficulty}", reason)
    engine, randomness, budget, profile = rungs(config)[difficulty]
    if engine == CHAMPION:
        assert champion is not None  # it is available
        growth = CHAMPION_GROWTH ** (difficulty - NETWORK_DIFFICULTY)
        return at_difficulty(champion, difficulty, growth * default_budget(champion.engine, NETWORK_DIFFICULTY))
    return participant(
        engine, config, difficulty, randomness=randomness, budget=budget, profile=profile, profiles=profiles
    )


def available(config: Config, champion: Participant | None = None) -> list[int]:
    """The difficulties that can be played now, in order."""
    return [difficulty for difficulty in DIFFICULTIES if unavailable(difficulty, config, champion) is None]
