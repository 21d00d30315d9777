"""The search for a better heuristic profile, and its proof."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.profiles import Candidate, IncumbentContent, SearchContent, new_candidate
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from resources.views.logs import write_cmaes_log
from ringrift import names
from ringrift.config import parse_config
from ringrift.files import write_json, write_text
from ringrift.jobs.contract import JobSpec
from ringrift.planning.gate import gate_of
from ringrift.planning.incumbent import Incumbent
from ringrift.planning.jobs import search_job
from ringrift.planning.tuning import proof_order, search_params
from ringrift.tuning.cma import changed_most
from ringrift_assets.steps.checks import ALL_VERIFY, EVIDENCE_HOLDS, FINITE_WEIGHTS, partitioned_spec, result
from ringrift_assets.steps.incumbents import incumbent_of
from ringrift_assets.steps.jobs import need_whole, provenance_of, run_jobs
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    OnHosts,
    StepOutput,
    StoredPartition,
    materialize_partition,
    step_errors,
)
from ringrift_assets.steps.proofs import Proved, Trial, evidence_problems, fitness_text, proof_rows, prove

PROOF_PREFIX = "profile"  # of the matches in which the candidates are proved
PICTURE = "score against the panel, by generation"
HISTORY = ("games", "sigma", "against_panel", "against_panel_low", "against_panel_high", "best_fitness")


@dg.asset(
    deps=[names.INCUMBENT],
    partitions_def=PARTITIONS,
    group_name="heuristics",
    kinds={"json"},
    owners=OWNERS,
    code_version="cmaes-1/gate-1",
    check_specs=[
        partitioned_spec(
            names.CMAES_PROFILE, EVIDENCE_HOLDS, "Each proof follows from the games in its evidence.", blocking=True
        ),
        partitioned_spec(
            names.CMAES_PROFILE, FINITE_WEIGHTS, "Every weight of every candidate is a finite number.", blocking=True
        ),
        partitioned_spec(
            names.CMAES_PROFILE, ALL_VERIFY, "Every game of a proof replays exactly as planned.", blocking=True
        ),
    ],
)
def cmaes_profile(
    context: dg.AssetExecutionContext, config: OnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """Heuristic weights proposed by CMA-ES and proved at a gate against the current profile, or no proposal.

    Several searches with different seeds run on hosts with `cmaes`. Candidates are the mean of each search, its best
    individual, and the mean of all means. Since the best of many noisy scores is mostly luck, a candidate is proposed
    only after it passes a gate against the incumbent profile on fresh openings. An interrupted search resumes at its
    next generation.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        incumbent = content_of(runtime.store.need(names.INCUMBENT, key, iteration), IncumbentContent)
        pipeline = runtime.pipeline
        specs = plan_searches(runtime, key, iteration, incumbent_of(incumbent))
        inputs = search_inputs(runtime, specs)
        trial = Trial(names.CMAES_PROFILE, key, iteration, PROOF_PREFIX, incumbent.profile, incumbent.profile_weights)

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            results = run_jobs(context, runtime, specs, capability="cmaes", minutes=pipeline.polling.cmaes_minutes)
            need_whole(results)
            found = [candidate for result in results if result.manifest for candidate in _candidates(result)]
            candidates = [new_candidate(candidate) for candidate in proof_order(found)]
            proved = prove(context, runtime, candidates[: pipeline.cmaes.proofs], trial)
            content = _content(folder, incumbent, results, candidates, proved)
            work = provenance_of([*results, *proved.results], time.monotonic() - started)
            return StepOutput(1, digest_of(content.to_json()), content, {**work, "proof": proved.replayed.to_json()})

        stored = materialize_partition(context, runtime, inputs, make)
        write_cmaes_log(runtime.home, stored.record)
        return result_of(stored, _metadata(runtime, stored), _checks(runtime, stored))


def plan_searches(runtime: Runtime, key: str, iteration: int, incumbent: Incumbent) -> list[JobSpec]:
    """The searches of an iteration, from its incumbent."""
    profile, weights = incumbent.profile, incumbent.profile_weights
    searches = search_params(runtime.pipeline, parse_config(key), iteration, profile, weights)
    return [search_job(params) for params in searches]


def search_inputs(runtime: Runtime, searches: Sequence[JobSpec]) -> dict[str, Any]:
    """What the proposal of some searches is a function of."""
    return {
        "searches": [spec.job_id for spec in searches],
        "proofs": runtime.pipeline.cmaes.proofs,
        "gate": asdict(gate_of(runtime.pipeline)),
    }


def _candidates(search: JobResult) -> list[dict[str, Any]]:
    assert search.manifest is not None  # a search that is whole has one
    candidates: list[dict[str, Any]] = search.manifest.result["candidates"]
    return candidates


