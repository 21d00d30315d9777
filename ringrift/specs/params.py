"""What the parameters of every job kind have in common. Their JSON is hashed into job ids: it never changes."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile, ModelFile
from ringrift.strict import Strict


class JobParams(Strict):
    """Parameters of one job kind; `kind` is its name."""

    kind: ClassVar[str]

    def content(self) -> dict[str, Any]:
        """The parameters as JSON values, as they stand in a spec."""
        return self.model_dump(mode="json", exclude_none=True)

    def inputs(self) -> list[InputFile]:
        """Every file of the home that the job reads, in the order of the fields."""
        return list(_files(self))

    def planned_games(self) -> int | None:
        """The most games the job brings home, None for a kind that plays none or keeps none."""
        return None

    def spec(self, *, asset: str, config: str, iteration: int, name: str, salt: str = "") -> JobSpec:
        """The job of an asset's partition with these parameters."""
        return JobSpec(
            asset=asset,
            config=config,
            iteration=iteration,
            name=name,
            kind=self.kind,
            params=self.content(),
            salt=salt,
        )


class PlayParams(JobParams):
    """Parameters of a job whose games are kept."""

    profiles: dict[str, dict[str, float]] = Field(default_factory=dict)  # weights of those not among the named ones
    models: list[ModelFile] | None = None  # of the networks that play
    options: dict[str, int | bool] = Field(default_factory=dict)  # rules options that differ from the config's


def _files(value: object) -> Iterator[InputFile]:
    if isinstance(value, InputFile):
        yield value
    elif isinstance(value, Strict):
        for _, part in value:
            yield from _files(part)
    elif isinstance(value, list):
        for part in value:
            yield from _files(part)
