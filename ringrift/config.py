"""A config is a board and a number of players; its key `{board}_{n}p` names partitions, pools and folders."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from ringrift.boards import BOARDS, check_board
from ringrift.errors import InvalidInput

PLAYER_COUNTS = (2, 3, 4)
CONFIG_KEYS = tuple(f"{board}_{n}p" for board, spec in BOARDS.items() if spec.pipeline for n in PLAYER_COUNTS)
"""The nine configs of the pipeline. Those of the other boards are for tests and small experiments."""


@dataclass(frozen=True, slots=True)
class Config:
    """A board (one of boards.BOARDS) and 2 to 4 players. Raises InvalidInput otherwise."""

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
        return BOARDS[self.board].decision_caps[self.players - 2]

    def options(self) -> dict[str, int | bool]:
        """Options of a standard game: the numbers the rules need, canonical values."""
        spec = BOARDS[self.board]
        return {
            "swap_rule": False,
            "rings_per_player": spec.rings,
            "line_length": 3 if spec.short_lines and self.players > 2 else 4,
            "victory_threshold": round(spec.rings * (2 / 3 + (self.players - 1) / 3)),
            "territory_minimum": spec.cells // self.players + 1,
            "lps_rounds": 3,
            "recovery_stack_strike": True,
        }


def other_config_keys() -> tuple[str, ...]:
    """Keys of the configs outside the pipeline: `hex8_2p` and so on."""
    keys = (f"{board}_{n}p" for board in BOARDS for n in PLAYER_COUNTS)
    return tuple(key for key in keys if key not in CONFIG_KEYS)


def parse_config(key: object) -> Config:
    """Config of a key; `hex_2p` is read as `hexagonal_2p`. Raises InvalidInput naming the nine keys."""
    board, _, count = key.rpartition("_") if isinstance(key, str) else ("", "", "")
    board = next((name for name, spec in BOARDS.items() if board == spec.alias), board)
    if board not in BOARDS or count not in ("2p", "3p", "4p"):
        raise InvalidInput("config", key, f"use one of {', '.join(CONFIG_KEYS)} (or {', '.join(other_config_keys())})")
    return Config(board, int(count[0]))


Positive = Annotated[int, Field(ge=1)]


def _config_key(value: object) -> str:
    return parse_config(value).key


ConfigKey = Annotated[str, BeforeValidator(_config_key)]
