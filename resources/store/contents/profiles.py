"""Contents about heuristic profiles: the incumbent, the search for a better one, and what came of it."""

from collections.abc import Mapping
from typing import Any

from resources.store.contents.base import Content, Number, Row
from ringrift import names
from ringrift.errors import InvalidInput
from ringrift.strict import Strict, parse

ProfileWeights = dict[str, Number]


class ChampionRef(Strict):
    """A champion: name and weights hash of its network, the player (Participant.to_dict), weights of its profile."""

    model_id: str
    weights_hash: str
    player: dict[str, Any]
    profile_weights: ProfileWeights | None


class IncumbentContent(Content):
    """What is current when an iteration starts; all of `champion` is None before the first one."""

    ASSET = names.INCUMBENT
    champion: str | None
    champion_weights: str | None = None
    champion_player: dict[str, Any] | None = None
    champion_profile: ProfileWeights | None = None
    profile: str
    profile_hash: str
    profile_weights: ProfileWeights
    tier: str

    @property
    def champion_ref(self) -> ChampionRef | None:
        """The champion, None where there is none."""
        if self.champion is None or self.champion_weights is None:
            return None
        if self.champion_player is None:
            raise InvalidInput(
                "champion_player",
                None,
                f"materialize {names.TIER_ASSIGNMENT} of its iteration again",
                problem=f"the store does not say what player {self.champion} is",
            )
        return ChampionRef(
            model_id=self.champion,
            weights_hash=self.champion_weights,
            player=self.champion_player,
            profile_weights=self.champion_profile,
        )


class Fitness(Strict):
    """Score in [0, 1] with its 95 % interval, from so many games."""

    score: Number
    low: Number
    high: Number
    games: int


class CandidateEntry(Strict):
    """A candidate profile: mean, best, consensus or import; `hash` is of its weights."""

    kind: str
    replica: int | None
    hash: str
    fitness: Fitness | None


class Candidate(CandidateEntry):
    """A candidate with its weights."""

    weights: ProfileWeights


def new_candidate(candidate: Mapping[str, Any]) -> Candidate:
    """A candidate as searches and import files give it. Raises InvalidInput for another form."""
    fields = {name: candidate[name] for name in Candidate.model_fields}
    return parse(Candidate, fields, f"candidate {candidate['hash']}")


class GateVerdict(Strict):
    """What a sequential test says."""

    outcome: str
    blocks: int
    mean: Number
    stderr: Number
    llr: Number
    elo: Number
    elo_interval: list[Number]

    @property
    def promoted(self) -> bool:
        """Whether the candidate passed."""
        return self.outcome == "promoted"


class Proof(CandidateEntry):
    """The gate of a candidate profile: its evidence is `file`, with this digest."""

    match: str
    file: str
    games: int
    verdict: GateVerdict
    digest: str


class ProfileRef(Strict):
    """A profile by name and hash of its weights."""

    profile: str
    hash: str


class SearchCounts(Strict):
    """One CMA-ES search in numbers."""

    generations: int
    games: int
    capped: int


class SearchContent(Content):
    """The searches of an iteration, their candidates and proofs, and the proposal that was proved, or None."""

    ASSET = names.CMAES_PROFILE
    incumbent: ProfileRef
    proposal: Candidate | None
    candidates: list[CandidateEntry]
    proofs: list[Proof]
    searches: list[SearchCounts]
    histories: list[list[dict[str, Number | None]]]
    changed: list[Row]
    rejected: dict[str, int]
    proof_games: int
    digests: dict[str, Any]


class ProfileContent(Content):
    """The profile in force after an iteration's search; `proof` is the gate it passed against the profile `over`."""

    ASSET = names.HEURISTIC_PROFILES
    profile: str
    profile_hash: str
    profile_weights: ProfileWeights
    source: str
    fitness: Fitness | None
    proof: Proof | None
    over: str | None
    before: ProfileRef
    promoted: bool
    proofs: list[Proof]
    metadata: dict[str, dict[str, Any]]
