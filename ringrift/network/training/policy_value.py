"""Training a policy-value network: its rows, losses and figures as the training loop takes them."""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ringrift.network.card import POLICY_VALUE, Weights
from ringrift.network.model import Architecture, PolicyValueNet
from ringrift.network.tensors import net_inputs, set_weights, weights_of
from ringrift.network.training.losses import evaluate, losses_of
from ringrift.network.training.rows import Batches, Rows


class PolicyValueTask:
    """A ringrift.network.training.task.Task; its networks begin with the weights `start`, or with random ones."""

    def __init__(self, rows: Rows, architecture: Architecture, start: Weights | None = None):
        self.batches, self.architecture, self.start = Batches(rows), architecture, start
        self.game, self.symmetries, self.warm = rows.game, self.batches.symmetries, start is not None

    def new_net(self) -> PolicyValueNet:
        """See Task."""
        net = PolicyValueNet(self.architecture)
        if self.start is not None:
            set_weights(net, self.start)
        return net

    def losses(
        self, model: torch.nn.Module, chosen: np.ndarray, symmetry: np.ndarray, device: torch.device
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """See Task; the parts are those of losses.Losses."""
        batch = self.batches.make(chosen, symmetry)
        losses = losses_of(model(*net_inputs(batch.encoded, device)), batch, device)
        total = losses.total()
        return total, {name: part.item() for name, part in losses._asdict().items()} | {"loss": total.item()}

    def evaluate(
        self, net: torch.nn.Module, chosen: np.ndarray, batch_size: int, device: torch.device
    ) -> dict[str, float]:
        """See Task and losses.evaluate."""
        assert isinstance(net, PolicyValueNet)  # of new_net
        return evaluate(net, self.batches, chosen, batch_size, device)

    def weights(self, net: torch.nn.Module) -> Weights:
        """See Task."""
        return weights_of(net)

    def fingerprint(self) -> dict[str, Any]:
        """See Task."""
        return {"network": POLICY_VALUE, "rows": len(self.game), **asdict(self.architecture)}
