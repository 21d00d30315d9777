"""Contents of the assets that hold selfplay games and training sets."""

from pydantic import Field

from resources.store.contents.base import Content
from ringrift import names
from ringrift.strict import Strict


class SkippedJob(Strict):
    """A selfplay job whose engine is not available."""

    job: str
    engine: str
    reason: str


class SelfplayJob(Strict):
    """Counts of one selfplay job."""

    job: str
    planned: int
    games: int
    unique: int
    capped: int
    decisions: int


class SelfplayContent(Content):
    """Games planned and stored of an iteration, by job."""

    ASSET = names.SELFPLAY_GAMES
    planned: int
    games: int
    capped: int
    jobs: list[SelfplayJob]
    skipped: list[SkippedJob]


class TrainingContent(Content):
    """A training set: games read, verified and kept, and `taken`, the match games in it as [iteration, digest]."""

    ASSET = names.TRAINING_DB
    read: int
    verified: int
    games: int
    decisions: int
    rejected: dict[str, int]
    sources: dict[str, int]
    wins: dict[str, int]
    endings: dict[str, int]
    thumbnail: str | None
    taken: list[list[int | str]] = Field(default_factory=list)
