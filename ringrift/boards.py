"""The boards: every number that depends on a board, one row a board (docs/extending.md, "Adding a board")."""

import re
from dataclasses import dataclass
from typing import Literal

from ringrift.errors import InvalidInput

KIB = 1024
LEAST_SIZE = {"square": 4, "hexagonal": 2}
MOST_CELLS = 512  # a move code has nine bits for a cell


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSpec:
    """One board. What has a default may be left out of a row.

    Raises InvalidInput for a name that is not lower-case letters and digits, for another shape or number of caps, and
    for a size below LEAST_SIZE or with more than MOST_CELLS cells (22 x 22, radius 12).
    """

    name: str  # the first half of a config's key: `square8` in `square8_2p`
    shape: Literal["square", "hexagonal"]
    size: int  # side of a square board; radius of a hexagonal one, the steps from its centre to its rim
    rings: int  # of each player
    decision_caps: tuple[int, int, int]  # decisions after which a game of 2, 3, 4 players is stopped without a winner
    title: str  # in the names of matches, `Heuristic5_vs_MCTS6_Square8`
    short: str  # in the names of trained profiles, `heuristic_v1_sq8_2p`
    alias: str | None = None  # another name that is read in a config's key, never written
    pipeline: bool = False  # True: its configs are partitions of the asset graph
    short_lines: bool = False  # True: lines of 3 with more than two players, where other boards have 4
    light: bool = False  # True: a large board; self-play and training use the light evaluation, and the ladder differs
    center: int = 1  # the centre cells lie so many steps around the middle (a 2x2 block has one, as has a 3x3)
    border_expands: bool = True  # the border of a claimed region spreads over diagonal markers
    thumbnail_pixels: tuple[int, ...] = (8, 6, 5, 4)  # of a cell, tried in this order until the picture is small enough
    game_bytes: int = 12 * KIB  # in a shard of its own, the dearest case, in whole disk blocks
    training_gb: tuple[float, float] = (0.8, 2.6)  # inputs and outputs, layers: of 6x64, a batch of 256, a full window

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*", self.name):
            raise InvalidInput("board.name", self.name, "use lower-case letters and digits, a letter first")
        if self.shape not in LEAST_SIZE:
            raise InvalidInput("board.shape", self.shape, f"use {' or '.join(LEAST_SIZE)}")
        if self.size < LEAST_SIZE[self.shape] or self.cells > MOST_CELLS:
            least = LEAST_SIZE[self.shape]
            raise InvalidInput("board.size", self.size, f"use {least} or more, and at most {MOST_CELLS} cells")
        if len(self.decision_caps) != 3:
            raise InvalidInput("board.decision_caps", self.decision_caps, "give one for 2, 3 and 4 players")

    @property
    def hexagonal(self) -> bool:
        """True for a hexagonal board."""
        return self.shape == "hexagonal"

    @property
    def cells(self) -> int:
        """Cells of the board."""
        return 3 * self.size * (self.size + 1) + 1 if self.hexagonal else self.size**2


BOARDS: dict[str, BoardSpec] = {}
"""Every board by its name. Its place here is its number in a state: a new one comes last."""


def register_board(spec: BoardSpec) -> None:
    """Add a board to this process. Raises InvalidInput if a name, title or short name of it is taken already.

    A board of the pipeline needs a row in this file, since the partitions of the graph are made on import; so does a
    board whose games are played by other processes.
    """
    for field in ("name", "title", "short"):
        if any(getattr(spec, field) == getattr(other, field) for other in BOARDS.values()):
            raise InvalidInput(f"board.{field}", getattr(spec, field), "another board has it")
    if {spec.name, spec.alias} & {other.alias for other in BOARDS.values() if other.alias} or spec.alias in BOARDS:
        raise InvalidInput("board.alias", (spec.name, spec.alias), "another board is read by this name")
    BOARDS[spec.name] = spec


def check_board(name: object) -> str:
    """Return `name` if it is a board; raise InvalidInput otherwise."""
    if not isinstance(name, str) or name not in BOARDS:
        raise InvalidInput("board", name, f"use one of {', '.join(BOARDS)}")
    return name


def board_name(number: int) -> str:
    """Name of the board with this number in a state (rules.state.BOARD)."""
    return tuple(BOARDS)[number]


for _row in (
    BoardSpec(
        name="square8",
        shape="square",
        size=8,
        rings=18,
        decision_caps=(600, 900, 1400),
        title="Square8",
        short="sq8",
        pipeline=True,
        short_lines=True,
        thumbnail_pixels=(12, 8),
        game_bytes=8 * KIB,
        training_gb=(0.1, 0.4),
    ),
    BoardSpec(
        name="square19",
        shape="square",
        size=19,
        rings=72,
        decision_caps=(2400, 3000, 3600),
        title="Square19",
        short="sq19",
        pipeline=True,
        light=True,
        thumbnail_pixels=(6, 5, 4),
        training_gb=(0.5, 2.6),
    ),
    BoardSpec(
        name="hexagonal",
        shape="hexagonal",
        size=12,
        rings=96,
        decision_caps=(3600, 4200, 4800),
        title="Hex",
        short="hex",
        alias="hex",
        pipeline=True,
        light=True,
        center=2,
        border_expands=False,
        thumbnail_pixels=(5, 4),
    ),
    BoardSpec(
        name="hex8",
        shape="hexagonal",
        size=4,
        rings=18,
        decision_caps=(600, 900, 1400),
        title="Hex8",
        short="hex8",
        short_lines=True,
        thumbnail_pixels=(12, 8),
        game_bytes=8 * KIB,
        training_gb=(0.1, 0.5),
    ),
):
    register_board(_row)
