"""The policy-value network: a residual tower, a policy that scores each legal move, a value for every player.

Residual blocks with batch normalization as in He et al., "Deep residual learning for image recognition", 2016, in
the form of AlphaZero (Silver et al., 2018); global pooling as in Wu, "Accelerating self-play learning in Go" (KataGo),
2019, so that one set of weights fits boards of any size. There is no table of actions: a move's logit comes from the
tower's output at the cells it names and from its kind, so no two moves share an output.

torch is imported here, so only training jobs, exports and tests may import this module.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from ringrift.network.layout import EXTRAS, FROM, GLOBALS, KIND, KINDS, ON_BOARD_CELL, OVER, PLANES, PLAYER_COUNT, TO
from ringrift.network.layout import SEATS as PLAYERS

OWNERS = 1 + PLAYERS  # classes of the owner head: nobody, then the relative players
POOL_EVERY = 2  # every second block adds what the whole board holds to each cell


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a network: residual blocks and channels, for example 4 x 64."""

    blocks: int
    channels: int

    def __str__(self) -> str:
        return f"{self.blocks}x{self.channels}"


class Outputs(NamedTuple):
    """What the network says of B positions with M legal moves in all. The last two heads serve training only."""

    logits: Tensor  # [M], softmax over the moves of one position gives its policy
    scores: Tensor  # [B, PLAYERS], expected score of each relative player in [0, 1]; absent players 0
    strengths: Tensor  # [B, PLAYERS], scores come from their differences
    owners: Tensor  # [B, OWNERS, rows, rows], logits of who owns each cell at the end
    plies: Tensor  # [B], log2(1 + plies to the end) / 8


class _Pool(nn.Module):
    """Mean and maximum of each channel over the board, [B, C, H, W] to [B, 2C]; cells off the board hold 0."""

    def forward(self, x: Tensor, cells: Tensor) -> Tensor:
        return torch.cat((x.sum(dim=(2, 3)) / cells, x.amax(dim=(2, 3))), dim=1)