def _content(
    folder: Path,
    incumbent: IncumbentContent,
    results: Sequence[JobResult],
    candidates: Sequence[Candidate],
    proved: Proved,
) -> SearchContent:
    """Write the step's files, and say what it found."""
    from ringrift.plots.cmaes import render_convergence  # with numba

    found = [entry.manifest.result for entry in results if entry.manifest]
    proved.write(folder)
    write_text(folder / names.GENERATIONS_FILE, "".join(_generation_lines(results)))
    listed = [candidate.model_dump() for candidate in candidates]
    write_json(folder / names.CANDIDATES_FILE, listed)
    histories = [search["history"] for search in found]
    title = f"CMA-ES of {results[0].spec.config}"
    write_text(folder / names.CONVERGENCE_PLOT, render_convergence(histories, listed, title))
    chosen = proved.chosen
    data = {
        "incumbent": {"profile": incumbent.profile, "hash": incumbent.profile_hash},
        "proposal": chosen and chosen.model_dump(),
        "candidates": [candidate.model_dump(exclude={"weights"}) for candidate in candidates],
        "proofs": [proof.model_dump() for proof in proved.proofs],
        "searches": [{name: search[name] for name in ("generations", "games", "capped")} for search in found],
        "histories": histories,
        "changed": changed_most(incumbent.profile_weights, chosen.weights) if chosen else [],
        "rejected": proved.rejected,
        "proof_games": proved.games,
        "digests": {"searches": [search["content_digest"] for search in found], "games": proved.games_digest},
    }
    return new_content(SearchContent, data)


def _generation_lines(results: Sequence[JobResult]) -> list[str]:
    """All generations of all searches as JSON lines, each with its replica."""
    return [
        json.dumps({"replica": entry.spec.params.get("replica", 0), **json.loads(path.read_text(encoding="utf-8"))})
        + "\n"
        for entry in results
        for path in sorted(entry.shards)
        if path.name.startswith("generation-")
    ]


def _metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    from ringrift.plots.cmaes import render_small_convergence  # with numba

    content, record = content_of(stored.record, SearchContent), stored.record
    proposal = content.proposal
    rows = [
        {"search": replica, **{name: row[name] for name in ("generation", *HISTORY)}}
        for replica, history in enumerate(content.histories)
        for row in history
    ]
    shown: dict[str, Any] = {
        "proposal": f"{proposal.kind} #{proposal.hash[:8]}" if proposal else "none was proved better",
        "fitness": fitness_text(proposal.fitness) if proposal else "",
        "proofs": table(proof_rows(content.proofs)),
        "candidates": table(
            [
                {"candidate": c.kind, "search": c.replica, "hash": c.hash, "fitness": fitness_text(c.fitness)}
                for c in content.candidates
            ]
        ),
        "weights_changed_most": table(content.changed),
        "generations": table(rows),
        "convergence": dg.MetadataValue.md(f"![{PICTURE}]({render_small_convergence(content.histories)})"),
        "convergence_large": dg.MetadataValue.path(str(runtime.store.path(record, names.CONVERGENCE_PLOT))),
        "search_games": sum(search.games for search in content.searches),
        "proof_games": content.proof_games,
    }
    return {**shown, **partition_metadata(runtime, stored)}


def _checks(runtime: Runtime, stored: StoredPartition) -> list[dg.AssetCheckResult]:
    content, record = content_of(stored.record, SearchContent), stored.record
    proposal, problems = content.proposal, []
    for proof in content.proofs:
        path, promoted = runtime.store.path(record, proof.file), proof.verdict.promoted
        sides = {"candidate": proof.hash, "opponent": content.incumbent.hash}
        problems += evidence_problems(path, proof.digest, promoted=promoted, **sides)
        if promoted != bool(proposal and proposal.hash == proof.hash):
            problems.append(f"the proposal is not what the proof of {proof.hash} says")
    if proposal and not content.proofs:
        problems.append("a proposal without a proof")
    candidates = json.loads(runtime.store.path(record, names.CANDIDATES_FILE).read_text(encoding="utf-8"))
    infinite = [c["hash"] for c in candidates if not all(math.isfinite(value) for value in c["weights"].values())]
    bad = sum(content.rejected.values())
    again = f"Materialize {names.CMAES_PROFILE} again"
    return [
        result(EVIDENCE_HOLDS, not problems, f"{'; '.join(problems)}. {again}", numbers={"problems": len(problems)}),
        result(FINITE_WEIGHTS, not infinite, f"candidates {', '.join(infinite)} have weights without a value. {again}"),
        result(
            ALL_VERIFY,
            bad == 0,
            f"{bad} games of the proofs are not the planned ones; rejects.parquet beside them says which and why",
            numbers={"rejected": bad},
        ),
    ]
