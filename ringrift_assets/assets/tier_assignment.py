"""The verdicts of an iteration: which profile, champion and tier are in force in the next one."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import Row, content_of
from resources.store.contents.matches import MatchesContent, RatingsContent
from resources.store.contents.models import TrainingOutcome
from resources.store.contents.profiles import IncumbentContent, ProfileContent
from resources.store.contents.verdicts import Verdict, Verdicts, VerdictsContent
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift import names
from ringrift.files import write_json
from ringrift_assets.steps.checks import EVIDENCE_HOLDS, ONE_STEP, partitioned_spec, result
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import OWNERS, StepOutput, StoredPartition, materialize_partition, step_errors
from ringrift_assets.steps.proofs import evidence_problems
from ringrift_assets.steps.verdicts import champion_verdict, profile_verdict, tier_verdict


class VerdictPlan(NamedTuple):
    """The step's inputs and the records they were taken from."""

    inputs: dict[str, Any]
    incumbent: Record
    profile: Record
    matches: Record
    ratings: Record
    model: Record


@dg.asset(
    deps=[names.ELO_RATINGS, names.HEURISTIC_PROFILES, names.TOURNAMENT_GAMES],
    partitions_def=PARTITIONS,
    group_name="tiers",
    kinds={"json"},
    owners=OWNERS,
    code_version="verdicts-4",
    check_specs=[
        partitioned_spec(
            names.TIER_ASSIGNMENT, EVIDENCE_HOLDS, "The verdict follows from the games in its evidence.", blocking=True
        ),
        partitioned_spec(
            names.TIER_ASSIGNMENT, ONE_STEP, "The tier did not fall and rose by one step at most.", blocking=True
        ),
    ],
)
def tier_assignment(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """Verdicts of the iteration: heuristic profile, champion and tier from the next iteration on.

    The tier rises by one step when the current player passes the gate against the frozen benchmark of the next tier: a
    sequential test on blocks of rotated seats, plus the documented floor of 55 % over 10 games. The evidence is stored,
    so anyone can recompute the verdict (`ringrift gate verify`). A tier never falls. The candidate, a player
    with this iteration's network, becomes champion when it passes the gate against the champion at equal CPU time, or
    against the reference search while there is none. The
    profile is the one that heuristic_profiles proved at a gate against the previous profile.
    """
    with step_errors():
        store = runtime.store
        plan = plan_verdicts(runtime, *partition_of(context))
        ladder, tiers = plan.inputs["ladder"], runtime.pipeline.tiers

        def make(folder: Path, _: Record | None) -> StepOutput:
            incumbent = content_of(plan.incumbent, IncumbentContent)
            profile = content_of(plan.profile, ProfileContent)
            matches = content_of(plan.matches, MatchesContent)
            ratings = content_of(plan.ratings, RatingsContent)
            tier = tier_verdict(incumbent.tier, matches, ratings, ladder, (tiers.win_rate, tiers.min_games))
            champion = champion_verdict(incumbent, profile, matches, content_of(plan.model, TrainingOutcome))
            verdicts = Verdicts(profile=profile_verdict(incumbent, profile), champion=champion, tier=tier)
            content = VerdictsContent(
                champion=champion.now,
                champion_weights=champion.weights,
                champion_player=champion.player,
                champion_profile=champion.profile_weights,
                tier=tier.now,
                profile=profile.profile,
                profile_hash=profile.profile_hash,
                profile_weights=profile.profile_weights,
                verdicts=verdicts,
            )
            for verdict, record in ((tier, plan.matches), (champion, plan.matches)):
                if evidence := verdict.evidence:
                    shutil.copyfile(store.path(record, names.gate_file(evidence.match)), folder / evidence.file)
            if verdicts.profile.evidence:
                shutil.copyfile(store.path(plan.profile, names.PROFILE_EVIDENCE), folder / names.PROFILE_EVIDENCE)
            data = content.to_json()
            write_json(folder / names.VERDICTS_FILE, data)
            return StepOutput(1, digest_of(data), content)

        stored = materialize_partition(context, runtime, plan.inputs, make)
        return result_of(stored, _metadata(runtime, stored), _checks(runtime, stored, ladder))


def plan_verdicts(runtime: Runtime, key: str, iteration: int) -> VerdictPlan:
    """What the verdicts of an iteration follow from."""
    incumbent, profile, matches, ratings, model = (
        runtime.store.need(asset, key, iteration)
        for asset in (
            names.INCUMBENT,
            names.HEURISTIC_PROFILES,
            names.TOURNAMENT_GAMES,
            names.ELO_RATINGS,
            names.TRAINED_MODEL,
        )
    )
    tiers, played = runtime.pipeline.tiers, content_of(matches, MatchesContent).to_json()
    inputs = {
        "force": incumbent.content_digest,
        "profile": profile.content_digest,
        "matches": digest_of(played["matches"]),
        "skipped": digest_of(played["skipped"]),
        "ratings": ratings.content_digest,
        "model": model.content_digest,
        "ladder": list(tiers.ladder),
        "floor": [tiers.win_rate, tiers.min_games],
    }
    return VerdictPlan(inputs, incumbent, profile, matches, ratings, model)


def verdict_rows(verdicts: Verdicts) -> list[Row]:
    """One row of text a verdict, for tables: what was in force, what is now, and why."""
    named: dict[str, Verdict] = {"tier": verdicts.tier, "champion": verdicts.champion, "profile": verdicts.profile}
    return [
        {
            "verdict": name,
            "before": verdict.before or "none",
            "now": verdict.now or "none",
            "reason": verdict.reason or "none",
        }
        for name, verdict in named.items()
    ]


def _metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    content = content_of(stored.record, VerdictsContent)
    tier = content.verdicts.tier
    shown: dict[str, Any] = {"verdicts": table(verdict_rows(content.verdicts)), "tier": content.tier}
    if evidence := tier.evidence:
        shown |= {
            "outcome": evidence.outcome,
            "llr": evidence.llr,
            "blocks": evidence.blocks,
            "score": tier.floor and tier.floor.score,
            "evidence": dg.MetadataValue.path(str(runtime.store.path(stored.record, evidence.file))),
        }
    return {**shown, **partition_metadata(runtime, stored)}


def _checks(runtime: Runtime, stored: StoredPartition, ladder: Sequence[str]) -> list[dg.AssetCheckResult]:
    verdicts = content_of(stored.record, VerdictsContent).verdicts
    tier = verdicts.tier
    problems = [
        problem
        for verdict in (verdicts.profile, verdicts.champion, tier)
        for problem in _evidence_problems(runtime, stored.record, verdict)
    ]
    step = ladder.index(tier.now) - ladder.index(tier.before)
    remedy = f"Materialize heuristic_profiles, tournament_games and {names.TIER_ASSIGNMENT} again"
    return [
        result(
            EVIDENCE_HOLDS,
            not problems,
            f"{'; '.join(problems)}. {remedy}",
            numbers={"problems": len(problems)},
        ),
        result(ONE_STEP, step in (0, 1), f"the tier went from {tier.before} to {tier.now}"),
    ]


def _evidence_problems(runtime: Runtime, record: Record, verdict: Verdict) -> list[str]:
    """What is wrong with the evidence of a verdict; nothing where there was no match to judge."""
    found = verdict.evidence
    if found is None:
        return ["something changed without evidence"] if verdict.promoted else []
    return evidence_problems(
        runtime.store.path(record, found.file),
        found.digest,
        promoted=verdict.promoted,
        candidate=found.candidate,
        opponent=found.opponent,
        kind=found.kind,
    )
