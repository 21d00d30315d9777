"""The three verdicts of an iteration: what its matches and searches say of champion, profile and tier."""

from collections.abc import Sequence
from typing import Any

from resources.store.contents.matches import Match, MatchesContent, RatingsContent
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.profiles import GateVerdict, IncumbentContent, ProfileContent
from resources.store.contents.verdicts import ChampionVerdict, Evidence, Floor, TierPlayer, TierVerdict, Verdict
from ringrift import names
from ringrift.players.benchmarks import BENCHMARKS_VERSION


def _unchanged(value: str | None, reason: str) -> dict[str, Any]:
    return {"before": value, "now": value, "promoted": False, "reason": reason, "evidence": None}


def champion_verdict(
    incumbent: IncumbentContent, profile: ProfileContent, matches: MatchesContent, model: TrainingOutcome
) -> ChampionVerdict:
    """The verdict on the champion, from the gate of this iteration's candidate, who plays with the new `profile`."""
    before, weights = incumbent.champion, incumbent.champion_weights
    same: dict[str, Any] = {"player": incumbent.champion_player, "profile_weights": incumbent.champion_profile}
    match = matches.match_of("champion")
    if match is None:
        skipped = {entry.match: entry.reason for entry in matches.skipped}
        reason = skipped.get("candidate", "no candidate was planned")
        return ChampionVerdict(**_unchanged(before, reason), weights=weights, **same)
    verdict, score = match.verdict, match.entrants[0].score
    if verdict is None or score is None:
        return ChampionVerdict(**_unchanged(before, _not_ended(match)), weights=weights, **same)
    assert isinstance(model, ModelContent)  # it has played
    player = matches.participants[match.entrants[0].key].participant
    new: dict[str, Any] = {
        "player": player,
        "profile_weights": profile.profile_weights if player.get("profile") else None,
    }
    return ChampionVerdict(
        before=before,
        now=model.model_id if verdict.promoted else before,
        weights=model.weights if verdict.promoted else weights,
        **(new if verdict.promoted else same),
        promoted=verdict.promoted,
        reason=f"{match.match}: {verdict.outcome} after {verdict.blocks} blocks, score {score:.1%}",
        evidence=Evidence(
            file=names.CHAMPION_EVIDENCE,
            digest=_digest(match),
            match=match.match,
            kind="model",
            candidate=model.weights,
            opponent=weights,
            **_found(verdict),
        ),
    )


def profile_verdict(incumbent: IncumbentContent, profile: ProfileContent) -> Verdict:
    """The verdict on the heuristic profile, from the proof of this iteration's search or import."""
    before = f"{incumbent.profile}#{incumbent.profile_hash[:8]}"
    proof = profile.proof
    if proof is None:
        return Verdict(**_unchanged(before, "no candidate was proved better"))
    verdict = proof.verdict
    return Verdict(
        before=before,
        now=f"{profile.profile}#{profile.profile_hash[:8]}",
        promoted=True,
        reason=f"{proof.match}: promoted after {verdict.blocks} blocks, score {verdict.mean:.1%}",
        evidence=Evidence(
            file=names.PROFILE_EVIDENCE,
            digest=proof.digest,
            match=proof.match,
            candidate=profile.profile_hash,
            opponent=profile.over,
            **_found(verdict),
        ),
    )


def tier_verdict(
    tier: str, matches: MatchesContent, ratings: RatingsContent, ladder: Sequence[str], floor: tuple[float, int]
) -> TierVerdict:
    """The verdict on the tier, from the gate of this iteration's tier match."""
    match = matches.match_of("tier")
    if match is None:
        skipped = (entry.reason for entry in matches.skipped if entry.match.startswith("tier_"))
        return TierVerdict(**_unchanged(tier, next(skipped, "no tier match was planned")))
    verdict, score = match.verdict, match.entrants[0].score
    if verdict is None or score is None:
        return TierVerdict(**_unchanged(tier, _not_ended(match)))
    rated = {row.key: row.model_dump() for row in ratings.ratings}
    players = [
        {"name": matches.participants[entrant.key].name, **rated.get(entrant.key, {"key": entrant.key})}
        for entrant in match.entrants
    ]
    return TierVerdict(
        before=tier,
        now=ladder[ladder.index(tier) + 1] if verdict.promoted else tier,
        promoted=verdict.promoted,
        reason=f"{match.match}: {verdict.outcome} after {verdict.blocks} blocks, score {score:.1%}",
        floor=Floor(score=score, games=match.games, met=score >= floor[0] and match.games >= floor[1]),
        players=[TierPlayer(**player) for player in players],
        evidence=Evidence(
            file=names.TIER_EVIDENCE,
            digest=_digest(match),
            match=match.match,
            benchmarks=BENCHMARKS_VERSION,
            **_found(verdict),
        ),
    )


def _not_ended(match: Match) -> str:
    return f"the match {match.match} has not ended; materialize {names.TOURNAMENT_GAMES} again"


def _digest(match: Match) -> str:
    assert match.gate and match.gate.evidence  # it has a verdict
    return match.gate.evidence


def _found(verdict: GateVerdict) -> dict[str, Any]:
    """What an evidence repeats of a verdict."""
    return verdict.model_dump(include={"outcome", "llr", "blocks", "elo", "elo_interval"})
