"""Contents of the assets that play matches and rate the players."""

from typing import Any

from resources.store.contents.base import Content, Number
from resources.store.contents.profiles import GateVerdict
from ringrift import names
from ringrift.strict import Strict


class Entrant(Strict):
    """One player's seats, mean score in [0, 1] (None without games) and wins in a match."""

    key: str
    seats: int
    score: Number | None
    wins: int


class MatchStanding(Strict):
    """What the first entrant's score says in Elo, with the 95 % interval over blocks; None where it has no bound."""

    elo: Number
    low: Number | None
    high: Number | None


class MatchGate(Strict):
    """The sequential test of a match; without a verdict it has not ended."""

    params: dict[str, Number]
    verdict: GateVerdict | None
    evidence: str | None  # digest of the evidence


class Match(Strict):
    """One match, its first entrant the candidate where there is a gate."""

    match: str
    title: str
    kind: str
    job: str
    games: int
    capped: int
    whole: bool
    entrants: list[Entrant]
    openings: int
    gate: MatchGate | None
    standing: MatchStanding | None = None

    @property
    def verdict(self) -> GateVerdict | None:
        """The verdict of its gate; None without a gate and while it has not ended."""
        return self.gate.verdict if self.gate else None


class SkippedMatch(Strict):
    """A match that cannot be played."""

    match: str
    reason: str


class PlayerEntry(Strict):
    """A participant as it is stored (ringrift.players.participant), with its names for people."""

    name: str
    label: str | None = None
    participant: dict[str, Any]


class MatchesContent(Content):
    """The matches of an iteration and who played in them, by key."""

    ASSET = names.TOURNAMENT_GAMES
    games: int
    capped: int
    matches: list[Match]
    participants: dict[str, PlayerEntry]
    rejected: dict[str, int]
    skipped: list[SkippedMatch]
    thumbnail: str | None

    def match_of(self, kind: str) -> Match | None:
        """The first match of a kind, None where none was played."""
        return next((match for match in self.matches if match.kind == kind), None)


class Rating(Strict):
    """One participant's fitted rating with its 95 % interval, its likelihood to beat the next one, and its Elo."""

    key: str
    name: str
    rating: Number
    low: Number
    high: Number
    los: Number | None
    games: int
    elo: Number


class Seat(Strict):
    """The advantage of a seat in rating points."""

    seat: int
    advantage: Number
    stderr: Number


class RatingsContent(Content):
    """Ratings of everybody, best first."""

    ASSET = names.ELO_RATINGS
    ratings: list[Rating]
    participants: dict[str, PlayerEntry]
    seats: list[Seat]
    games: int
    games_now: int
    history_rows: int
    refused: dict[str, int]
    imbalance: int
    finite: bool
    small_plot: str

    def rows(self) -> list[dict[str, Any]]:
        """The ratings as rows of a table."""
        return [rating.model_dump() for rating in self.ratings]
