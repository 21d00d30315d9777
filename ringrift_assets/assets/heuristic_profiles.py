"""The heuristic profile in force after an iteration's search, as a file in the documented format."""

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.profile_sync import Delivery, send_profiles
from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.profiles import (
    Candidate,
    IncumbentContent,
    ProfileContent,
    Proof,
    SearchContent,
    new_candidate,
)
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift import names
from ringrift.config import Config, parse_config
from ringrift.files import write_json
from ringrift.jobs.contract import JobSpec
from ringrift.planning.gate import gate_of
from ringrift.planning.tuning import import_candidate
from ringrift.players.heuristic.profiles import PROFILES, profiles_file, trained_profile_name
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
from ringrift_assets.steps.proofs import Proved, Trial, evidence_problems, proof_rows, prove

IMPORT_PREFIX = "import"  # of the match in which an imported candidate is proved


class ProfilePlan(NamedTuple):
    """The step's inputs and what they were taken from; `imported` is the candidate of the import file, or None."""

    inputs: dict[str, Any]
    before: IncumbentContent
    search: Record
    imported: Candidate | None


class Choice(NamedTuple):
    """The profile that a step has settled on: a proved `candidate`, with the profile hash it was proved against."""

    candidate: Candidate
    proof: Proof
    over: str


