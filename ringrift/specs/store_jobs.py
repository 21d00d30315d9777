"""Parameters of the jobs that read the store on this machine: match results and ratings."""

from typing import Any, Literal

from pydantic import Field

from ringrift.config import ConfigKey
from ringrift.stats.evidence import Purpose
from ringrift.strict import Strict


class MatchInput(Strict):
    """One match: kind and params of its job, and the shards that made, as inputs for `home_file`."""

    kind: Literal["tournament", "round_robin"]
    params: dict[str, Any]
    shards: list[dict[str, str]]
    purpose: Purpose | None = None  # of a gate


class ResultsParams(Strict):
    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    matches: list[MatchInput]
    stored: dict[str, str] | None = None


class RateParams(Strict):
    """`games` are the match game sets up to this iteration; `known` names participants by key.

    `frozen` are the keys of the benchmarks: they stay in the fit however long ago they played.
    """

    version: Literal[2]  # of the result: raised when equal games may give another one
    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    games: list[dict[str, str]] = Field(min_length=1)
    known: dict[str, str]
    anchor: str
    frozen: list[str]
    elo_start: float
    elo_k: float = Field(gt=0)
