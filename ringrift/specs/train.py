"""Parameters of a training job."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from ringrift import names
from ringrift.config import ConfigKey, Positive
from ringrift.jobs.inputs import InputFile
from ringrift.specs.params import JobParams
from ringrift.strict import Strict

ASSET = names.TRAINED_MODEL


class ReplayWindow(Strict):
    """The newest rows * (1 + beta * ((total / rows) ** alpha - 1) / alpha) rows (KataGo); all if there are fewer."""

    rows: Positive = 250_000  # a row is a decision
    alpha: float = Field(default=0.75, gt=0, le=1)
    beta: float = Field(default=0.4, gt=0, le=1)


class LoopSettings(Strict):
    """Numbers of the training loop."""

    batch_size: Positive = 256
    learning_rate: float = Field(default=2e-3, gt=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    max_row_uses: Positive = 8  # a training uses no row more often, whatever the epochs
    patience: Positive = 12  # epochs without a better held-out loss that end a training
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"


class TrainParams(JobParams):
    """`games` are the game sets up to this iteration, `parent` the weights to begin with (None: random ones)."""

    kind: ClassVar[str] = "train"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    games: list[InputFile] = Field(min_length=1)
    parent: InputFile | None = None
    root_seed: int = Field(ge=0, lt=2**63)
    blocks: int = Field(ge=1)
    channels: int = Field(ge=1)
    window: ReplayWindow
    held_out_share: float = Field(gt=0, lt=1)
    epochs: int = Field(ge=1)
    settings: LoopSettings

    def content(self) -> dict[str, Any]:
        """The parameters as JSON values, as they stand in a spec; a missing parent is None there."""
        return self.model_dump(mode="json")
