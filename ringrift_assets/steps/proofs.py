"""Proving candidates: each meets the current profile at a gate, one after the other, until one is promoted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.contents.base import Row
from resources.store.contents.profiles import Candidate, Fitness, ProfileWeights, Proof
from ringrift import names
from ringrift.config import parse_config
from ringrift.jobs.contract import JobSpec
from ringrift.planning.gate import gate_of
from ringrift.planning.jobs import match_terms
from ringrift.planning.tuning import proof_job
from ringrift.players.heuristic.profiles import profile_hash
from ringrift.specs.prove import StoredPlan, write_plans
from ringrift.specs.store_jobs import MatchInput
from ringrift.stats.evidence import verify_evidence
from ringrift.strict import parse
from ringrift_assets.steps import trust
from ringrift_assets.steps.jobs import JobLate, copy_shards, need_whole, run_job
from ringrift_assets.steps.match_results import played_match, results_job


@dataclass(frozen=True, slots=True)
class Trial:
    """Where candidates are proved: the partition whose jobs they are, and the profile that they have to beat.

    The names of the matches begin with `prefix`; their openings hang on these names.
    """

    asset: str
    config: str
    iteration: int
    prefix: str
    profile: str
    profile_weights: ProfileWeights

    def match(self, number: int) -> str:
        """The name of a match."""
        return f"{self.prefix}_{number}"

    def job(self, runtime: Runtime, candidate: ProfileWeights, number: int) -> JobSpec:
        """The gate of some weights against the current profile."""
        spec = proof_job(
            match_terms(runtime.pipeline, parse_config(self.config), self.iteration),
            self.match(number),
            candidate=candidate,
            profile=self.profile,
            weights=self.profile_weights,
            gate=gate_of(runtime.pipeline),
        )
        return spec.model_copy(update={"asset": self.asset})


@dataclass(slots=True)
class Proved:
    """What the gates said. `proofs` has one entry a gate, `chosen` is the promoted candidate or None."""

    chosen: Candidate | None = None
    proofs: list[Proof] = field(default_factory=list)
    results: list[JobResult] = field(default_factory=list)  # of all jobs, for the provenance
    shards: list[Path] = field(default_factory=list)  # the verified games of all proofs, and their evidence
    games: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    games_digest: str | None = None
    plans: list[StoredPlan] = field(default_factory=list)  # of all gates
    replayed: trust.Proof = field(default_factory=trust.Proof)

    def write(self, folder: Path) -> None:
        """Write the games of all gates, their plans and the evidence into a folder; nothing without a gate."""
        copy_shards(self.shards, folder)
        if self.plans:
            write_plans(folder / names.PLANS_FILE, self.plans)


def prove(context: dg.AssetExecutionContext, runtime: Runtime, candidates: Sequence[Candidate], trial: Trial) -> Proved:
    """Gate the candidates in their order against the current profile.

    One that equals the current profile needs no gate and is passed over. Raises JobLate when a gate ran out of time.
    """
    matches: list[MatchInput] = []
    proved, current = Proved(), profile_hash(trial.profile_weights)
    for candidate in candidates:
        if candidate.hash == current:
            context.log.info(f"the {candidate.kind} is the current profile; it needs no proof")
            continue
        spec = trial.job(runtime, candidate.weights, len(proved.proofs))
        minutes = runtime.pipeline.polling.max_phase_minutes
        played, replayed = trust.run_proved(context, runtime, [spec], capability="cmaes", minutes=minutes)
        need_whole(played)
        proved.replayed.add(replayed)
        proved.plans += trust.plans_of(runtime, played)
        matches.append(played_match(runtime, spec, played[0].shards, "profile"))
        summed = run_job(context, runtime, results_job(trial.asset, trial.config, trial.iteration, matches))
        proved.shards, proved.results = summed.shards, [*proved.results, *played, summed.job]
        proved.games, proved.rejected = summed.result["games"], summed.result["rejected"]
        proved.games_digest = summed.content_digest
        proof = _proof(candidate, summed.result["matches"][-1])
        if proof is None:
            raise JobLate(f"{spec.job_id}: games of the proof do not verify ({proved.rejected})")
        proved.proofs.append(proof)
        context.log.info(f"proof of the {proof.kind}: {proof.verdict.outcome} after {proof.verdict.blocks} blocks")
        if proof.verdict.promoted:
            proved.chosen = candidate
            break
    return proved


def _proof(candidate: Candidate, match: dict[str, Any]) -> Proof | None:
    """The proof that a match of a results job is, None without a verdict."""
    gate, name = match["gate"], match["match"]
    if gate["verdict"] is None:
        return None
    about = candidate.model_dump(include={"kind", "replica", "hash", "fitness"})
    shown = {"match": name, "file": names.gate_file(name), "games": match["games"]}
    return parse(Proof, {**about, **shown, "verdict": gate["verdict"], "digest": gate["evidence"]}, f"proof {name}")


def proof_rows(proofs: Sequence[Proof]) -> list[Row]:
    """One row a proof, for tables."""
    return [
        {
            "candidate": proof.kind,
            "hash": proof.hash,
            "fitness": fitness_text(proof.fitness),
            "outcome": proof.verdict.outcome,
            "games": proof.games,
            "score": f"{proof.verdict.mean:.1%}",
            "elo": f"{proof.verdict.elo:+.0f}",
            "95 % interval": "{:+.0f} to {:+.0f}".format(*proof.verdict.elo_interval),
        }
        for proof in proofs
    ]


def fitness_text(fitness: Fitness | None) -> str:
    """A fitness with its interval and games."""
    if fitness is None:
        return "not measured"
    return f"{fitness.score:.3f} ({fitness.low:.3f} to {fitness.high:.3f}), {fitness.games} games"


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

    `candidate` and `opponent` are hashes of what was to be loaded, profiles or (`kind` model) networks of either kind.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    problems = verify_evidence(stored)
    if problems:
        return problems
    if stored["digest"] != digest:
        problems.append("the evidence is not the one the proof was judged by")
    if (stored["verdict"]["outcome"] == "promoted") != promoted:
        problems.append(f"the evidence says {stored['verdict']['outcome']}")
    for side, wanted in (("candidate", candidate), ("opponent", opponent)):
        hashes = stored[side]["hashes"]
        played = hashes.get(kind) or (hashes.get("value_model") if kind == "model" else None)
        if wanted is not None and played != wanted:
            problems.append(f"the {side} played {kind} {played}, not {wanted}")
    return problems
