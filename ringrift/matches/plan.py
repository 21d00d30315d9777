"""What a job plays: its games, each a seed and a participant per seat."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ringrift.config import Config
from ringrift.jobs.inputs import ModelFile
from ringrift.players.participant import Participant

Rankings = Mapping[int, Sequence[int] | None]  # game index to final ranks, None for a capped game


class PlannedGame(NamedTuple):
    """One game to come: its seed number, who sits where, and the keys of its streams below the seed.

    Games of equal seed and `opening_key` open alike; `key` tells their other streams apart.
    """

    seed: int
    seats: list[Participant]
    key: tuple[str | int, ...] = ()
    opening_key: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GamePlan:
    """The games of one job. `game` says what game an index is, a pure function.

    `indices` are all games it may play, in order. `order`, where given, yields the indices really wanted: it may
    look at the rankings of the games before, which are entered as they finish, and stop early.
    """

    config: Config
    iteration: int
    source: str
    job: str
    options: dict[str, int | bool]
    opening_plies: int
    decision_cap: int | None  # None: the config's own, which is also the most
    profiles: Mapping[str, Mapping[str, float]]
    participants: Sequence[Participant]
    indices: Sequence[int]
    game: Callable[[int], PlannedGame]
    order: Callable[[Rankings], Iterator[int]] | None = None
    models: Sequence[ModelFile] = field(default_factory=list)


@lru_cache(maxsize=1024)
def participant_name(player: Participant) -> str:
    """How rows name a participant: label and key, for example `Heuristic_D5#0123456789abcdef`."""
    return f"{player.label}#{player.key}"
