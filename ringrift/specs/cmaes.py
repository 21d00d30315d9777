"""Parameters of a CMA-ES search job."""

from typing import ClassVar

from pydantic import Field

from ringrift import names
from ringrift.config import ConfigKey
from ringrift.specs.match import DEFAULT_OPENING_PLIES
from ringrift.specs.params import JobParams
from ringrift.specs.participants import ParticipantDict

ASSET = names.CMAES_PROFILE


class CmaesParams(JobParams):
    """One search from the incumbent's weights. The panel are fixed players that every generation meets."""

    kind: ClassVar[str] = "cmaes"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    replica: int = Field(default=0, ge=0, le=999)  # searches of one iteration differ by it alone
    root_seed: int = Field(ge=0, lt=2**63)
    generations: int = Field(ge=1, le=1000)
    population: int = Field(ge=4, le=1000, multiple_of=2)
    games_per_evaluation: int = Field(ge=1, le=1000)
    sigma: float = Field(gt=0)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    decision_cap: int | None = Field(default=None, ge=1)
    incumbent: ParticipantDict
    panel: list[ParticipantDict] = Field(min_length=1)
    profiles: dict[str, dict[str, float]]  # weights of the incumbent and the panel by profile name

    @property
    def most_games(self) -> int:
        """The most games it plays, measuring the candidates included; it keeps their scores only."""
        return (self.generations + 1) * self.population * self.games_per_evaluation