@dg.asset(
    deps=[names.CMAES_PROFILE],
    partitions_def=PARTITIONS,
    group_name="heuristics",
    kinds={"json"},
    owners=OWNERS,
    code_version="profiles-1/gate-1",
    check_specs=[
        partitioned_spec(
            names.HEURISTIC_PROFILES, EVIDENCE_HOLDS, "The profile changed only by a proof that holds.", blocking=True
        ),
        partitioned_spec(
            names.HEURISTIC_PROFILES,
            PROFILES_ARRIVED,
            "Every other host that plays has the current file of trained profiles.",
        ),
    ],
)
def heuristic_profiles(
    context: dg.AssetExecutionContext, config: OnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The heuristic profile in force from now on: this iteration's proved proposal, else the previous one.

    A profile from elsewhere (`cmaes.import_file`) is one more candidate. Its fitness was measured against other
    opponents, so it is not compared by number: it must pass the same gate against the current profile. The result is
    written as `trained_heuristic_profiles.json`, and the home's file with the profiles of all configs is sent to every
    other host that plays. That file is for people; jobs carry weights and hash themselves.
    """
    with step_errors():
        hosts = runtime.within(config.host_class)  # for the proof; the file goes to every host that plays
        key, iteration = partition_of(context)
        inputs, before, search, imported = plan_profile(runtime, key, iteration)
        if imported is None and (file := runtime.pipeline.cmaes.import_file):
            context.log.warning(f"cmaes.import_file: {file} has no profile for {key}")

        def make(folder: Path, _: Record | None) -> StepOutput:
            started = time.monotonic()
            choice = _proposed(before, content_of(search, SearchContent))
            if choice:
                source = runtime.store.path(search, choice.proof.file)
                shutil.copyfile(source, folder / names.PROFILE_EVIDENCE)
            proved = Proved()
            if imported:
                trial = _trial(before, choice, key, iteration)
                proved = prove(context, hosts, [imported], trial)
                proved.write(folder)
                if proved.chosen:
                    over = choice.candidate.hash if choice else before.profile_hash
                    choice = Choice(proved.chosen, proved.proofs[0], over)
                    shutil.copyfile(folder / choice.proof.file, folder / names.PROFILE_EVIDENCE)
            content = _content(before, choice, proved, parse_config(key), iteration)
            profiles = {} if content.profile in PROFILES else {content.profile: content.profile_weights}
            write_json(folder / names.PROFILES_FILE, profiles_file(profiles, content.metadata))
            work = {}
            if proved.results:
                work = provenance_of(proved.results, time.monotonic() - started)
                work["proof"] = proved.replayed.to_json()
            return StepOutput(1, digest_of(content.to_json()), content, work)

        stored = materialize_partition(context, runtime, inputs, make)
        delivery = send_profiles(runtime)
        return result_of(stored, _metadata(runtime, stored, delivery), _checks(runtime, stored, delivery))


def plan_profile(runtime: Runtime, key: str, iteration: int) -> ProfilePlan:
    """What the profile of an iteration is found from."""
    before = runtime.store.need(names.INCUMBENT, key, iteration)
    search = runtime.store.need(names.CMAES_PROFILE, key, iteration)
    imported = _imported(runtime, key)
    inputs = {
        "before": before.content_digest,
        "search": search.content_digest,
        "imported": imported and imported.hash,
        "gate": asdict(gate_of(runtime.pipeline)),
    }
    return ProfilePlan(inputs, content_of(before, IncumbentContent), search, imported)


def import_proof(runtime: Runtime, plan: ProfilePlan) -> JobSpec | None:
    """The gate that an imported candidate meets first, None where none is needed."""
    choice = _proposed(plan.before, content_of(plan.search, SearchContent))
    current = choice.candidate.hash if choice else plan.before.profile_hash
    if plan.imported is None or plan.imported.hash == current:
        return None
    trial = _trial(plan.before, choice, plan.search.config, plan.search.iteration)
    return trial.job(runtime, plan.imported.weights, 0)


def _trial(before: IncumbentContent, choice: Choice | None, key: str, iteration: int) -> Trial:
    """Where an imported candidate is proved: against the proposal of the search, else the profile before."""
    profile, weights = before.profile, before.profile_weights
    if choice:
        profile, weights = _trained_name(parse_config(key)), choice.candidate.weights
    return Trial(names.HEURISTIC_PROFILES, key, iteration, IMPORT_PREFIX, profile, weights)


def _imported(runtime: Runtime, key: str) -> Candidate | None:
    """The candidate of the pipeline's import file; a relative path starts at the pipeline file."""
    name = runtime.pipeline.cmaes.import_file
    if name is None:
        return None
    path = runtime.settings()[0].resolve().parent / Path(name).expanduser()
    candidate = import_candidate(str(path), parse_config(key))
    return new_candidate(candidate) if candidate else None


def _proposed(before: IncumbentContent, search: SearchContent) -> Choice | None:
    """The proposal of the search with its proof, None where there is none."""
    return Choice(search.proposal, search.proofs[-1], before.profile_hash) if search.proposal else None


def _trained_name(config: Config) -> str:
    return trained_profile_name(config.board, config.players)


def _content(
    before: IncumbentContent, choice: Choice | None, proved: Proved, config: Config, iteration: int
) -> ProfileContent:
    """The profile that plays from now on: the choice, else the one before."""
    data: dict[str, Any] = {
        "profile": before.profile,
        "profile_hash": before.profile_hash,
        "profile_weights": before.profile_weights,
        "source": "incumbent",
        "fitness": None,
        "proof": None,
        "over": None,
    }
    if choice:
        candidate = choice.candidate
        data = {
            "profile": _trained_name(config),
            "profile_hash": candidate.hash,
            "profile_weights": candidate.weights,
            "source": "import" if candidate.kind == "import" else "cmaes",
            "fitness": candidate.fitness and candidate.fitness.model_dump(),
            "proof": choice.proof.model_dump(),
            "over": choice.over,
        }
    data |= {
        "before": {"profile": before.profile, "hash": before.profile_hash},
        "promoted": choice is not None,
        "proofs": [proof.model_dump() for proof in proved.proofs],
        "metadata": {} if data["profile"] in PROFILES else {data["profile"]: _about(data, config, iteration)},
    }
    return new_content(ProfileContent, data)


def _about(data: dict[str, Any], config: Config, iteration: int) -> dict[str, Any]:
    """What the documented file says of a trained profile."""
    fitness, verdict = data["fitness"], data["proof"] and data["proof"]["verdict"]
    return {
        "source": data["source"],
        "iteration": iteration,
        "board": config.board,
        "fitness": fitness["score"] if fitness else verdict["mean"] if verdict else None,
        "hash": data["profile_hash"],
        "proof": {name: verdict[name] for name in ("outcome", "blocks", "mean", "elo")} if verdict else None,
    }


def _metadata(runtime: Runtime, stored: StoredPartition, delivery: Delivery) -> dict[str, Any]:
    content = content_of(stored.record, ProfileContent)
    shown: dict[str, Any] = {
        "profile": f"{content.profile} #{content.profile_hash[:8]}",
        "source": content.source,
        "before": f"{content.before.profile} #{content.before.hash[:8]}",
        "weights": table([{"weight": name, "value": value} for name, value in content.profile_weights.items()]),
    }
    if proofs := [*([content.proof] if content.proof else []), *content.proofs]:
        shown["proofs"] = table(proof_rows(proofs))
    if delivery.file:
        shown["profiles_file"] = dg.MetadataValue.path(str(delivery.file))
    arrived = [
        *({"host": host, "file": "sent now", "problem": ""} for host in delivery.sent),
        *({"host": host, "file": "had it", "problem": ""} for host in delivery.present),
        *({"host": host, "file": "not reached", "problem": problem} for host, problem in delivery.missed.items()),
    ]
    if arrived:
        shown["profiles_on_hosts"] = table(arrived)
    return {**shown, **partition_metadata(runtime, stored)}


def _checks(runtime: Runtime, stored: StoredPartition, delivery: Delivery) -> list[dg.AssetCheckResult]:
    content = content_of(stored.record, ProfileContent)
    problems: list[str] = []
    if content.proof is not None:
        path = runtime.store.path(stored.record, names.PROFILE_EVIDENCE)
        problems = evidence_problems(
            path, content.proof.digest, promoted=True, candidate=content.profile_hash, opponent=content.over
        )
    elif content.profile_hash != content.before.hash:
        problems = ["the profile changed without evidence"]
    return [
        result(
            EVIDENCE_HOLDS,
            not problems,
            f"{'; '.join(problems)}. Materialize {names.CMAES_PROFILE} and {names.HEURISTIC_PROFILES} again",
            numbers={"problems": len(problems)},
        ),
        result(
            PROFILES_ARRIVED,
            not delivery.missed,
            f"{'; '.join(f'{host}: {problem}' for host, problem in delivery.missed.items())}. "
            "`ringrift run --phase profile-sync` sends the file again; no job needs it",
            warn=True,
            numbers={"hosts": len(delivery.sent) + len(delivery.present), "missed": len(delivery.missed)},
        ),
    ]
