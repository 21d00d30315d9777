"""Parameters of a job that does nothing."""

from typing import ClassVar

from pydantic import Field

from ringrift.specs.params import JobParams


class NoopParams(JobParams):
    """How long it waits."""

    kind: ClassVar[str] = "noop"
    seconds: float = Field(default=0.0, ge=0, le=3600)
