"""Parameters of a selfplay job."""

from pydantic import Field

from ringrift.config import ConfigKey
from ringrift.jobs.inputs import ModelFile
from ringrift.players.engines import EngineMode
from ringrift.specs.participants import ParticipantDict
from ringrift.strict import Strict

ASSET = "selfplay_games"


class SelfplayParams(Strict):
    """One chunk: the games first_game … first_game + games - 1 of a documented job.

    Each seat of each game is drawn uniformly from `pool` (participants as `Participant.to_dict`), so a pool
    of one plays all seats. `profiles` holds the weights of profiles that are not among the named ones.
    """

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    job: str = Field(pattern=r"^[a-z0-9_]+$", max_length=60)
    engine: EngineMode
    first_game: int = Field(ge=0, lt=2**31)
    games: int = Field(ge=1, le=200)
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(ge=0, le=6)
    decision_cap: int | None = Field(default=None, ge=1)  # None: the config's own, which is also the most
    pool: list[ParticipantDict] = Field(min_length=1)
    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)
    models: list[ModelFile] | None = None  # of the networks in the pool
    options: dict[str, int | bool] = Field(default_factory=dict)  # rules options that differ from the config's
