"""Networks of random weights for tests, in memory and as a model's two files: policy networks and value networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ringrift.config import Config
from ringrift.jobs.contract import file_sha256
from ringrift.jobs.inputs import ModelFile
from ringrift.network.card import (
    ENCODERS,
    POLICY_VALUE,
    VALUE,
    ModelCard,
    Weights,
    card_path,
    save_card,
    save_weights,
    weights_hash,
)
from ringrift.network.model import Architecture, PolicyValueNet
from ringrift.network.tensors import weights_of
from ringrift.network.value.files import ARCHITECTURE
from ringrift.network.value.model import ValueModel
from ringrift.players.search.value_net import ValueNetwork
from ringrift.rules.replay import RULES_VERSION


def random_net(seed: int = 0, architecture: Architecture | None = None) -> PolicyValueNet:
    """A network of loud random weights, so that a wrong head shows."""
    torch.manual_seed(seed)
    net = PolicyValueNet(architecture or Architecture(2, 8))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    for name in ("move_score", "move_kind_score.weight"):  # logits so wide that a search could still turn to any move
        torch.nn.init.normal_(net.get_parameter(name), std=0.02)
    return net.eval()


def random_value(config: Config, seed: int = 0) -> ValueModel:
    """A value network of loud random weights."""
    torch.manual_seed(seed)
    net = ValueModel(config)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return net.eval()


def value_network(config: Config, seed: int = 0) -> ValueNetwork:
    """The same, as players use it."""
    tensors = random_value(config, seed).tensors()
    return ValueNetwork(weights_hash(tensors), config, tensors)


def save_value(path: Path, config: Config, seed: int = 0, changes: Mapping[str, Any] | None = None) -> ModelFile:
    """Write a random value network and its card (with `changes`), as `save_model` does."""
    return _save(path, config, seed, random_value(config, seed).tensors(), VALUE, ARCHITECTURE, changes)


def save_model(path: Path, config: Config, seed: int = 0) -> ModelFile:
    """Write a random network and its card; as an input for a job whose RINGRIFT_HOME is the folder of `path`."""
    architecture = {"blocks": 2, "channels": 8}
    return _save(path, config, seed, weights_of(random_net(seed)), POLICY_VALUE, architecture)


def _save(
    path: Path,
    config: Config,
    seed: int,
    weights: Weights,
    kind: str,
    architecture: dict[str, int],
    changes: Mapping[str, Any] | None = None,
) -> ModelFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, weights)
    card = ModelCard(
        kind=kind,
        architecture=architecture,
        encoder=ENCODERS[kind],
        rules_version=RULES_VERSION,
        config=config.key,
        iteration=0,
        weights=weights_hash(weights),
        seed=seed,
        window={},
        training={},
        metrics={},
        code_version="test",
    )
    save_card(card_path(path), card.model_copy(update=dict(changes or {})))
    return ModelFile(weights=card.weights, path=path.name, sha256=file_sha256(path))
