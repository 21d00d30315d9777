"""A model's two files: `NAME.safetensors` with the weights and `NAME.json`, its card.

A model is known by its weights hash: SHA-256 over the tensors in name order (name, type, shape, bytes), so the same
weights have the same identity whatever file holds them. The card says what the weights are for; loading refuses a
pair that does not belong together or was made for something else.
"""

import hashlib
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ringrift import names
from ringrift.config import Config, ConfigKey
from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import atomic_path, write_json
from ringrift.network.layout import ENCODER_VERSION
from ringrift.players.search.value_net import VALUE_ENCODER_VERSION
from ringrift.rules.replay import RULES_VERSION
from ringrift.strict import Strict, parse, read_document

CARD_VERSION = 1
WEIGHTS_SUFFIX, CARD_SUFFIX = ".safetensors", ".json"
POLICY_VALUE: Final = "policy_value"
VALUE: Final = "value"
ENCODERS = {POLICY_VALUE: ENCODER_VERSION, VALUE: VALUE_ENCODER_VERSION}  # what a network of a kind is fed with

Weights = dict[str, np.ndarray]


class ModelCard(Strict):
    """What a model is, where it comes from and how good it is. `weights` is its identity."""

    card: Literal[1] = 1
    kind: str  # what is computed: POLICY_VALUE is the network of model.py, VALUE that of players/search/value_net.py
    architecture: dict[str, int]  # arguments of the network's Architecture
    encoder: int
    rules_version: str
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    weights: str = Field(pattern=r"^[0-9a-f]{64}$")
    parent: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")  # champion when it was trained
    seed: int
    window: dict[str, Any]  # the games: files with digests, their number, rows, digest
    training: dict[str, Any]  # batch size, epochs, learning rate and so on, as given and as run
    metrics: dict[str, Any]  # of the games held out
    code_version: str

    @property
    def model_id(self) -> str:
        """First 16 digits of the weights hash."""
        return self.weights[:16]


def weights_hash(weights: Weights) -> str:
    """Identity of a model, 64 hex digits: SHA-256 over its tensors in name order."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = np.ascontiguousarray(weights[name])
        little = tensor.astype(tensor.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name}\0{tensor.dtype.name}\0{list(tensor.shape)}\0".encode() + little.tobytes())
    return digest.hexdigest()


def card_path(weights_path: Path) -> Path:
    """Where the card of a weights file stands."""
    return weights_path.with_suffix(CARD_SUFFIX)


def save_weights(path: Path, weights: Weights) -> None:
    """Write a .safetensors file atomically; equal weights give equal bytes."""
    with atomic_path(path) as temporary:
        save_file({name: np.ascontiguousarray(weights[name]) for name in sorted(weights)}, temporary)


def save_card(path: Path, card: ModelCard) -> None:
    """Write a card atomically."""
    write_json(path, card.model_dump(mode="json"))


def load_weights(path: Path) -> Weights:
    """Tensors of a .safetensors file by name. Raises MissingInput or InvalidInput naming the file."""
    if not path.is_file():
        raise MissingInput(f"{path} is not there; train a model or give the path of its .safetensors file")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(
            str(path), path.name, f"use a complete safetensors file ({error})", problem="unreadable weights"
        ) from error


def load_card(path: Path) -> ModelCard:
    """The card in a .json file. Raises MissingInput or InvalidInput naming the file and the field."""
    content = read_document(path)
    if content.get("card") != CARD_VERSION:
        raise InvalidInput(f"{path}: card", content.get("card"), f"this version reads cards of version {CARD_VERSION}")
    return parse(ModelCard, content, str(path))


def load_pair(path: Path, *, kind: str | None = None, config: Config | None = None) -> tuple[Weights, ModelCard]:
    """Weights and card of a model of `kind` (None: any), given the path of either file.

    Raises MissingInput if one is not there, and InvalidInput for another file, or with both sides if the card is of
    another kind, encoder, rules version or (where given) config, or if the weights are not those of the card.
    """
    if path.suffix not in (WEIGHTS_SUFFIX, CARD_SUFFIX):
        raise InvalidInput(
            str(path), path.name, f"give a {WEIGHTS_SUFFIX} file with its card beside it", problem="not a network"
        )
    weights_path = path.with_suffix(WEIGHTS_SUFFIX)
    weights, card = load_weights(weights_path), load_card(card_path(weights_path))
    wanted: list[tuple[str, object, object]] = [
        ("kind", card.kind, card.kind if kind is None and card.kind in ENCODERS else kind or " or ".join(ENCODERS)),
        ("encoder", card.encoder, ENCODERS.get(card.kind)),
        ("rules_version", card.rules_version, RULES_VERSION),
        ("config", card.config, card.config if config is None else config.key),
    ]
    for field, has, wants in wanted:
        if has != wants:
            problem = f"this is a {has!r} network" if field == "kind" else f"this network has {field} {has!r}"
            remedy = f"a {wants!r} network is required here" if field == "kind" else f"{wants!r} is required here"
            raise InvalidInput(str(card_path(weights_path)), has, remedy, problem=problem)
    found = weights_hash(weights)
    if found != card.weights:
        raise InvalidInput(
            str(weights_path), found, f"the card is of {card.weights}", problem=f"these are the weights of hash {found}"
        )
    return weights, card


def check_shapes(path: Path, weights: Weights, expected: dict[str, tuple[tuple[int, ...], str]]) -> None:
    """Raise InvalidInput unless `weights` has exactly the tensors `expected` (name → shape, type name)."""
    for name in sorted({*weights, *expected}):
        has = (weights[name].shape, weights[name].dtype.name) if name in weights else None
        if has != expected.get(name):
            wants = expected.get(name)
            raise InvalidInput(str(path), has, f"the architecture has {wants}", problem=f"tensor {name!r} is {has}")
