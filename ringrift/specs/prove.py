"""Parameters of a job that plays games again."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from ringrift import names
from ringrift.config import ConfigKey
from ringrift.jobs.inputs import InputFile
from ringrift.specs.match import MatchParams
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.specs.selfplay import SelfplayParams
from ringrift.specs.store_jobs import StoreParams
from ringrift.strict import Strict, parse

GameParams = SelfplayParams | MatchParams | RoundRobinParams
GAME_PARAMS: dict[str, type[GameParams]] = {
    params.kind: params for params in (SelfplayParams, MatchParams, RoundRobinParams)
}
"""Job kind → parameters, of the kinds whose games are a pure function of these."""


class Claim(Strict):
    """What one job's host says: kind and params of the job, the shards that came home, the games to play again."""

    kind: Literal["selfplay", "tournament", "round_robin"]
    params: dict[str, Any]
    shards: list[InputFile]
    sample: list[int]  # game indices

    def game_params(self) -> GameParams:
        """The typed parameters of the job. Raises InvalidInput for bad ones."""
        return parse(GAME_PARAMS[self.kind], self.params, self.kind.replace("_", " "))


class ProveParams(StoreParams):
    """The claim of one job of a partition."""

    kind: ClassVar[str] = "prove"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    claim: Claim
