"""Networks from and to the weights of ringrift.network.card; imports torch."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ringrift.config import Config
from ringrift.network.card import POLICY_VALUE, ModelCard, Weights, check_shapes, load_pair
from ringrift.network.encoding import Encoded
from ringrift.network.model import Architecture, PolicyValueNet

_COUNTER = "num_batches_tracked"  # of batch normalization; nothing depends on it


def weights_of(net: torch.nn.Module) -> Weights:
    """Parameters and running statistics of a network, by name."""
    return {name: t.detach().cpu().numpy() for name, t in net.state_dict().items() if not name.endswith(_COUNTER)}


def set_weights(net: torch.nn.Module, weights: Weights) -> None:
    """Put `weights` into a network of the same shapes."""
    net.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, strict=False)


def load_model(path: Path, config: Config | None = None) -> tuple[PolicyValueNet, ModelCard]:
    """The network of a .safetensors file and its card, in evaluation mode on the CPU.

    Raises MissingInput if a file is not there, InvalidInput naming both sides if the two do not belong together, or
    were made for another encoder, other rules or (where given) another config.
    """
    weights, card = load_pair(path, kind=POLICY_VALUE, config=config)
    net = PolicyValueNet(Architecture(**card.architecture))
    check_shapes(path, weights, {name: (w.shape, w.dtype.name) for name, w in weights_of(net).items()})
    set_weights(net, weights)
    return net.eval(), card


def net_inputs(encoded: Encoded, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The arguments of PolicyValueNet.forward: planes, globals, moves, extras, row."""
    n, planes, cells = encoded.planes.shape
    rows = round(cells**0.5)
    return (
        torch.from_numpy(encoded.planes.reshape(n, planes, rows, rows)).to(device),
        torch.from_numpy(encoded.globals).to(device),
        torch.from_numpy(encoded.moves.astype(np.int64)).to(device),
        torch.from_numpy(encoded.extras).to(device),
        torch.from_numpy(encoded.row).to(device),
    )
