"""How an iteration runs: how often its jobs are looked at, how long it waits, how much of what comes home is proved."""

from typing import Annotated, Literal

from pydantic import Field

from ringrift.strict import Strict


class Polling(Strict):
    first_s: float = Field(default=0.5, gt=0)  # the interval grows from here
    interval_s: float = Field(default=60.0, gt=0)  # to here
    selfplay_minutes: float = Field(default=30.0, gt=0)
    cmaes_minutes: float = Field(default=120.0, gt=0)
    training_minutes: float = Field(default=60.0, gt=0)
    max_phase_minutes: float = Field(default=120.0, gt=0)  # no phase is longer


class Trust(Strict):
    """How much of what hosts bring home is played again before it counts."""

    share: float = Field(default=0.05, ge=0, le=1)  # of each job's games
    least: Annotated[int, Field(ge=0)] = 4  # games of each job
    gates: Literal["proved", "any"] = "proved"  # whose games decide: of hosts whose games this machine can play again
    trusted_share: float = Field(default=0.01, ge=0, le=1)  # the share of hosts marked `trusted`, as this machine is
