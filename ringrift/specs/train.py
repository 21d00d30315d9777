"""Parameters of a training job."""

from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from ringrift import names
from ringrift.config import ConfigKey, Positive
from ringrift.jobs.inputs import InputFile
from ringrift.specs.params import JobParams
from ringrift.strict import Strict

ASSET = names.TRAINED_MODEL

TrainedNetwork = Literal["value", "policy_value"]
VALUE: Final = "value"  # judges positions inside minimax, mcts and descent
POLICY_VALUE: Final = "policy_value"  # a tower that Gumbel MCTS plays with
SIZES = {VALUE: ("width", "narrow"), POLICY_VALUE: ("blocks", "channels")}  # what an architecture names
VALUE_ARCHITECTURE = {"width": 256, "narrow": 32}  # there is one size only


class ReplayWindow(Strict):
    """The newest rows * (1 + beta * ((total / rows) ** alpha - 1) / alpha) rows (KataGo); all if there are fewer."""

    rows: Positive = 250_000  # a row is a decision
    alpha: float = Field(default=0.75, gt=0, le=1)
    beta: float = Field(default=0.4, gt=0, le=1)


class LoopNumbers(Strict):
    """Numbers of the training loop that each kind of network has its own of."""

    batch_size: Positive = 256
    learning_rate: float = Field(default=2e-3, gt=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    max_row_uses: Positive = 8  # a training uses no row more often, whatever the epochs
    patience: Positive = 12  # epochs without a better held-out loss that end a training


class LoopSettings(LoopNumbers):
    """All numbers of a training loop; `epochs` is a ceiling that cuts the uses of the rows into slices."""

    epochs: Positive
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"


class TrainParams(JobParams):
    """`games` are the game sets up to this iteration.

    `parent` is the weights hash of the champion when this network is trained, `start` the file of its weights where the
    training begins with them (None: random ones). `sources` are the selfplay jobs whose games are learned from, by name
    (None: all games).
    """

    kind: ClassVar[str] = "train"
    network: TrainedNetwork
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    games: list[InputFile] = Field(min_length=1)
    sources: list[str] | None = Field(default=None, min_length=1)
    parent: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    start: InputFile | None = None
    root_seed: int = Field(ge=0, lt=2**63)
    architecture: dict[str, Positive]
    window: ReplayWindow
    held_out_share: float = Field(gt=0, lt=1)
    settings: LoopSettings

    @model_validator(mode="after")
    def _fits_the_network(self) -> "TrainParams":
        sizes = SIZES[self.network]
        if sorted(self.architecture) != sorted(sizes):
            raise ValueError(f"the architecture of a {self.network} network has {' and '.join(sizes)}")
        if self.network == VALUE and self.architecture != VALUE_ARCHITECTURE:
            raise ValueError(f"a value network has the architecture {VALUE_ARCHITECTURE}")
        if self.start is not None and (self.network == VALUE or self.parent is None):
            raise ValueError("only a policy_value network begins with weights, and these have a parent")
        return self

    def content(self) -> dict[str, Any]:
        """The parameters as JSON values, as they stand in a spec; a missing parent is None there."""
        return self.model_dump(mode="json")
