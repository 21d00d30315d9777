"""Parameters of a training job."""

from pydantic import Field

from ringrift.config import ConfigKey, Positive
from ringrift.strict import Strict

ASSET, KIND = "trained_model", "train"


class ReplayWindow(Strict):
    """The newest rows * (1 + beta * ((total / rows) ** alpha - 1) / alpha) rows (KataGo); all if there are fewer."""

    rows: Positive = 250_000  # a row is a decision
    alpha: float = Field(default=0.75, gt=0, le=1)
    beta: float = Field(default=0.4, gt=0, le=1)


class TrainParams(Strict):
    """`games` are the game sets up to this iteration, `parent` the weights to begin with (None: random ones)."""

    config: ConfigKey
    iteration: int = Field(ge=0, le=9999)
    games: list[dict[str, str]] = Field(min_length=1)
    parent: dict[str, str] | None = None
    root_seed: int = Field(ge=0, lt=2**63)
    blocks: int = Field(ge=1)
    channels: int = Field(ge=1)
    window: ReplayWindow
    held_out_share: float = Field(gt=0, lt=1)
    epochs: int = Field(ge=1)
    settings: dict[str, int | float | str]
