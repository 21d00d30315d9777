"""Parameters of a job that plays games again, and the plans that stand beside stored games."""

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from ringrift import names
from ringrift.config import ConfigKey
from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import atomic_path
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


LONGEST_PLANS = 1 << 28  # bytes of a file of plans, unpacked


class Played(Strict):
    """A job whose games are a pure function of its kind and parameters."""

    kind: Literal["selfplay", "tournament", "round_robin"]
    params: dict[str, Any]

    def game_params(self) -> GameParams:
        """The typed parameters of the job. Raises InvalidInput for bad ones."""
        return parse(GAME_PARAMS[self.kind], self.params, self.kind.replace("_", " "))


class Claim(Played):
    """What one job's host says: the shards that came home; and the games to play again.

    `weaker`: the same bits need not come out, so each decision is taken again instead (ringrift.matches.agreement).
    """

    shards: list[InputFile]
    sample: list[int]  # game indices
    weaker: Literal[True] | None = None


class StoredPlan(Played):
    """A job whose games are stored: the `host` it ran on, and whether the same bits come out of that host and this one.

    `exact` is False for networks on a GPU and for another type of processor.
    """

    host: str
    exact: bool


class _Plans(Strict):
    format: Literal["ringrift-plans/1"] = "ringrift-plans/1"
    jobs: list[StoredPlan]


def write_plans(path: Path, plans: Sequence[StoredPlan]) -> None:
    """Write plans as gzipped JSON; equal plans give equal bytes."""
    text = json.dumps(_Plans(jobs=list(plans)).model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))


def read_plans(path: Path) -> list[StoredPlan]:
    """The plans in a file. Raises MissingInput without one, InvalidInput for one that is none."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(path.read_bytes())) as packed:
            data = packed.read(LONGEST_PLANS + 1)
        if len(data) > LONGEST_PLANS:
            raise ValueError(f"more than {LONGEST_PLANS} bytes")
        held = json.loads(data)
    except FileNotFoundError:
        raise MissingInput(f"{path} is not there: games stored by an older version have no plans") from None
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise InvalidInput("", path.name, problem=f"{path} is no file of plans: {error}") from error
    return parse(_Plans, held, str(path)).jobs


class ProveParams(StoreParams):
    """The claim of one job of a partition."""

    kind: ClassVar[str] = "prove"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    claim: Claim
