"""Networks of random weights for tests: in memory, and as a model's two files."""

from pathlib import Path

import torch

from ringrift.config import Config
from ringrift.contract import file_sha256
from ringrift.model_files import ModelFile
from ringrift.network.files import POLICY_VALUE, ModelCard, card_path, save_card, save_weights, weights_hash
from ringrift.network.layout import ENCODER_VERSION
from ringrift.network.loading import weights_of
from ringrift.network.model import Architecture, PolicyValueNet
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


def save_model(path: Path, config: Config, seed: int = 0) -> ModelFile:
    """Write a random network and its card; as an input for a job whose RINGRIFT_HOME is the folder of `path`."""
    net = random_net(seed)
    weights = weights_of(net)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, weights)
    card = ModelCard(
        kind=POLICY_VALUE,
        architecture={"blocks": 2, "channels": 8},
        encoder=ENCODER_VERSION,
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
    save_card(card_path(path), card)
    return ModelFile(weights=card.weights, path=path.name, sha256=file_sha256(path))