class _Block(nn.Module):
    def __init__(self, channels: int, pooled: bool):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm2.weight)  # a block begins as the identity (Goyal et al., 2017)
        self.pool = _Pool()
        self.spread = nn.Linear(2 * channels, channels) if pooled else None

    def forward(self, x: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        y = fn.relu(self.norm1(self.conv1(x))) * mask
        y = self.norm2(self.conv2(y))
        if self.spread is not None:
            y = y + self.spread(self.pool(x, cells))[:, :, None, None]
        return fn.relu(x + y) * mask


class PolicyValueNet(nn.Module):
    """The network; `forward` has the shapes.

    The score of a player is the mean chance to be ranked above another one, sigmoid(strength - other's strength):
    so scores lie in [0, 1] and those of n players sum to n / 2 by construction, for two players this is a softmax,
    and training on it is logistic regression of who beat whom (Bradley and Terry, 1952).
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        channels = architecture.channels
        self.stem = nn.Conv2d(PLANES, channels, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(channels)
        self.stem_globals = nn.Linear(GLOBALS, channels)
        self.blocks = nn.ModuleList(_Block(channels, i % POOL_EVERY == 1) for i in range(architecture.blocks))
        self.pool = _Pool()
        # First layer of the move scorer, split by what it reads: one product a cell instead of one a move.
        self.move_cells = nn.Conv2d(channels, 3 * channels, 1)
        self.move_nowhere = nn.Parameter(torch.zeros(3, channels))
        self.move_kinds = nn.Embedding(len(KINDS), channels)
        self.move_extras = nn.Linear(len(EXTRAS), channels, bias=False)
        self.move_board = nn.Linear(2 * channels, channels, bias=False)
        # Read out by kind: otherwise one, two or three rings on a cell would differ alike in nearly every position.
        self.move_score = nn.Parameter(torch.zeros(channels))
        self.move_kind_score = nn.Embedding(len(KINDS), channels)
        self.value_hidden = nn.Linear(2 * channels, 2 * channels)
        self.value = nn.Linear(2 * channels, PLAYERS)
        self.plies = nn.Linear(2 * channels, 1)
        self.owners = nn.Conv2d(channels, OWNERS, 1)
        nn.init.normal_(self.move_kinds.weight, std=0.1)
        nn.init.zeros_(self.move_kind_score.weight)
        for weight in (self.move_score, self.value.weight):  # begin with no opinion: uniform policy, equal scores
            nn.init.normal_(weight, std=0.01)

    def forward(self, planes: Tensor, globals_: Tensor, moves: Tensor, extras: Tensor, row: Tensor) -> Outputs:
        """Judge B positions and their M legal moves, as ringrift.network.encoding writes them.

        planes float32 [B, PLANES, rows, rows] · globals_ float32 [B, GLOBALS] · moves int64 [M, 4] (FROM, TO, OVER,
        KIND) · extras float32 [M, len(EXTRAS)] · row int64 [M], the position of each move. Any board: weights do
        not depend on `rows`.
        """
        mask = planes[:, ON_BOARD_CELL : ON_BOARD_CELL + 1]
        cells = mask.sum(dim=(2, 3))
        x = self.stem_norm(self.stem(planes)) + self.stem_globals(globals_)[:, :, None, None]
        x = fn.relu(x) * mask
        for block in self.blocks:
            x = block(x, mask, cells)
        board = self.pool(x, cells)
        strengths = self.value(fn.relu(self.value_hidden(board)))
        return Outputs(
            logits=self._logits(x, board, moves, extras, row),
            scores=scores_of(strengths, globals_),
            strengths=strengths,
            owners=self.owners(x),
            plies=self.plies(board).squeeze(1),
        )

    def _logits(self, x: Tensor, board: Tensor, moves: Tensor, extras: Tensor, row: Tensor) -> Tensor:
        channels = self.architecture.channels
        maps = self.move_cells(x).flatten(2).transpose(1, 2)  # [B, rows * rows, 3 * channels]
        nowhere = self.move_nowhere.reshape(1, 1, 3 * channels).expand(maps.shape[0], 1, 3 * channels)
        table = torch.cat((maps, nowhere), dim=1)
        width = table.shape[1]
        table = table.reshape(-1, 3 * channels)
        hidden = self.move_kinds(moves[:, KIND]) + self.move_extras(extras) + self.move_board(board)[row]
        for place, column in enumerate((FROM, TO, OVER)):
            part = table[:, place * channels : (place + 1) * channels]
            hidden = hidden + part[row * width + moves[:, column]]
        return (fn.relu(hidden) * (self.move_score + self.move_kind_score(moves[:, KIND]))).sum(dim=1)


def present(globals_: Tensor) -> Tensor:
    """1 for the relative players who are in the game, else 0: [B, PLAYERS] from the player-count globals."""
    two, three, four = (globals_[:, PLAYER_COUNT + i] for i in range(3))
    there = two + three + four
    return torch.stack((there, there, three + four, four), dim=1)


def scores_of(strengths: Tensor, globals_: Tensor) -> Tensor:
    """Scores [B, PLAYERS] of strengths [B, PLAYERS]: mean over the others of sigmoid(difference)."""
    there = present(globals_)
    wins = torch.sigmoid(strengths[:, :, None] - strengths[:, None, :]) * there[:, None, :]
    others = there.sum(dim=1, keepdim=True) - 1.0
    return (wins.sum(dim=2) - 0.5) * there / others  # without the half point against oneself


class Inference(nn.Module):
    """The part that players use, (logits [M], scores [B, PLAYERS]): what an export holds."""

    def __init__(self, net: PolicyValueNet):
        super().__init__()
        self.net = net

    def forward(
        self, planes: Tensor, globals_: Tensor, moves: Tensor, extras: Tensor, row: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Arguments as PolicyValueNet.forward."""
        out = self.net(planes, globals_, moves, extras, row)
        return out.logits, out.scores


def parameters_of(net: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(p.numel() for p in net.parameters())
