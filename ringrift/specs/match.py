"""Parameters of a match job."""

from typing import Any

from pydantic import Field

from ringrift.config import ConfigKey
from ringrift.jobs.inputs import ModelFile
from ringrift.specs.openings import DRAWS, SPREAD
from ringrift.specs.participants import ParticipantDict
from ringrift.strict import Strict

ASSET = "tournament_games"
KIND = "tournament"
DEFAULT_OPENING_PLIES = 4


class MatchParams(Strict):
    """One match. `blocks` are played, or with `gate` (the parameters of gating.Gate) as many as it needs."""

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    match: str = Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)
    first: ParticipantDict
    second: ParticipantDict
    blocks: int = Field(ge=1, le=10_000)
    gate: dict[str, Any] | None = None
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    opening_draws: int = Field(default=DRAWS, ge=1, le=1000)
    opening_spread: float = Field(default=SPREAD, ge=0)
    decision_cap: int | None = Field(default=None, ge=1)  # None: the config's own, which is also the most
    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)
    models: list[ModelFile] | None = None  # of the networks that play
    options: dict[str, int | bool] = Field(default_factory=dict)
