"""The verdicts of an iteration: which profile, champion and tier are in force in the next one."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift.files import write_json
from ringrift_assets.steps.checks import EVIDENCE_HOLDS, ONE_STEP, partitioned_spec, result
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import OWNERS, StepOutput, StoredPartition, materialize_partition, step_errors
from ringrift_assets.steps.proofs import evidence_problems

ASSET = "tier_assignment"
FILE, EVIDENCE, PROFILE_EVIDENCE = "verdicts.json", "tier_evidence.json", "profile_evidence.json"
CHAMPION_EVIDENCE = "champion_evidence.json"


class VerdictPlan(NamedTuple):
    """The step's inputs and the records they were taken from."""

    inputs: dict[str, Any]
    force: Record
    tuned: Record
    matches: Record
    ratings: Record
    model: Record


@dg.asset(
    deps=["elo_ratings", "heuristic_profiles", "tournament_games"],
    partitions_def=PARTITIONS,
    group_name="tiers",
    kinds={"json"},
    owners=OWNERS,
    code_version="verdicts-3",
    check_specs=[
        partitioned_spec(ASSET, EVIDENCE_HOLDS, "The verdict follows from the games in its evidence.", blocking=True),
        partitioned_spec(ASSET, ONE_STEP, "The tier did not fall and rose by one step at most.", blocking=True),
    ],
)
def tier_assignment(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """What this iteration has proved: the heuristic profile, the champion and the tier that hold from now on.

    The tier rises by one step when the player in force passes the gate against the frozen benchmark of the next
    tier: a sequential test on blocks of rotated seats, and the documented floor of 55 % over 10 games. The
    evidence is stored so that a stranger can recompute it (`ringrift gate verify`). A tier never falls.
    The candidate network becomes champion when it passes the gate against the champion, or against the reference search
    where there is none; it plays for the house from the next iteration on. The profile is the one heuristic_profiles
    has proved, by a gate against the profile before it.
    """
    with step_errors():
        store = runtime.store
        inputs, force, tuned, matches, ratings, model = plan_verdicts(runtime, *partition_of(context))
        ladder, floor = inputs["ladder"], runtime.pipeline.tiers

        def make(folder: Path, _: Record | None) -> StepOutput:
            tier = _tier_verdict(force, matches, ratings, ladder, (floor.win_rate, floor.min_games))
            if tier["evidence"]:
                shutil.copyfile(store.path(matches, tier["evidence"]["file"]), folder / EVIDENCE)
                tier["evidence"]["file"] = EVIDENCE
            profile = _profile_verdict(force.data, tuned.data)
            if profile["evidence"]:
                shutil.copyfile(store.path(tuned, PROFILE_EVIDENCE), folder / PROFILE_EVIDENCE)
            champion = _champion_verdict(force, matches, model)
            if champion["evidence"]:
                source = store.path(matches, f"gate-{champion['evidence']['match']}.json")
                shutil.copyfile(source, folder / CHAMPION_EVIDENCE)
            verdicts = {"profile": profile, "champion": champion, "tier": tier}
            content = {
                "champion": champion["now"],
                "champion_weights": champion["weights"],
                "tier": tier["now"],
                **{name: tuned.data[name] for name in ("profile", "profile_hash", "profile_weights")},
                "verdicts": verdicts,
            }
            write_json(folder / FILE, content)
            return StepOutput(1, digest_of(content), content)

        kept = materialize_partition(context, runtime, inputs, make)
        return result_of(kept, _metadata(runtime, kept), _checks(runtime, kept, ladder))


def plan_verdicts(runtime: Runtime, key: str, iteration: int) -> VerdictPlan:
    """What the verdicts of an iteration follow from."""
    force, tuned, matches, ratings, model = (
        runtime.store.need(asset, key, iteration)
        for asset in ("incumbent", "heuristic_profiles", "tournament_games", "elo_ratings", "trained_model")
    )
    tiers = runtime.pipeline.tiers
    inputs = {
        "force": force.content_digest,
        "profile": tuned.content_digest,
        "matches": digest_of(matches.data["matches"]),
        "skipped": digest_of(matches.data["skipped"]),
        "ratings": ratings.content_digest,
        "model": model.content_digest,
        "ladder": list(tiers.ladder),
        "floor": [tiers.win_rate, tiers.min_games],
    }
    return VerdictPlan(inputs, force, tuned, matches, ratings, model)


def _unchanged(value: Any, reason: str) -> dict[str, Any]:
    return {"before": value, "now": value, "promoted": False, "reason": reason, "evidence": None}


def _champion_verdict(force: Record, matches: Record, model: Record) -> dict[str, Any]:
    """The verdict on the champion, from the gate of this iteration's candidate; `weights` are those of `now`."""
    before, weights = force.data["champion"], force.data["champion_weights"]
    match = next((m for m in matches.data["matches"] if m["kind"] == "champion"), None)
    if match is None:
        skipped = {entry["match"]: entry["reason"] for entry in matches.data["skipped"]}
        return _unchanged(before, skipped.get("candidate", "no candidate was planned")) | {"weights": weights}
    gate = match["gate"]
    if gate["verdict"] is None:
        late = f"the match {match['match']} has not ended; materialize tournament_games again"
        return _unchanged(before, late) | {"weights": weights}
    verdict = gate["verdict"]
    promoted = verdict["outcome"] == "promoted"
    played = f"{verdict['outcome']} after {verdict['blocks']} blocks, score {match['entrants'][0]['score']:.1%}"
    return {
        "before": before,
        "now": model.data["model_id"] if promoted else before,
        "weights": model.data["weights"] if promoted else weights,
        "promoted": promoted,
        "reason": f"{match['match']}: {played}",
        "evidence": {
            "file": CHAMPION_EVIDENCE,
            "digest": gate["evidence"],
            "match": match["match"],
            "kind": "model",
            "candidate": model.data["weights"],
            "opponent": weights,
            **{name: verdict[name] for name in ("outcome", "llr", "blocks", "elo", "elo_interval")},
        },
    }


def _profile_verdict(force: dict[str, Any], tuned: dict[str, Any]) -> dict[str, Any]:
    """The verdict on the heuristic profile, from the proof of this iteration's search or import."""
    before = f"{force['profile']}#{force['profile_hash'][:8]}"
    proof = tuned["proof"]
    if proof is None:
        return _unchanged(before, "no candidate was proved better")
    found = proof["verdict"]
    return {
        "before": before,
        "now": f"{tuned['profile']}#{tuned['profile_hash'][:8]}",
        "promoted": True,
        "reason": f"{proof['match']}: promoted after {found['blocks']} blocks, score {found['mean']:.1%}",
        "evidence": {
            "file": PROFILE_EVIDENCE,
            "digest": proof["digest"],
            "match": proof["match"],
            "candidate": tuned["profile_hash"],
            "opponent": tuned["over"],
            **{name: found[name] for name in ("outcome", "llr", "blocks", "elo", "elo_interval")},
        },
    }


def _tier_verdict(
    force: Record, matches: Record, ratings: Record, ladder: list[Any], floor: tuple[float, int]
) -> dict[str, Any]:
    """The verdict on the tier, from the gate of this iteration's tier match."""
    from ringrift.players.benchmarks import BENCHMARKS_VERSION

    tier = force.data["tier"]
    match = next((m for m in matches.data["matches"] if m["kind"] == "tier"), None)
    if match is None:
        skipped = {entry["match"]: entry["reason"] for entry in matches.data["skipped"]}
        reason = next((why for name, why in skipped.items() if name.startswith("tier_")), "no tier match was planned")
        return _unchanged(tier, reason)
    gate, first = match["gate"], match["entrants"][0]
    if gate["verdict"] is None:
        return _unchanged(tier, f"the match {match['match']} has not ended; materialize tournament_games again")
    verdict = gate["verdict"]
    promoted = verdict["outcome"] == "promoted"
    score, games = first["score"], match["games"]
    rated = {row["key"]: row for row in ratings.data["ratings"]}
    return {
        "before": tier,
        "now": ladder[ladder.index(tier) + 1] if promoted else tier,
        "promoted": promoted,
        "reason": f"{match['match']}: {verdict['outcome']} after {verdict['blocks']} blocks, score {score:.1%}",
        "floor": {"score": score, "games": games, "met": score >= floor[0] and games >= floor[1]},
        "players": [
            {"name": matches.data["participants"][e["key"]]["name"], **rated.get(e["key"], {"key": e["key"]})}
            for e in match["entrants"]
        ],
        "evidence": {
            "file": f"gate-{match['match']}.json",
            "digest": gate["evidence"],
            "match": match["match"],
            "benchmarks": BENCHMARKS_VERSION,
            "outcome": verdict["outcome"],
            "llr": verdict["llr"],
            "blocks": verdict["blocks"],
            "elo": verdict["elo"],
            "elo_interval": verdict["elo_interval"],
        },
    }


def verdict_rows(verdicts: dict[str, Any]) -> list[dict[str, Any]]:
    """One row of text a verdict, for tables: what was in force, what is now, and why."""
    return [
        {"verdict": name, **{when: verdicts[name][when] or "none" for when in ("before", "now", "reason")}}
        for name in ("tier", "champion", "profile")
    ]


def _metadata(runtime: Runtime, kept: StoredPartition) -> dict[str, Any]:
    verdicts = kept.record.data["verdicts"]
    rows = verdict_rows(verdicts)
    shown: dict[str, Any] = {"verdicts": table(rows), "tier": kept.record.data["tier"]}
    if found := verdicts["tier"]["evidence"]:
        shown |= {
            "outcome": found["outcome"],
            "llr": found["llr"],
            "blocks": found["blocks"],
            "score": verdicts["tier"]["floor"]["score"],
            "evidence": dg.MetadataValue.path(str(runtime.store.path(kept.record, found["file"]))),
        }
    return {**shown, **partition_metadata(runtime, kept)}


def _checks(runtime: Runtime, kept: StoredPartition, ladder: list[Any]) -> list[dg.AssetCheckResult]:
    verdict = kept.record.data["verdicts"]["tier"]
    problems = [
        problem
        for judged in kept.record.data["verdicts"].values()
        for problem in _evidence_problems(runtime, kept.record, judged)
    ]
    step = ladder.index(verdict["now"]) - ladder.index(verdict["before"])
    return [
        result(
            EVIDENCE_HOLDS,
            not problems,
            f"{'; '.join(problems)}. Materialize heuristic_profiles, tournament_games and {ASSET} again",
            numbers={"problems": len(problems)},
        ),
        result(ONE_STEP, step in (0, 1), f"the tier went from {verdict['before']} to {verdict['now']}"),
    ]


def _evidence_problems(runtime: Runtime, record: Record, verdict: dict[str, Any]) -> list[str]:
    """What is wrong with the evidence of a verdict; nothing where there was no match to judge."""
    found = verdict["evidence"]
    if found is None:
        return ["something changed without evidence"] if verdict["promoted"] else []
    sides = {side: found.get(side) for side in ("candidate", "opponent")} | {"kind": found.get("kind", "profile")}
    path = runtime.store.path(record, found["file"])
    return evidence_problems(path, found["digest"], promoted=verdict["promoted"], **sides)
