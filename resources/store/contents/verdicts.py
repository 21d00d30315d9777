"""Content of the asset that decides champion, profile and tier."""

from typing import Any, Literal

from pydantic import Field

from resources.store.contents.base import Number
from resources.store.contents.profiles import IncumbentContent, ProfileWeights
from ringrift import names
from ringrift.strict import Strict


class Evidence(Strict):
    """Where the evidence of a verdict is, and what it says; `candidate` and `opponent` are hashes of what played."""

    file: str
    digest: str
    match: str
    kind: Literal["model", "profile"] = "profile"
    candidate: str | None = None
    opponent: str | None = None
    benchmarks: int | None = None
    outcome: str
    llr: Number
    blocks: int
    elo: Number
    elo_interval: list[Number]


class Verdict(Strict):
    """What was current before, what is now, and why."""

    before: str | None
    now: str | None
    promoted: bool
    reason: str
    evidence: Evidence | None


class ChampionVerdict(Verdict):
    """`weights` are the hash of those of `now`, `player` is what it plays as (Participant.to_dict)."""

    weights: str | None = None
    player: dict[str, Any] | None = None
    profile_weights: ProfileWeights | None = None


class Floor(Strict):
    """The documented floor: a score in so many games."""

    score: Number
    games: int
    met: bool


class TierPlayer(Strict):
    """A player of the tier match; unrated it has a key and a name only."""

    key: str
    name: str
    rating: Number | None = None
    low: Number | None = None
    high: Number | None = None
    los: Number | None = None
    games: int | None = None
    elo: Number | None = None


class TierVerdict(Verdict):
    """The verdict on the tier; without a match it has no floor and no players."""

    before: str
    now: str
    floor: Floor | None = None
    players: list[TierPlayer] = Field(default_factory=list)


class Verdicts(Strict):
    """The three verdicts of an iteration."""

    profile: Verdict
    champion: ChampionVerdict
    tier: TierVerdict


class VerdictsContent(IncumbentContent):
    """What is current from the next iteration on, and why."""

    ASSET = names.TIER_ASSIGNMENT
    verdicts: Verdicts
