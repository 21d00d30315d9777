"""Content of the asset that trains networks."""

from typing import Any, Literal

from pydantic import Field

from resources.store.contents.base import Content, Number
from ringrift import names
from ringrift.strict import Strict

Metrics = dict[str, Number]
TRAINED, TOO_FEW = "trained", "not_enough_games"


class TrainingOutcome(Content):
    """What a training came to: `have` of the games that it needs. One that trained a network is a ModelContent."""

    ASSET = names.TRAINED_MODEL
    status: Literal["trained", "not_enough_games"]
    have: int
    need: int

    @classmethod
    def type_of(cls, data: dict[str, Any]) -> "type[TrainingOutcome]":
        """The type with the network where there is one."""
        return ModelContent if data.get("status") == TRAINED else cls


class WindowNumbers(Strict):
    """The window of a training: most rows, and how it grows with all there are."""

    rows: int
    alpha: Number
    beta: Number


class ModelContent(TrainingOutcome):
    """A trained network, its numbers and what it was trained on.

    `weights` and `parent`, the champion of the iteration, are weights hashes. `players` are the seats of the window's
    games by participant, `soft_share` is None for a network without a policy.
    """

    model_id: str
    network: Literal["value", "policy_value"] = "policy_value"
    weights: str
    parent: str | None
    architecture: dict[str, int]
    parameters: dict[str, Any]
    window_shape: WindowNumbers
    window: dict[str, Any]
    metrics: Metrics
    start_metrics: Metrics | None
    history: list[Metrics]
    best_epoch: int
    soft_share: Number | None
    players: dict[str, int] = Field(default_factory=dict)
    small_plot: str
