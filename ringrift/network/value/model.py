"""The value network of players/search/value_net.py in torch, as it is trained; torch is imported here."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from ringrift.config import Config
from ringrift.network.card import Weights
from ringrift.network.value.rows import ValueRows, turn_features
from ringrift.players.search.value_net import NARROW, WIDTH, features_of, numbers_of
from ringrift.rules.geometry import board

FIRST_SPREAD = 0.05  # standard deviation of the first layer's weights at the start: some 60 of them are summed


@dataclass(frozen=True, slots=True)
class ValueBatch:
    """B rows as tensors."""

    active: Tensor  # int64 [features of all rows]
    first: Tensor  # int64 [B], where those of a row begin
    numbers: Tensor  # float32 [B, numbers]
    ranks: Tensor  # int8 [B, players]


class ValueModel(nn.Module):
    """Features → WIDTH → NARROW → one strength a player; scores come from differences as in model.PolicyValueNet."""

    def __init__(self, config: Config):
        super().__init__()
        players = config.players
        self.features = nn.EmbeddingBag(features_of(board(config.board).cells, players), WIDTH, mode="sum")
        self.numbers = nn.Linear(numbers_of(players), WIDTH)
        self.second = nn.Linear(WIDTH, NARROW)
        self.last = nn.Linear(NARROW, players)
        nn.init.normal_(self.features.weight, std=FIRST_SPREAD)
        nn.init.normal_(self.last.weight, std=0.01)  # begin with no opinion: equal scores

    def forward(self, active: Tensor, first: Tensor, numbers: Tensor) -> Tensor:
        """Strengths [B, players] of the relative players; arguments as in ValueBatch."""
        wide = fn.relu(self.features(active, first) + self.numbers(numbers))
        strengths: Tensor = self.last(fn.relu(self.second(wide)))
        return strengths

    def tensors(self) -> Weights:
        """The weights as players/search/value_net.py reads them."""

        def table(*parts: Tensor) -> np.ndarray:
            return torch.cat([part.detach().cpu() for part in parts]).contiguous().numpy()

        return {
            "first": table(self.features.weight, self.numbers.weight.T, self.numbers.bias[None]),
            "second": table(self.second.weight.T, self.second.bias[None]),
            "last": table(self.last.weight.T, self.last.bias[None]),
        }


def make_batch(
    rows: ValueRows, chosen: np.ndarray, symmetry: np.ndarray | None = None, device: torch.device | str = "cpu"
) -> ValueBatch:
    """The rows `chosen` (int64 [B]) on `device`, each turned by `symmetry` (int64 [B], default: not at all)."""
    counts = (rows.first[1:] - rows.first[:-1])[chosen]
    first = np.cumsum(counts) - counts
    row = np.repeat(np.arange(len(chosen)), counts)
    active = rows.active[np.arange(len(row)) - first[row] + rows.first[chosen][row]]
    if symmetry is not None:
        active = turn_features(active, rows.config, symmetry[row])
    return ValueBatch(
        active=torch.from_numpy(active.astype(np.int64)).to(device),
        first=torch.from_numpy(first).to(device),
        numbers=torch.from_numpy(rows.numbers[chosen]).to(device),
        ranks=torch.from_numpy(rows.ranks[chosen]).to(device),
    )


def scores_of_strengths(strengths: np.ndarray) -> np.ndarray:
    """Scores of P players [N, P] from their strengths: mean over the others of sigmoid(difference).

    Each is in [0, 1], together they are P / 2.
    """
    leads = strengths[:, :, None].astype(np.float64) - strengths[:, None, :]
    wins = 1.0 / (1.0 + np.exp(-leads))
    return (wins.sum(axis=2) - 0.5) / (strengths.shape[1] - 1)
