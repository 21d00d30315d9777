"""Proving candidates: each meets the profile in force at a gate, one after the other, until one is promoted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from resources.runner.events import JobResult
from resources.runtime import Runtime
from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec
from ringrift_assets.steps.jobs import CANCEL_ON, job_log, need_done

RESULTS = "match_results"


class NotWhole(RingRiftError):
    """A search or a proof ran out of time; what it has done is kept."""


@dataclass(slots=True)
class Proved:
    """What the gates said. `proofs` has one entry a gate, `chosen` is the promoted candidate or None."""

    chosen: dict[str, Any] | None = None
    proofs: list[dict[str, Any]] = field(default_factory=list)
    results: list[JobResult] = field(default_factory=list)  # of all jobs, for the provenance
    shards: list[Path] = field(default_factory=list)  # the verified games of all proofs, and their evidence
    games: dict[str, Any] = field(default_factory=dict)  # counts, rejects and digest of these games


def prove(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    candidates: Sequence[dict[str, Any]],
    *,
    asset: str,
    config: str,
    iteration: int,
    prefix: str,
    profile: str,
    weights: dict[str, float],
) -> Proved:
    """Gate the candidates in their order against the profile in force. Their openings hang on `prefix`.

    One that equals the profile in force needs no gate and is passed over. Raises NotWhole when a gate ran out of time.
    """
    from ringrift.players.heuristic.profiles import profile_hash

    found, matches, force = Proved(), [], profile_hash(weights)
    for candidate in candidates:
        if candidate["hash"] == force:
            context.log.info(f"the {candidate['kind']} is the profile in force; it needs no proof")
            continue
        name = f"{prefix}_{len(found.proofs)}"
        spec = proof_spec(
            runtime,
            candidate["weights"],
            asset=asset,
            config=config,
            iteration=iteration,
            match=name,
            profile=profile,
            weights=weights,
        )
        results = runtime.run(
            "cmaes",
            [spec],
            listener=job_log(context),
            timeout_s=runtime.pipeline.polling.max_phase_minutes * 60,
            cancel_on=CANCEL_ON,
        )
        need_whole(results)
        matches.append(
            {
                "kind": spec.kind,
                "params": spec.params,
                "shards": [runtime.input_file(path) for path in results[0].shards],
                "purpose": "profile",
            }
        )
        params = {"config": config, "iteration": iteration, "matches": matches}
        summing = JobSpec(asset=asset, config=config, iteration=iteration, name=RESULTS, kind=RESULTS, params=params)
        summed = runtime.run(None, [summing], listener=job_log(context), cancel_on=CANCEL_ON)
        need_done(summed)
        assert summed[0].manifest is not None  # a job that is done has one
        found.games = dict(summed[0].manifest.result)
        match = found.games.pop("matches")[-1]
        found.shards, found.results = summed[0].shards, [*found.results, *results, *summed]
        if match["gate"]["verdict"] is None:
            raise NotWhole(f"{spec.job_id}: games of the proof do not verify ({found.games['rejected']})")
        about = {name: candidate[name] for name in ("kind", "replica", "hash", "fitness")}
        gate = match["gate"]
        found.proofs.append(
            {
                **about,
                "match": name,
                "file": f"gate-{name}.json",
                "games": match["games"],
                "verdict": gate["verdict"],
                "digest": gate["evidence"],
            }
        )
        verdict = gate["verdict"]
        context.log.info(f"proof of the {candidate['kind']}: {verdict['outcome']} after {verdict['blocks']} blocks")
        if verdict["outcome"] == "promoted":
            found.chosen = candidate
            break
    return found


def proof_spec(
    runtime: Runtime,
    candidate: dict[str, float],
    *,
    asset: str,
    config: str,
    iteration: int,
    match: str,
    profile: str,
    weights: dict[str, float],
) -> JobSpec:
    """The gate of a candidate's weights against the profile in force, as a job of `asset`."""
    from ringrift.config import parse_config
    from ringrift.planning.gate import gate_of
    from ringrift.planning.tuning import proof_job

    spec = proof_job(
        parse_config(config),
        iteration,
        match=match,
        candidate=candidate,
        profile=profile,
        weights=weights,
        gate=gate_of(runtime.pipeline),
        root_seed=runtime.pipeline.root_seed,
        opening_plies=runtime.pipeline.selfplay.opening_plies,
    )
    return spec.model_copy(update={"asset": asset})


def need_whole(results: Sequence[JobResult]) -> None:
    """Raises JobFailed for a job that failed and NotWhole for one that was stopped before its end."""
    need_done(results)
    late = [f"{result.spec.job_id}: {result.error}" for result in results if result.manifest is None]
    if late:
        raise NotWhole(f"{'; '.join(late)}. What is done is kept; materialize again to go on from it")


def proof_rows(proofs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a proof, for tables."""
    return [
        {
            "candidate": proof["kind"],
            "hash": proof["hash"],
            "fitness": shown(proof["fitness"]),
            "outcome": proof["verdict"]["outcome"],
            "games": proof["games"],
            "score": f"{proof['verdict']['mean']:.1%}",
            "elo": f"{proof['verdict']['elo']:+.0f}",
            "95 % interval": "{:+.0f} to {:+.0f}".format(*proof["verdict"]["elo_interval"]),
        }
        for proof in proofs
    ]


def shown(fitness: dict[str, Any] | None) -> str:
    """A fitness as text with its interval and games."""
    if fitness is None:
        return "not measured"
    return f"{fitness['score']:.3f} ({fitness['low']:.3f} to {fitness['high']:.3f}), {fitness['games']} games"


def evidence_problems(
    path: Path,
    digest: str,
    *,
    promoted: bool,
    candidate: str | None = None,
    opponent: str | None = None,
    kind: str = "profile",
) -> list[str]:
    """What is wrong with a stored evidence: its own arithmetic, its digest, verdict, and who really played.

    `candidate` and `opponent` are hashes of what was to be loaded, profiles or (`kind` model) networks.
    """
    from ringrift.stats.evidence import verify_evidence

    stored = json.loads(path.read_text(encoding="utf-8"))
    problems = verify_evidence(stored)
    if problems:
        return problems
    if stored["digest"] != digest:
        problems.append("the evidence is not the one the proof was judged by")
    if (stored["verdict"]["outcome"] == "promoted") != promoted:
        problems.append(f"the evidence says {stored['verdict']['outcome']}")
    for side, wanted in (("candidate", candidate), ("opponent", opponent)):
        played = stored[side]["hashes"].get(kind)
        if wanted is not None and played != wanted:
            problems.append(f"the {side} played {kind} {played}, not {wanted}")
    return problems
