"""Training a value network: its rows, loss and figures as the training loop takes them."""

from typing import Any

import numpy as np
import torch

from ringrift.network.card import VALUE, Weights
from ringrift.network.layout import grids
from ringrift.network.training.losses import outcome_loss, scores_of_ranks
from ringrift.network.value.model import ValueBatch, ValueModel, make_batch, scores_of_strengths
from ringrift.network.value.rows import ValueRows


class ValueTask:
    """A ringrift.network.training.task.Task; its networks always begin with random weights."""

    warm = False

    def __init__(self, rows: ValueRows):
        self.rows, self.game, self.symmetries = rows, rows.game, len(grids(rows.config.board))

    def new_net(self) -> ValueModel:
        """See Task."""
        return ValueModel(self.rows.config)

    def losses(
        self, model: torch.nn.Module, chosen: np.ndarray, symmetry: np.ndarray, device: torch.device
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """See Task; the loss has no parts."""
        batch = make_batch(self.rows, chosen, symmetry, device)
        loss = outcome_loss(strengths_of(model, batch), batch.ranks)
        return loss, {"loss": loss.item()}

    def evaluate(
        self, net: torch.nn.Module, chosen: np.ndarray, batch_size: int, device: torch.device
    ) -> dict[str, float]:
        """See Task and evaluate_value."""
        return evaluate_value(net, self.rows, chosen, batch_size, device)

    def weights(self, net: torch.nn.Module) -> Weights:
        """See Task."""
        assert isinstance(net, ValueModel)  # of new_net
        return net.tensors()

    def fingerprint(self) -> dict[str, Any]:
        """See Task."""
        return {"network": VALUE, "rows": len(self.game), "config": self.rows.config.key}


def strengths_of(model: torch.nn.Module, batch: ValueBatch) -> torch.Tensor:
    """Strengths [B, players] that a network, wrapped or not, gives the relative players of a batch."""
    strengths: torch.Tensor = model(batch.active, batch.first, batch.numbers)
    return strengths


def evaluate_value(
    net: torch.nn.Module,
    rows: ValueRows,
    chosen: np.ndarray,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """Figures of a network on the rows `chosen`.

    loss (losses.outcome_loss) · value_mse, the squared error of the scores, and value_mse_constant, that of the best
    constant guess a player · rows, their number.
    """
    loss, found = 0.0, []
    with torch.inference_mode():
        for at in range(0, len(chosen), batch_size):
            batch = make_batch(rows, chosen[at : at + batch_size], device=device)
            strengths = strengths_of(net, batch)
            loss += outcome_loss(strengths, batch.ranks).item() * len(batch.ranks)
            found.append(scores_of_strengths(strengths.cpu().numpy()))
    scores = scores_of_ranks(rows.ranks[chosen])
    return {
        "loss": loss / len(chosen),
        "value_mse": float(((np.concatenate(found) - scores) ** 2).mean()),
        "value_mse_constant": float(((scores - scores.mean(axis=0)) ** 2).mean()),
        "rows": float(len(chosen)),
    }
