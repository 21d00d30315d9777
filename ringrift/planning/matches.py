"""The matches of an iteration: documented match-ups, the match for the next tier, and a round robin for ratings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, comb
from typing import Final, Literal, NamedTuple

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.entrants import Rated, field_of
from ringrift.planning.gate import gate_of
from ringrift.planning.incumbent import Incumbent
from ringrift.planning.jobs import match_job, match_terms, round_robin_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.players import (
    NotAvailable,
    anchor_search,
    candidate_player,
    current_player,
    player_named,
)
from ringrift.players import benchmarks
from ringrift.players.participant import Participant
from ringrift.specs.participants import Profiles
from ringrift.specs.train import TrainedNetwork
from ringrift.stats.evidence import Purpose
from ringrift.stats.pairing import choose_tables

MatchKind = Literal["matchup", "champion", "tier", "anchor", "round_robin"]
ROUND_ROBIN: Final = "round_robin"
ANCHOR: Final = "anchor"
CANDIDATE = "candidate"


class PlannedMatch(NamedTuple):
    """A match to play. `title` is its documented name, for example `Heuristic5_vs_MCTS6_Square8`."""

    spec: JobSpec
    kind: MatchKind
    title: str

    @property
    def purpose(self) -> Purpose | None:
        """What its gate decides, None for a match that decides nothing."""
        return self.kind if self.kind == "champion" or self.kind == "tier" else None


class SkippedMatch(NamedTuple):
    """A match that is not played, and why."""

    match: str
    reason: str


class MatchPlan(NamedTuple):
    matches: list[PlannedMatch]
    skipped: list[SkippedMatch]


class Candidate(NamedTuple):
    """A network that was trained in the iteration: its file, and its kind."""

    model: ModelFile
    network: TrainedNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchInputs:
    """What the matches of an iteration follow from, beside the pipeline.

    `candidate` is this iteration's network, or `no_candidate` says why there is none; `models` are all networks that
    may play on; `rated` are the newest ratings of earlier iterations, which choose the tables of the round robin;
    `profiles` are the weights of earlier trained profiles, by any name.
    """

    incumbent: Incumbent
    candidate: Candidate | None = None
    no_candidate: str = "there is no candidate"
    models: Sequence[ModelFile] = ()
    rated: Rated | None = None
    profiles: Profiles = field(default_factory=dict)
    salt: str = ""  # another one gives fresh jobs

    @property
    def all_profiles(self) -> Profiles:
        """The earlier profiles and the incumbent's."""
        return {**self.profiles, **self.incumbent.profiles}

    @property
    def networks(self) -> list[ModelFile]:
        """Every network that may play."""
        return [*self.models, *(entry.model for entry in (self.incumbent.champion, self.candidate) if entry)]


def plan_matches(pipeline: Pipeline, config: Config, iteration: int, inputs: MatchInputs) -> MatchPlan:
    """The matches of a config in an iteration, and those that cannot be played with the reason.

    Equal arguments give equal specs. Nobody plays in the place of an engine that is not there. Raises InvalidInput for
    a rung or tier that does not exist.
    """
    return _Planner(pipeline, config, iteration, inputs).plan()


