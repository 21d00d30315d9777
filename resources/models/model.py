"""A model as people know it: the documented fields of an entry of the registry."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

from resources.store.contents.models import ModelContent
from resources.store.record import Record
from ringrift.config import CONFIG_KEYS


def model_id(config: str, iteration: int) -> str:
    """Documented name of the model that a config's iteration trained: `square8_2p_iter5`."""
    return f"{config}_iter{iteration}"


@dataclass(frozen=True, slots=True)
class Model:
    """An entry of the registry, with the documented fields; `weights` is its identity, 64 hex digits.

    `network` is its kind, value or policy_value; `path` is relative to the home, times are ISO 8601 UTC, `rating` is
    that of the newest rating table (None: it has played no match).
    """

    model_id: str
    path: str
    config: str
    parent_id: str | None
    created_at: str
    iteration: int
    metrics: dict[str, Any]
    weights: str
    parent: str | None
    network: str = "policy_value"
    status: Literal["active", "deprecated"] = "active"
    deprecated_at: str | None = None
    deprecation_reason: str | None = None
    rating: float | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)


def model_of(record: Record, content: ModelContent) -> Model:
    """The entry of a trained model, active and without a rating."""
    name = model_id(record.config, record.iteration)
    return Model(
        model_id=name,
        path=f"models/{name}.safetensors",
        config=record.config,
        parent_id=None,
        created_at=iso_time(record.provenance["written_at"]),
        iteration=record.iteration,
        metrics={"training_iteration": record.iteration, **content.metrics},
        weights=content.weights,
        parent=content.parent,
        network=content.network,
    )


def config_order(config: str) -> tuple[int, str]:
    """Sorts configs in the pipeline's order, others after them by name."""
    return (CONFIG_KEYS.index(config) if config in CONFIG_KEYS else len(CONFIG_KEYS), config)


def iso_time(seconds: float) -> str:
    """Unix seconds as ISO 8601 UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
