"""What the training loop has to know of a kind of network and of the rows it learns from."""

from typing import Any, Protocol

import numpy as np
import torch

from ringrift.network.card import Weights


class Task(Protocol):
    """Rows of some games and a kind of network; rows and games are numbered from 0."""

    @property
    def game(self) -> np.ndarray:
        """The game of each row, int64 [rows]."""
        ...

    @property
    def symmetries(self) -> int:
        """Number of symmetries of the board."""
        ...

    @property
    def warm(self) -> bool:
        """True if a new network has the weights of another training; they are judged before the first epoch."""
        ...

    def new_net(self) -> torch.nn.Module:
        """A network on the CPU, its random weights from torch's own generator."""
        ...

    def losses(
        self, model: torch.nn.Module, chosen: np.ndarray, symmetry: np.ndarray, device: torch.device
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """What is minimized on the rows `chosen` (int64 [B]), each turned by `symmetry` (int64 [B]), and its parts by
        name, means over the rows; `loss` is the sum. `model` is a network of `new_net` or a wrapper of one.
        """
        ...

    def evaluate(
        self, net: torch.nn.Module, chosen: np.ndarray, batch_size: int, device: torch.device
    ) -> dict[str, float]:
        """Figures of a network on the rows `chosen`, among them `loss`."""
        ...

    def weights(self, net: torch.nn.Module) -> Weights:
        """The weights of a network as its file holds them."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """What tells this task from others, plain values: a checkpoint of another one is refused."""
        ...