class _Planner:
    """The plan of one partition, as it grows."""

    def __init__(self, pipeline: Pipeline, config: Config, iteration: int, inputs: MatchInputs) -> None:
        self.pipeline, self.config, self.inputs = pipeline, config, inputs
        self.profiles, self.champion = inputs.all_profiles, inputs.incumbent.player
        self.terms = match_terms(
            pipeline, config, iteration, profiles=self.profiles, models=inputs.networks, salt=inputs.salt
        )
        self.made = MatchPlan([], [])

    def plan(self) -> MatchPlan:
        self._matchups()
        if self.inputs.candidate:
            self._candidate_gate(self.inputs.candidate)
        else:
            self._skip(CANDIDATE, self.inputs.no_candidate)
        self._tier_gate()
        self._anchor()
        self._round_robin()
        return self.made

    def _skip(self, match: str, reason: str) -> None:
        self.made.skipped.append(SkippedMatch(match, reason))

    def _add(self, spec: JobSpec, kind: MatchKind, title: str) -> None:
        self.made.matches.append(PlannedMatch(spec, kind, title))

    def _current_player(self) -> Participant:
        profile = self.inputs.incumbent.profile
        return current_player(self.pipeline, self.config, profile, self.profiles, self.champion)

    def _candidate_player(self, candidate: Candidate) -> Participant:
        profile = self.inputs.incumbent.profile
        return candidate_player(
            self.pipeline, self.config, candidate.network, candidate.model.weights, profile, self.profiles
        )

    def _matchups(self) -> None:
        """The documented match-ups of the config."""
        taken: set[str] = set()
        for matchup in self.pipeline.evaluation.matchups:
            if matchup.config != self.config.key:
                continue
            name = base = f"{matchup.first}_vs_{matchup.second}"
            while name in taken:
                name = f"{base}_{sum(other.startswith(base) for other in taken) + 1}"
            taken.add(name)
            pair = (matchup.first, matchup.second)
            try:
                first, second = (player_named(text, self.config, self.profiles, self.champion) for text in pair)
            except NotAvailable as reason:
                self._skip(name, str(reason))
                continue
            blocks = ceil(matchup.games / self.config.players)
            self._add(
                match_job(self.terms, name, first, second, blocks=blocks), "matchup", title_of(*pair, self.config)
            )

    def _candidate_gate(self, candidate: Candidate) -> None:
        """The gate of the candidate: against the champion at equal CPU time a decision, else the reference search."""
        first, second = self._candidate_player(candidate), self._current_player()
        if first.key == second.key:
            self._skip(CANDIDATE, "the candidate is the champion, weight for weight; it needs no gate")
            return
        name = f"{CANDIDATE}_vs_champion" if self.champion else f"{CANDIDATE}_vs_reference"
        title = title_of("Candidate", "Champion" if self.champion else second.label, self.config)
        self._add(match_job(self.terms, name, first, second, gate=gate_of(self.pipeline)), "champion", title)

    def _tier_gate(self) -> None:
        """The gate of the current player for the next tier, if there is one."""
        tier = self.inputs.incumbent.tier
        above = next_tier(self.pipeline, tier)
        if above is None:
            self._skip(f"tier_{tier}", f"{tier} is the highest tier")
            return
        name, rival = f"tier_{tier}_to_{above}", f"B{above.removeprefix('D')}"
        if reason := benchmarks.unavailable(rival):
            self._skip(name, reason)
            return
        first, second = self._current_player(), benchmarks.benchmark(rival, self.config)
        spec = match_job(self.terms, name, first, second, gate=gate_of(self.pipeline))
        self._add(spec, "tier", title_of(first.label, rival, self.config))

    def _anchor(self) -> None:
        """The newest player against the frozen anchor, so that all iterations are told in one unit."""
        blocks, candidate = self.pipeline.evaluation.anchor_blocks, self.inputs.candidate
        if not blocks:
            self._skip(ANCHOR, "evaluation.anchor_blocks is 0")
            return
        first = self._candidate_player(candidate) if candidate else self._current_player()
        second = anchor_search(self.pipeline, self.config)
        if first.key == second.key:
            self._skip(ANCHOR, "the current player is the anchor itself")
            return
        title = title_of("Candidate" if candidate else first.label, "Anchor", self.config)
        self._add(match_job(self.terms, ANCHOR, first, second, blocks=blocks), ANCHOR, title)

    def _round_robin(self) -> None:
        """The tables that tell most of the entrants; as many as all sets of the pipeline's own players would be.

        Where nobody is rated yet all tables are alike, and each set meets `blocks` times.
        """
        named, wanted, players = [], self.pipeline.evaluation.round_robin, self.config.players
        for text in wanted.players:
            try:
                named.append(player_named(text, self.config, self.profiles, self.champion))
            except NotAvailable as reason:
                self._skip(f"{ROUND_ROBIN} with {text}", str(reason))
        if len(named) < players:
            self._skip(ROUND_ROBIN, f"{len(named)} of its players are available")
            return
        entered = field_of(named, self.inputs.rated, self.profiles, {model.weights for model in self.terms.models})
        for name, why in entered.left_out.items():
            self._skip(f"{ROUND_ROBIN} with {name}", why)
        count = comb(len(named), players) * wanted.blocks
        tables = choose_tables(entered.ratings, entered.covariance, players=players, count=count)
        spec = round_robin_job(self.terms, ROUND_ROBIN, entered.entrants, tables)
        self._add(spec, "round_robin", f"RoundRobin_{_board_title(self.config)}")


def next_tier(pipeline: Pipeline, tier: str) -> str | None:
    """The tier above, None at the top. Raises InvalidInput for a tier that is not on the ladder."""
    ladder = [str(step) for step in pipeline.tiers.ladder]
    if tier not in ladder:
        raise InvalidInput("tier", tier, f"the pipeline's ladder is {', '.join(ladder)}")
    return next(iter(ladder[ladder.index(tier) + 1 :]), None)


def title_of(first: str, second: str, config: Config) -> str:
    """Documented name of a match, for example `Heuristic5_vs_MCTS6_Square8`; more seats are named at the end."""
    return f"{first.replace('_D', '')}_vs_{second.replace('_D', '')}_{_board_title(config)}"


def _board_title(config: Config) -> str:
    seats = "" if config.players == 2 else f"_{config.players}p"
    return BOARDS[config.board].title + seats
