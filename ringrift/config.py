"""A config is a board and a number of players; its key `{board}_{n}p` names partitions, pools and folders."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from ringrift.boards import BOARDS, RINGS_PER_PLAYER, cell_count, check_board
from ringrift.errors import InvalidInput

PLAYER_COUNTS = (2, 3, 4)
PIPELINE_BOARDS = ("square8", "square19", "hexagonal")
CONFIG_KEYS = tuple(f"{board}_{n}p" for board in PIPELINE_BOARDS for n in PLAYER_COUNTS)
"""The nine configs of the pipeline. `hex8_{n}p` exists beside them for tests and small experiments."""

# Moves a host plays before it stops a game without a winner (decisions, by 2, 3, 4 players).
DECISION_CAPS = {
    "square8": (600, 900, 1400),
    "hex8": (600, 900, 1400),
    "square19": (2400, 3000, 3600),
    "hexagonal": (3600, 4200, 4800),
}


@dataclass(frozen=True, slots=True)
class Config:
    """A board (one of geometry.BOARDS) and 2 to 4 players. Raises InvalidInput otherwise."""

    board: str
    players: int

    def __post_init__(self) -> None:
        check_board(self.board)
        if self.players not in PLAYER_COUNTS or isinstance(self.players, bool):
            raise InvalidInput("players", self.players, "use 2, 3 or 4")

    @property
    def key(self) -> str:
        """Text form, for example `square8_2p`."""
        return f"{self.board}_{self.players}p"

    @property
    def decision_cap(self) -> int:
        """Decisions after which a game is stopped and recorded as capped, without a winner."""
        return DECISION_CAPS[self.board][self.players - 2]

    def options(self) -> dict[str, int | bool]:
        """Options of a standard game: the numbers the rules need, canonical values."""
        rings = RINGS_PER_PLAYER[self.board]
        short_lines = self.board in ("square8", "hex8") and self.players > 2
        return {
            "swap_rule": False,
            "rings_per_player": rings,
            "line_length": 3 if short_lines else 4,
            "victory_threshold": round(rings * (2 / 3 + (self.players - 1) / 3)),
            "territory_minimum": cell_count(self.board) // self.players + 1,
            "lps_rounds": 3,
            "recovery_stack_strike": True,
        }


def parse_config(key: object) -> Config:
    """Config of a key; `hex_2p` is read as `hexagonal_2p`. Raises InvalidInput naming the nine keys."""
    board, _, count = key.rpartition("_") if isinstance(key, str) else ("", "", "")
    board = "hexagonal" if board == "hex" else board
    if board not in BOARDS or count not in ("2p", "3p", "4p"):
        raise InvalidInput("config", key, f"use one of {', '.join(CONFIG_KEYS)} (or hex8_2p, hex8_3p, hex8_4p)")
    return Config(board, int(count[0]))


Positive = Annotated[int, Field(ge=1)]


def _config_key(value: object) -> str:
    return parse_config(value).key


ConfigKey = Annotated[str, BeforeValidator(_config_key)]
