"""Parameters of a selfplay job."""

from typing import ClassVar

from pydantic import Field

from ringrift import names
from ringrift.config import ConfigKey
from ringrift.players.engines import EngineMode
from ringrift.specs.params import PlayParams
from ringrift.specs.participants import ParticipantDict

ASSET = names.SELFPLAY_GAMES


class SelfplayParams(PlayParams):
    """One chunk: the games first_game … first_game + games - 1 of a documented job.

    Each seat of each game is drawn uniformly from `pool` (participants as `Participant.to_dict`), so a pool
    of one plays all seats.
    """

    kind: ClassVar[str] = "selfplay"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    job: str = Field(pattern=r"^[a-z0-9_]+$", max_length=60)
    engine: EngineMode
    first_game: int = Field(ge=0, lt=2**31)
    games: int = Field(ge=1, le=200)
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(ge=0, le=6)
    decision_cap: int | None = Field(default=None, ge=1)  # None: the config's own, which is also the most
    pool: list[ParticipantDict] = Field(min_length=1)

    def planned_games(self) -> int:
        """Those of the chunk."""
        return self.games
