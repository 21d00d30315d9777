"""Parameters of a rating round robin job."""

from typing import ClassVar

from pydantic import Field, model_validator

from ringrift import names
from ringrift.config import ConfigKey, parse_config
from ringrift.players.participant import Participant
from ringrift.specs.match import DEFAULT_OPENING_PLIES
from ringrift.specs.openings import DRAWS, SPREAD
from ringrift.specs.params import PlayParams
from ringrift.specs.participants import ParticipantDict


class RoundRobinParams(PlayParams):
    """`tables` hold indices of `entrants`, and every entrant sits at one of them at least."""

    kind: ClassVar[str] = "round_robin"
    config: ConfigKey
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    match: str = Field(pattern=r"^[A-Za-z0-9_]+$", max_length=60)
    entrants: list[ParticipantDict]
    tables: list[list[int]] = Field(min_length=1, max_length=10_000)
    games: int = Field(ge=0)  # follows from the others; here so that whoever follows the job knows the total
    root_seed: int = Field(ge=0, lt=2**63)
    opening_plies: int = Field(default=DEFAULT_OPENING_PLIES, ge=0, le=6)
    opening_draws: int = Field(default=DRAWS, ge=1, le=1000)
    opening_spread: float = Field(default=SPREAD, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> "RoundRobinParams":
        config, keys = parse_config(self.config), {Participant.from_dict(e).key for e in self.entrants}
        if len(keys) != len(self.entrants) or len(keys) < config.players:
            raise ValueError(f"{self.config} needs at least {config.players} different entrants")
        for table in self.tables:
            if len(table) != config.players or len(set(table)) != len(table):
                raise ValueError(f"a table of {self.config} is {config.players} different entrants, not {table}")
        if {entrant for table in self.tables for entrant in table} != set(range(len(self.entrants))):
            raise ValueError(f"the tables name entrants from 0 to {len(self.entrants) - 1}, each of them once at least")
        if self.games != len(self.tables) * config.players:
            raise ValueError(f"games is {len(self.tables) * config.players} for these tables")
        return self

    def planned_games(self) -> int:
        """Those of all tables."""
        return self.games
