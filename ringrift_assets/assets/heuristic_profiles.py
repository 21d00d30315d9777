"""The heuristic profile in force after an iteration's search, as a file in the documented format."""

import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.profile_sync import Delivery, send_profiles
from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift.files import write_json
from ringrift.jobs.contract import JobSpec
from ringrift_assets.steps.checks import EVIDENCE_HOLDS, PROFILES_ARRIVED, partitioned_spec, result
from ringrift_assets.steps.jobs import provenance_of
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    OnHosts,
    StepOutput,
    StoredPartition,
    materialize_partition,
    step_errors,
)
from ringrift_assets.steps.proofs import Proved, evidence_problems, proof_rows, proof_spec, prove

ASSET, SEARCH = "heuristic_profiles", "cmaes_profile"
EVIDENCE = "profile_evidence.json"
IMPORT_PREFIX = "import"  # of the match in which an imported candidate is proved


class ProfilePlan(NamedTuple):
    """The step's inputs and what they were taken from; `imported` is the candidate of the import file, or None."""

    inputs: dict[str, Any]
    before: Record
    search: Record
    imported: dict[str, Any] | None


@dg.asset(
    deps=[SEARCH],
    partitions_def=PARTITIONS,
    group_name="heuristics",
    kinds={"json"},
    owners=OWNERS,
    code_version="profiles-1/gate-1",
    check_specs=[
        partitioned_spec(ASSET, EVIDENCE_HOLDS, "The profile changed only by a proof that holds.", blocking=True),
        partitioned_spec(ASSET, PROFILES_ARRIVED, "Every other host that plays has the file of trained profiles."),
    ],
)
def heuristic_profiles(
    context: dg.AssetExecutionContext, config: OnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The profile that plays from now on: this iteration's proved proposal, else the one that was in force before.

    A profile from elsewhere (`cmaes.import_file`) is one more candidate. Its fitness was measured against other
    opponents, so it is not compared by number: it meets the profile in force at the same gate. The result is written
    as `trained_heuristic_profiles.json`, and the home's file with those of all configs is sent to every other host that
    plays. It is for people there; jobs carry the weights and their hash themselves.
    """
    with step_errors():
        from ringrift.config import parse_config

        hosts = runtime.within(config.host_class)  # for the proof; the file goes to every host that plays
        key, iteration = partition_of(context)
        inputs, before, search, imported = plan_profile(runtime, key, iteration)

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            force = _after_search(before.data, search.data, parse_config(key))
            proved = Proved()
            if imported:
                proved = prove(
                    context,
                    hosts,
                    [imported],
                    asset=ASSET,
                    config=key,
                    iteration=iteration,
                    prefix=IMPORT_PREFIX,
                    profile=force["profile"],
                    weights=force["profile_weights"],
                )
            if force["proof"]:
                shutil.copyfile(runtime.store.path(search, force["proof"]["file"]), folder / EVIDENCE)
            for path in proved.shards:
                shutil.copyfile(path, folder / path.name)
            if proved.chosen:
                proof = proved.proofs[0]
                shutil.copyfile(folder / proof["file"], folder / EVIDENCE)
                force = _taken(proved.chosen, proof, parse_config(key), force["profile_hash"])
            return _made(folder, before.data, force, proved, iteration, key, time.monotonic() - started)

        kept = materialize_partition(context, runtime, inputs, make)
        delivery = send_profiles(runtime)
        return result_of(kept, _metadata(runtime, kept, delivery), _checks(runtime, kept, delivery))


def plan_profile(runtime: Runtime, key: str, iteration: int) -> ProfilePlan:
    """What the profile of an iteration is found from."""
    from ringrift.planning.gate import gate_of
    from ringrift.stats.sprt import SequentialTest

    before = runtime.store.need("incumbent", key, iteration)
    search = runtime.store.need(SEARCH, key, iteration)
    imported = _imported(runtime, key)
    gate = gate_of(runtime.pipeline)
    inputs = {
        "before": before.content_digest,
        "search": search.content_digest,
        "imported": imported and imported["hash"],
        "gate": {name: getattr(gate, name) for name in SequentialTest.__dataclass_fields__},
    }
    return ProfilePlan(inputs, before, search, imported)


def import_proof(runtime: Runtime, plan: ProfilePlan) -> JobSpec | None:
    """The gate that an imported candidate meets first, None where none is needed."""
    from ringrift.config import parse_config

    key, iteration = plan.before.config, plan.before.iteration
    current = _after_search(plan.before.data, plan.search.data, parse_config(key))
    if plan.imported is None or plan.imported["hash"] == current["profile_hash"]:
        return None
    return proof_spec(
        runtime,
        plan.imported["weights"],
        asset=ASSET,
        config=key,
        iteration=iteration,
        match=f"{IMPORT_PREFIX}_0",
        profile=current["profile"],
        weights=current["profile_weights"],
    )


def _imported(runtime: Runtime, key: str) -> dict[str, Any] | None:
    """The candidate of the pipeline's import file; a relative path starts at the pipeline file."""
    from ringrift.config import parse_config
    from ringrift.planning.tuning import import_candidate

    name = runtime.pipeline.cmaes.import_file
    if name is None:
        return None
    path = runtime.settings()[0].resolve().parent / Path(name).expanduser()
    return import_candidate(str(path), parse_config(key))


def _after_search(before: dict[str, Any], search: dict[str, Any], config: Any) -> dict[str, Any]:
    """What is in force after the search: the proposal if there is one, with its proof."""
    proposal = search["proposal"]
    if proposal is None:
        kept = {name: before[name] for name in ("profile", "profile_hash", "profile_weights")}
        return {**kept, "source": "incumbent", "fitness": None, "proof": None, "over": None}
    return _taken(proposal, search["proofs"][-1], config, before["profile_hash"])


def _taken(candidate: dict[str, Any], proof: dict[str, Any], config: Any, over: str) -> dict[str, Any]:
    from ringrift.players.heuristic.profiles import trained_profile_name

    return {
        "profile": trained_profile_name(config.board, config.players),
        "profile_hash": candidate["hash"],
        "profile_weights": candidate["weights"],
        "source": "import" if candidate["kind"] == "import" else "cmaes",
        "fitness": candidate["fitness"],
        "proof": proof,
        "over": over,
    }


def _made(
    folder: Path, before: dict[str, Any], force: dict[str, Any], proved: Proved, iteration: int, key: str, wall_s: float
) -> StepOutput:
    from ringrift.players.heuristic.profiles import FILE, PROFILES, profiles_file

    proof = force["proof"]
    data = {
        **force,
        "before": {"profile": before["profile"], "hash": before["profile_hash"]},
        "promoted": proof is not None,
        "proofs": proved.proofs,
    }
    profiles, about = {}, {}
    if force["profile"] not in PROFILES:
        fitness = force["fitness"]
        profiles[force["profile"]] = force["profile_weights"]
        about[force["profile"]] = {
            "source": force["source"],
            "iteration": iteration,
            "board": key.rpartition("_")[0],
            "fitness": fitness["score"] if fitness else proof["verdict"]["mean"] if proof else None,
            "hash": force["profile_hash"],
            "proof": {name: proof["verdict"][name] for name in ("outcome", "blocks", "mean", "elo")} if proof else None,
        }
    write_json(folder / FILE, profiles_file(profiles, about))
    data["metadata"] = about
    return StepOutput(1, digest_of(data), data, provenance_of(proved.results, wall_s) if proved.results else {})


def _metadata(runtime: Runtime, kept: StoredPartition, delivery: Delivery) -> dict[str, Any]:
    data = kept.record.data
    shown: dict[str, Any] = {
        "profile": f"{data['profile']} #{data['profile_hash'][:8]}",
        "source": data["source"],
        "before": f"{data['before']['profile']} #{data['before']['hash'][:8]}",
        "weights": table([{"weight": name, "value": value} for name, value in data["profile_weights"].items()]),
    }
    if proofs := [*([data["proof"]] if data["proof"] else []), *data["proofs"]]:
        shown["proofs"] = table(proof_rows(proofs))
    if delivery.file:
        shown["profiles_file"] = dg.MetadataValue.path(str(delivery.file))
    arrived = [
        *({"host": host, "file": "sent now", "problem": ""} for host in delivery.sent),
        *({"host": host, "file": "had it", "problem": ""} for host in delivery.kept),
        *({"host": host, "file": "not reached", "problem": problem} for host, problem in delivery.missed.items()),
    ]
    if arrived:
        shown["profiles_on_hosts"] = table(arrived)
    return {**shown, **partition_metadata(runtime, kept)}


def _checks(runtime: Runtime, kept: StoredPartition, delivery: Delivery) -> list[dg.AssetCheckResult]:
    data = kept.record.data
    proof, problems = data["proof"], []
    if proof is not None:
        path = runtime.store.path(kept.record, EVIDENCE)
        sides = {"candidate": data["profile_hash"], "opponent": data["over"]}
        problems = evidence_problems(path, proof["digest"], promoted=True, **sides)
    elif data["profile_hash"] != data["before"]["hash"]:
        problems = ["the profile changed without evidence"]
    return [
        result(
            EVIDENCE_HOLDS,
            not problems,
            f"{'; '.join(problems)}. Materialize {SEARCH} and {ASSET} again",
            numbers={"problems": len(problems)},
        ),
        result(
            PROFILES_ARRIVED,
            not delivery.missed,
            f"{'; '.join(f'{host}: {problem}' for host, problem in delivery.missed.items())}. "
            "`ringrift run --phase profile-sync` sends the file again; no job needs it",
            warn=True,
            numbers={"hosts": len(delivery.sent) + len(delivery.kept), "missed": len(delivery.missed)},
        ),
    ]
