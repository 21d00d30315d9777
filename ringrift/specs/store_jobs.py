"""Parameters of the jobs that read the store on this machine: verification, match results and ratings."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from ringrift import names
from ringrift.config import ConfigKey
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile
from ringrift.specs.match import MatchParams
from ringrift.specs.params import JobParams
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.stats.evidence import Purpose
from ringrift.strict import Strict, parse

RATE_VERSION: Literal[2] = 2  # of the result of a rating: raised when equal games may give another one
MATCH_PARAMS: dict[str, type[MatchParams] | type[RoundRobinParams]] = {
    params.kind: params for params in (MatchParams, RoundRobinParams)
}


class StoreParams(JobParams):
    """Parameters whose JSON holds what the planner gave, None too, and no default."""

    def content(self) -> dict[str, Any]:
        """The parameters as JSON values, as they stand in a spec."""
        return self.model_dump(mode="json", exclude_unset=True)


class MatchInput(Strict):
    """One match: kind and params of its job, as they stand in its spec, and the shards that made."""

    kind: Literal["tournament", "round_robin"]
    params: dict[str, Any]
    shards: list[InputFile]
    purpose: Purpose | None = None  # of a gate

    def match_params(self) -> MatchParams | RoundRobinParams:
        """The typed parameters of the match's own job. Raises InvalidInput for bad ones."""
        return parse(MATCH_PARAMS[self.kind], self.params, self.kind.replace("_", " "))


def match_input(spec: JobSpec, shards: list[InputFile], purpose: Purpose | None) -> MatchInput:
    """A match by the spec of its job and the shards that it made."""
    content = {"kind": spec.kind, "params": spec.params, "shards": shards, "purpose": purpose}
    return parse(MatchInput, content, spec.name)


class ResultsParams(StoreParams):
    """Matches of which one game set is made; `stored` is the game set of a partial partition."""

    kind: ClassVar[str] = "match_results"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    matches: list[MatchInput]
    stored: InputFile | None = None


class RateParams(StoreParams):
    """`games` are the match game sets up to this iteration; `known` names participants by key.

    `frozen` are the keys of the benchmarks: they stay in the fit however long ago they played.
    """

    kind: ClassVar[str] = "rate"
    version: Literal[2]
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    games: list[InputFile] = Field(min_length=1)
    known: dict[str, str]
    anchor: str
    frozen: list[str]
    elo_start: float
    elo_k: float = Field(gt=0)


class VerifyParams(StoreParams):
    """`games` and `more` are the sets to verify, `earlier` the training sets of the iterations before."""

    kind: ClassVar[str] = "verify"
    config: ConfigKey
    games: InputFile
    more: list[InputFile] = Field(default_factory=list)
    earlier: list[InputFile]
