"""The search for a better heuristic profile, and its proof."""

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from resources.views.logs import write_cmaes_log
from ringrift.files import write_json, write_text
from ringrift.jobs.contract import JobSpec
from ringrift_assets.steps.checks import ALL_VERIFY, EVIDENCE_HOLDS, FINITE_WEIGHTS, partitioned_spec, result
from ringrift_assets.steps.jobs import CANCEL_ON, job_log, provenance_of
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    OnHosts,
    StepOutput,
    StoredPartition,
    materialize_partition,
    step_errors,
)
from ringrift_assets.steps.proofs import Proved, evidence_problems, need_whole, proof_rows, prove, shown

ASSET = "cmaes_profile"
PLOT, GENERATIONS, CANDIDATES = "convergence.svg", "generations.jsonl", "candidates.json"
PROOF_PREFIX = "profile"  # of the matches in which the candidates are proved
PICTURE = "score against the panel, by generation"
HISTORY = ("games", "sigma", "against_panel", "against_panel_low", "against_panel_high", "best_fitness")


@dg.asset(
    deps=["incumbent"],
    partitions_def=PARTITIONS,
    group_name="heuristics",
    kinds={"json"},
    owners=OWNERS,
    code_version="cmaes-1/gate-1",
    check_specs=[
        partitioned_spec(ASSET, EVIDENCE_HOLDS, "Each proof follows from the games in its evidence.", blocking=True),
        partitioned_spec(ASSET, FINITE_WEIGHTS, "Every weight of every candidate is a finite number.", blocking=True),
        partitioned_spec(ASSET, ALL_VERIFY, "Every game of a proof replays exactly as planned.", blocking=True),
    ],
)
def cmaes_profile(
    context: dg.AssetExecutionContext, config: OnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """A proposal for better heuristic weights, found by CMA-ES and proved against the profile in force, or none.

    Several searches run on hosts with `cmaes`, from different seeds. Their candidates are the mean of each search, its
    best individual, and the mean of all means. Because the best of many noisy scores is mostly luck, a candidate counts
    only after a gate against the incumbent profile on openings no search has seen; the first that passes is proposed.
    A search that was stopped goes on at its next generation.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        force = runtime.store.need("incumbent", key, iteration).data
        pipeline = runtime.pipeline
        profile, weights = force["profile"], force["profile_weights"]
        specs = plan_searches(runtime, key, iteration, force)
        inputs = search_inputs(runtime, specs)

        def make(folder: Path, _: Record | None) -> StepOutput:
            from ringrift.planning.tuning import proof_order

            started = time.monotonic()
            results = runtime.run(
                "cmaes",
                specs,
                listener=job_log(context),
                timeout_s=pipeline.polling.cmaes_minutes * 60,
                cancel_on=CANCEL_ON,
            )
            need_whole(results)
            found = [entry.manifest.result for entry in results if entry.manifest]
            candidates = proof_order([candidate for search in found for candidate in search["candidates"]])
            proved = prove(
                context,
                runtime,
                candidates[: pipeline.cmaes.proofs],
                asset=ASSET,
                config=key,
                iteration=iteration,
                prefix=PROOF_PREFIX,
                profile=profile,
                weights=weights,
            )
            return _made(folder, force, results, candidates, proved, time.monotonic() - started)

        kept = materialize_partition(context, runtime, inputs, make)
        write_cmaes_log(runtime.home, kept.record)
        return result_of(kept, _metadata(runtime, kept), _checks(runtime, kept))


def plan_searches(runtime: Runtime, key: str, iteration: int, incumbent: Mapping[str, Any]) -> list[JobSpec]:
    """The searches of an iteration, from its incumbent."""
    from ringrift.config import parse_config
    from ringrift.planning.jobs import search_job
    from ringrift.planning.tuning import search_params

    profile, weights = incumbent["profile"], incumbent["profile_weights"]
    searches = search_params(runtime.pipeline, parse_config(key), iteration, profile, weights)
    return [search_job(params) for params in searches]


def search_inputs(runtime: Runtime, searches: Sequence[JobSpec]) -> dict[str, Any]:
    """What the proposal of some searches is a function of."""
    from ringrift.planning.gate import gate_of
    from ringrift.stats.sprt import SequentialTest

    gate = gate_of(runtime.pipeline)
    return {
        "searches": [spec.job_id for spec in searches],
        "proofs": runtime.pipeline.cmaes.proofs,
        "gate": {name: getattr(gate, name) for name in SequentialTest.__dataclass_fields__},
    }


def _made(
    folder: Path,
    force: dict[str, Any],
    results: Sequence[JobResult],
    candidates: list[dict[str, Any]],
    proved: Proved,
    wall_s: float,
) -> StepOutput:
    from ringrift.plots.cmaes import render_convergence
    from ringrift.tuning.cma import changed_most

    found = [entry.manifest.result for entry in results if entry.manifest]
    config = results[0].spec.config
    for path in proved.shards:
        shutil.copyfile(path, folder / path.name)
    write_text(folder / GENERATIONS, "".join(_generation_lines(results)))
    write_json(folder / CANDIDATES, candidates)
    histories = [search["history"] for search in found]
    write_text(folder / PLOT, render_convergence(histories, candidates, f"CMA-ES of {config}"))
    chosen = proved.chosen
    data = {
        "incumbent": {"profile": force["profile"], "hash": force["profile_hash"]},
        "proposal": chosen,
        "candidates": [{name: value for name, value in c.items() if name != "weights"} for c in candidates],
        "proofs": proved.proofs,
        "searches": [{name: search[name] for name in ("generations", "games", "capped")} for search in found],
        "histories": histories,
        "changed": changed_most(force["profile_weights"], chosen["weights"]) if chosen else [],
        "rejected": proved.games.get("rejected", {}),
        "proof_games": proved.games.get("games", 0),
        "digests": {"searches": [s["content_digest"] for s in found], "games": proved.games.get("content_digest")},
    }
    return StepOutput(1, digest_of(data), data, provenance_of([*results, *proved.results], wall_s))


def _generation_lines(results: Sequence[JobResult]) -> list[str]:
    """All generations of all searches as JSON lines, each with its replica."""
    return [
        json.dumps({"replica": entry.spec.params.get("replica", 0), **json.loads(path.read_text(encoding="utf-8"))})
        + "\n"
        for entry in results
        for path in sorted(entry.shards)
        if path.name.startswith("generation-")
    ]


def _metadata(runtime: Runtime, kept: StoredPartition) -> dict[str, Any]:
    from ringrift.plots.cmaes import render_small_convergence

    data, record = kept.record.data, kept.record
    proposal = data["proposal"]
    rows = [
        {"search": replica, **{name: row[name] for name in ("generation", *HISTORY)}}
        for replica, history in enumerate(data["histories"])
        for row in history
    ]
    shown_facts: dict[str, Any] = {
        "proposal": f"{proposal['kind']} #{proposal['hash'][:8]}" if proposal else "none was proved better",
        "fitness": shown(proposal["fitness"]) if proposal else "",
        "proofs": table(proof_rows(data["proofs"])),
        "candidates": table(
            [
                {"candidate": c["kind"], "search": c["replica"], "hash": c["hash"], "fitness": shown(c["fitness"])}
                for c in data["candidates"]
            ]
        ),
        "weights_changed_most": table(data["changed"]),
        "generations": table(rows),
        "convergence": dg.MetadataValue.md(f"![{PICTURE}]({render_small_convergence(data['histories'])})"),
        "convergence_large": dg.MetadataValue.path(str(runtime.store.path(record, PLOT))),
        "search_games": sum(search["games"] for search in data["searches"]),
        "proof_games": data["proof_games"],
    }
    return {**shown_facts, **partition_metadata(runtime, kept)}


def _checks(runtime: Runtime, kept: StoredPartition) -> list[dg.AssetCheckResult]:
    data, record = kept.record.data, kept.record
    proposal, problems = data["proposal"], []
    for proof in data["proofs"]:
        path, promoted = runtime.store.path(record, proof["file"]), proof["verdict"]["outcome"] == "promoted"
        sides = {"candidate": proof["hash"], "opponent": data["incumbent"]["hash"]}
        problems += evidence_problems(path, proof["digest"], promoted=promoted, **sides)
        if promoted != bool(proposal and proposal["hash"] == proof["hash"]):
            problems.append(f"the proposal is not what the proof of {proof['hash']} says")
    if proposal and not data["proofs"]:
        problems.append("a proposal without a proof")
    candidates = json.loads(runtime.store.path(record, CANDIDATES).read_text(encoding="utf-8"))
    infinite = [c["hash"] for c in candidates if not all(math.isfinite(value) for value in c["weights"].values())]
    bad = sum(data["rejected"].values())
    again = f"Materialize {ASSET} again"
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
