"""Which parameters a job has by its kind, and what follows from them."""

from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile
from ringrift.specs.cmaes import CmaesParams
from ringrift.specs.match import MatchParams
from ringrift.specs.noop import NoopParams
from ringrift.specs.params import JobParams
from ringrift.specs.prove import ProveParams
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.specs.selfplay import SelfplayParams
from ringrift.specs.store_jobs import RateParams, ResultsParams, VerifyParams
from ringrift.specs.train import TrainParams
from ringrift.strict import parse

PARAMS: dict[str, type[JobParams]] = {
    params.kind: params
    for params in (
        CmaesParams,
        MatchParams,
        NoopParams,
        ProveParams,
        RateParams,
        ResultsParams,
        RoundRobinParams,
        SelfplayParams,
        TrainParams,
        VerifyParams,
    )
}
"""Job kind → its parameters. Every file of ringrift.kinds has its line."""


def params_of(spec: JobSpec) -> JobParams | None:
    """The typed parameters of a job, None for a kind that is not known here. Raises InvalidInput for bad ones."""
    params = PARAMS.get(spec.kind)
    return parse(params, spec.params, f"params of {spec.name}") if params else None


def inputs_of(spec: JobSpec) -> list[InputFile]:
    """The files of the home that a job reads; none if its kind is not known."""
    params = params_of(spec)
    return params.inputs() if params else []


def planned_games(spec: JobSpec) -> int | None:
    """The most games a job brings home; None if it brings none, or if its kind is not known."""
    params = params_of(spec)
    return params.planned_games() if params else None
