"""Encoded positions as tensors; imports torch."""

import numpy as np
import torch
from torch import Tensor

from ringrift.network.encoding import Encoded


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
