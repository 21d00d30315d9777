"""Parameters of a match job."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from ringrift import names
from ringrift.config import ConfigKey, parse_config
from ringrift.specs.openings import DRAWS, SPREAD
from ringrift.specs.params import PlayParams
from ringrift.specs.participants import ParticipantDict
from ringrift.stats.sprt import SequentialTest

ASSET = names.TOURNAMENT_GAMES
DEFAULT_OPENING_PLIES = 4


Gate = Annotated[
    SequentialTest, BeforeValidator(lambda given: SequentialTest.from_dict(given) if isinstance(given, dict) else given)
]


class MatchParams(PlayParams):
    """One match. `blocks` are played, or with a `gate` as many as it needs."""

    kind: ClassVar[str] = "tournament"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    match: str = Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)
    first: ParticipantDict
    second: ParticipantDict
    blocks: int = Field(ge=1, le=10_000)
    gate: Gate | None = None
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    opening_draws: int = Field(default=DRAWS, ge=1, le=1000)
    opening_spread: float = Field(default=SPREAD, ge=0)
    decision_cap: int | None = Field(default=None, ge=1)  # None: the config's own, which is also the most

    def planned_games(self) -> int:
        """Those of all blocks; a gate may end before."""
        return self.blocks * parse_config(self.config).players
