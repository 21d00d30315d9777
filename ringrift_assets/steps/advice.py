"""Where the next hour is best spent: a few rules over what an iteration has recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from resources.store.contents.base import content_of
from resources.store.contents.matches import Match, MatchesContent, MatchStanding
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.operations import Advice
from resources.store.contents.profiles import ProfileContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.store import Store
from resources.views.text import elo_text
from ringrift import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules look at, of one iteration.

    `gate` is the candidate's, None without one. `lesson` is what the training came to. `played` selfplay games took
    `played_cpu_s` CPU seconds.
    """

    promoted: bool
    new_profile: bool
    gate: Match | None
    lesson: TrainingOutcome
    played: int
    played_cpu_s: float

    @property
    def games(self) -> str:
        """As many games as networks learn from now, or what the first one lacks, and what they would cost."""
        lesson = self.lesson
        if isinstance(lesson, ModelContent):
            count, why = int(lesson.window["games"]), "as many again as networks learn from now"
        else:
            count, why = lesson.need - lesson.have, "what the first network lacks"
        if not self.played:
            return f"about {count:,} games, {why}; what a game costs was not measured"
        each = self.played_cpu_s / self.played
        minutes = max(1, round(count * each / 60))
        return f"about {count:,} games, {why}; at {each:.2g} CPU s a game some {minutes:,} core-minutes"

    @property
    def still_learning(self) -> bool:
        """Whether the best epoch was the last that the training allows."""
        lesson = self.lesson
        return isinstance(lesson, ModelContent) and lesson.best_epoch >= lesson.parameters["epochs"]

    @property
    def gate_too_short(self) -> bool:
        """Whether the gate has not ended, or ended undecided and tells Elo less finely than the step it asks about."""
        if self.gate is None or self.gate.gate is None:
            return False
        verdict, asked = self.gate.verdict, self.gate.gate.params
        if verdict is None:
            return True
        low, high = verdict.elo_interval
        return verdict.outcome == "inconclusive" and (high - low) / 2 > asked["elo1"] - asked["elo0"]

    def texts(self) -> list[str]:
        """The facts in words."""
        return [
            self._gate_text(),
            f"profile: {'a new one was promoted' if self.new_profile else 'unchanged'}",
            self._training_text(),
            f"selfplay: {self.played:,} games took {self.played_cpu_s:,.0f} CPU s",
        ]

    def _gate_text(self) -> str:
        if self.gate is None:
            return "gate: no candidate has played one"
        if (verdict := self.gate.verdict) is None:
            return f"gate {self.gate.match}: not ended"
        low, high = verdict.elo_interval
        elo = elo_text(MatchStanding(elo=verdict.elo, low=low, high=high))
        return f"gate {self.gate.match}: {verdict.outcome} after {verdict.blocks} blocks, Elo {elo}"

    def _training_text(self) -> str:
        lesson = self.lesson
        if not isinstance(lesson, ModelContent):
            return f"training: none, {lesson.have:,} of {lesson.need:,} games are there"
        run, most = round(lesson.history[-1]["epoch"]), lesson.parameters["epochs"]
        epochs = f"the best epoch was {lesson.best_epoch} of {run}, {most} are allowed"
        return f"training: {lesson.window['games']:,} games; {epochs}"


def facts_of(store: Store, config: str, iteration: int) -> Facts:
    """The facts of an iteration. Raises MissingInput where a partition that it needs is not in the store."""
    assets = (names.SELFPLAY_GAMES, names.TRAINED_MODEL, names.HEURISTIC_PROFILES, names.TOURNAMENT_GAMES)
    games, model, profile, matches = (store.need(asset, config, iteration) for asset in assets)
    verdicts = content_of(store.need(names.TIER_ASSIGNMENT, config, iteration), VerdictsContent).verdicts
    return Facts(
        promoted=verdicts.champion.promoted,
        new_profile=content_of(profile, ProfileContent).promoted,
        gate=content_of(matches, MatchesContent).match_of("champion"),
        lesson=content_of(model, TrainingOutcome),
        played=games.provenance.get("played", 0),
        played_cpu_s=games.provenance.get("cpu_s", 0.0),
    )


class Rule(NamedTuple):
    """What to do where something holds."""

    condition: str
    holds: Callable[[Facts], bool]
    sentence: Callable[[Facts], str]


RULES = (
    Rule(
        "the candidate was promoted",
        lambda facts: facts.promoted,
        lambda facts: f"Play games of the new champion: {facts.games}.",
    ),
    Rule(
        "a new profile was promoted",
        lambda facts: facts.new_profile,
        lambda facts: f"Play games with the new profile: {facts.games}.",
    ),
    Rule(
        "the best epoch was the last that the training allows",
        lambda facts: facts.still_learning,
        lambda facts: "Train longer (raise max_row_uses): the held-out loss was still falling at the end.",
    ),
    Rule(
        "the gate has not ended, or ended undecided with half its interval wider than the step it asks about",
        lambda facts: facts.gate_too_short,
        lambda facts: (
            "Play longer gates (raise gate.max_blocks; one that ran out of time goes on when tournament_games is "
            "materialized again): this one cannot tell a better candidate from an equal one."
        ),
    ),
    Rule(
        "no other rule holds",
        lambda facts: True,
        lambda facts: f"Play more games, since with hardly more a network is about the same: {facts.games}.",
    ),
)
"""In their order; the first that holds is the advice."""


def advise(facts: Facts) -> Advice:
    """Where the next hour is best spent, by the first of RULES that holds."""
    rule = next(rule for rule in RULES if rule.holds(facts))
    return Advice(rule=rule.condition, sentence=rule.sentence(facts), facts=facts.texts())
