"""The job that makes one verified game set, scores and gate verdicts from the pulled games of some matches."""

from collections.abc import Sequence
from pathlib import Path

from resources.runtime import Runtime
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile
from ringrift.specs.store_jobs import MatchInput, ResultsParams, match_input
from ringrift.stats.evidence import Purpose


def played_match(runtime: Runtime, spec: JobSpec, shards: Sequence[Path], purpose: Purpose | None) -> MatchInput:
    """One match of `results_job`: its job, its pulled games, and what its gate decides."""
    return match_input(spec, [runtime.input_file(path) for path in shards], purpose)


def results_job(
    asset: str, config: str, iteration: int, matches: Sequence[MatchInput], stored: InputFile | None = None
) -> JobSpec:
    """The job for some matches; `stored` is the game set of the partial partition that is played on."""
    more = {"stored": stored} if stored else {}
    params = ResultsParams(config=config, iteration=iteration, matches=list(matches), **more)
    return params.spec(asset=asset, config=config, iteration=iteration, name=ResultsParams.kind)
