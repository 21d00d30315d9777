"""What training minimizes, and the figures by which a network is judged on games it has not seen; imports torch."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as fn

from ringrift.network.model import Outputs, PolicyValueNet
from ringrift.network.tensors import net_inputs
from ringrift.network.training.rows import Batch, Batches

POLICY_WEIGHT, VALUE_WEIGHT, OWNER_WEIGHT, PLIES_WEIGHT = 1.0, 1.0, 0.15, 0.1
PLIES_SCALE = 8.0  # the plies head says log2(1 + plies) / PLIES_SCALE


class Losses(NamedTuple):
    """Means over a batch, in nats: policy cross-entropy, pairwise outcome, owner of a cell; plies is a Huber loss."""

    policy: Tensor
    value: Tensor
    owner: Tensor
    plies: Tensor

    def total(self) -> Tensor:
        """The weighted sum that is minimized."""
        return (
            POLICY_WEIGHT * self.policy
            + VALUE_WEIGHT * self.value
            + OWNER_WEIGHT * self.owner
            + PLIES_WEIGHT * self.plies
        )


def log_policy(logits: Tensor, row: Tensor, positions: int) -> Tensor:
    """Log-probability of each of M moves within its position, from logits [M] and the moves' positions `row` [M]."""
    top = torch.full((positions,), -torch.inf, device=logits.device).scatter_reduce(0, row, logits.detach(), "amax")
    shifted = logits - top[row]
    total = torch.zeros(positions, device=logits.device).index_add(0, row, shifted.exp())
    return shifted - total.log()[row]


def losses_of(out: Outputs, batch: Batch, device: torch.device | str = "cpu") -> Losses:
    """Losses of a batch the network has judged."""
    row = torch.from_numpy(batch.encoded.row).to(device)
    policy, weight, ranks, owners, plies = (
        torch.from_numpy(a).to(device)
        for a in (batch.policy, batch.policy_weight, batch.ranks, batch.owners, batch.plies)
    )
    cross = -(policy * log_policy(out.logits, row, len(ranks)))
    per_row = torch.zeros(len(ranks), device=device).index_add(0, row, cross)
    return Losses(
        policy=(per_row * weight).sum() / weight.sum().clamp(min=1.0),
        value=outcome_loss(out.strengths, ranks),
        owner=fn.cross_entropy(out.owners.flatten(2), owners.long(), ignore_index=-1),
        plies=fn.smooth_l1_loss(out.plies, torch.log2(1.0 + plies) / PLIES_SCALE, beta=0.1),
    )


def outcome_loss(strengths: Tensor, ranks: Tensor) -> Tensor:
    """Mean over all pairs of players of a game of -log of the chance given to what happened; a tie is half of each.

    Strengths and ranks are [B, P].
    """
    there = ranks > 0
    pairs = torch.triu((there[:, :, None] & there[:, None, :]).float(), diagonal=1)
    above = 0.5 * (1.0 + torch.sign(ranks[:, None, :] - ranks[:, :, None]).float())  # 1 where i is ranked above j
    chance = strengths[:, :, None] - strengths[:, None, :]
    loss = fn.binary_cross_entropy_with_logits(chance, above, reduction="none")
    return (loss * pairs).sum() / pairs.sum()


def scores_of_ranks(ranks: np.ndarray) -> np.ndarray:
    """Score of each player, float64 [B, SEATS], from ranks: share of opponents out-ranked, ties half, absent 0."""
    there = ranks > 0
    above = 0.5 * (1 + np.sign(ranks[:, None, :].astype(int) - ranks[:, :, None]))
    wins = (above * there[:, None, :]).sum(axis=2) - 0.5
    return np.where(there, wins / np.maximum(1, there.sum(axis=1, keepdims=True) - 1), 0.0)


def evaluate(
    net: PolicyValueNet, batches: Batches, rows: np.ndarray, batch_size: int, device: torch.device | str = "cpu"
) -> dict[str, float]:
    """Figures of a network on `rows`, each beside what it would be without knowledge.

    loss (the sum minimized) and its parts · policy_uniform: cross-entropy of equal chances · top1, top1_uniform: share
    of positions whose most likely target move has the largest logit · value_mse, value_mse_constant: squared error of
    the scores, and of each relative player's mean score. Rows without policy weight count for the value alone.
    """
    was_training = net.training
    net.eval()
    sums: dict[str, float] = dict.fromkeys(("policy", "policy_uniform", "top1", "top1_uniform"), 0.0)
    means: dict[str, float] = dict.fromkeys(("value", "owner", "plies"), 0.0)
    judged, found, wanted = 0.0, [], []
    with torch.inference_mode():
        for begin in range(0, len(rows), batch_size):
            batch = batches.make(rows[begin : begin + batch_size])
            out = net(*net_inputs(batch.encoded, device))
            part = losses_of(out, batch, device)
            weight, first = batch.policy_weight, batch.encoded.first
            counts = float(weight.sum())
            judged += counts
            sums["policy"] += float(part.policy) * max(1.0, counts) * (counts > 0)
            choices = np.diff(first)
            sums["policy_uniform"] += float((np.log(choices) * weight).sum())
            sums["top1_uniform"] += float((weight / choices).sum())
            logits = out.logits.cpu().numpy()
            for i in np.flatnonzero(weight):
                moves = slice(first[i], first[i + 1])
                sums["top1"] += float(logits[moves].argmax() == batch.policy[moves].argmax())
            for name in means:
                means[name] += float(getattr(part, name)) * len(batch.ranks)
            found.append(out.scores.cpu().numpy().astype(np.float64))
            wanted.append(scores_of_ranks(batch.ranks))
    net.train(was_training)
    scores, targets = np.concatenate(found), np.concatenate(wanted)
    there = targets.shape[0] * batches.rows.config.players
    figures = {name: value / max(1.0, judged) for name, value in sums.items()}
    figures |= {name: value / len(rows) for name, value in means.items()}
    figures["value_mse"] = float(((scores - targets) ** 2).sum() / there)
    figures["value_mse_constant"] = float(((targets.mean(axis=0) - targets) ** 2).sum() / there)
    figures["loss"] = (
        POLICY_WEIGHT * figures["policy"]
        + VALUE_WEIGHT * figures["value"]
        + OWNER_WEIGHT * figures["owner"]
        + PLIES_WEIGHT * figures["plies"]
    )
    return figures | {"rows": float(len(rows)), "policy_rows": judged}
