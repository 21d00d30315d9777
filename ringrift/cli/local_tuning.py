"""`ringrift tune`: the searches of a config and their proof outside the graph, in worker processes of this machine.

Each job has a directory below the work folder, with everything a job of the graph has. Tuning again with equal
arguments goes on where it stopped.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringrift.config import Config
from ringrift.errors import InvalidInput, RingRiftError
from ringrift.files import write_text
from ringrift.gamesets.shards import read_shard
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec, Manifest
from ringrift.jobs.directory import read_manifest, read_state
from ringrift.kinds.match_results import gate_evidence
from ringrift.kinds.tournament import game_plan
from ringrift.planning.gate import gate_of
from ringrift.planning.jobs import match_terms, search_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.tuning import proof_job, proof_order, search_params
from ringrift.players.heuristic.profiles import profile_hash
from ringrift.specs.match import MatchParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse

POLL_S = 0.5
Progress = Callable[[dict[str, dict[str, Any]]], None]
"""Hears the last `progress` message of each job by its name."""


def tune(
    pipeline: Pipeline,
    config: Config,
    profile: str,
    weights: Mapping[str, float],
    work: Path,
    processes: int,
    progress: Progress = lambda jobs: None,
) -> dict[str, Any]:
    """Search from `weights`, prove candidates until one is promoted, and say everything about it as JSON.

    `chosen` is the promoted candidate or None, `proofs` are the gates with their evidence. Ctrl-C stops the workers
    and goes on as KeyboardInterrupt. Raises RingRiftError if a worker fails.
    """
    started = time.monotonic()
    specs = [search_job(params) for params in search_params(pipeline, config, 0, profile, weights)]
    found = run_jobs(specs, work, processes, progress)
    searches = [manifest.result for manifest in found]
    searched_s = time.monotonic() - started
    candidates = proof_order([candidate for search in searches for candidate in search["candidates"]])
    gate, proofs, chosen = gate_of(pipeline), [], None
    for number, candidate in enumerate(candidates[: pipeline.cmaes.proofs]):
        if candidate["hash"] == profile_hash(weights):
            continue
        spec = proof_job(
            match_terms(pipeline, config, 0),
            f"profile_{number}",
            candidate=candidate["weights"],
            profile=profile,
            weights=weights,
            gate=gate,
        )
        run_jobs([spec], work, processes, progress)
        held = _evidence(spec, work / spec.job_id, gate)
        proofs.append({"kind": candidate["kind"], "hash": candidate["hash"], "evidence": held})
        if held["verdict"]["outcome"] == "promoted":
            chosen = candidate
            break
    return {
        "config": config.key,
        "profile": profile,
        "before": dict(weights),
        "chosen": chosen,
        "candidates": candidates,
        "proofs": proofs,
        "histories": [search["history"] for search in searches],
        "games": sum(search["games"] for search in searches) + sum(len(p["evidence"]["games"]) for p in proofs),
        "search_s": round(searched_s, 1),
        "proof_s": round(time.monotonic() - started - searched_s, 1),
    }


def _evidence(spec: JobSpec, folder: Path, gate: SequentialTest) -> dict[str, Any]:
    manifest = read_manifest(folder, spec.job_id)
    assert manifest is not None  # run_jobs returned
    rows = [row for shard in manifest.shards for row in read_shard(folder / contract.OUT / shard.name).to_pylist()]
    rows.sort(key=lambda row: row["game_index"])
    plan = game_plan(parse(MatchParams, spec.params, spec.name))
    return gate_evidence(rows, plan, gate, "profile")


def run_jobs(specs: Sequence[JobSpec], work: Path, processes: int, progress: Progress) -> list[Manifest]:
    """Run jobs in worker processes, at most `processes` at once; those done before are taken as they are."""
    folders = {spec.job_id: _prepared(spec, work) for spec in specs}
    waiting = [spec.job_id for spec in specs]
    running: dict[str, subprocess.Popen[bytes]] = {}
    names = {spec.job_id: spec.name for spec in specs}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                job = waiting.pop(0)
                running[job] = _start(folders[job])
            time.sleep(POLL_S)
            for job in [job for job, process in running.items() if process.poll() is not None]:
                if code := running.pop(job).returncode:
                    raise RingRiftError(_failure(folders[job], code))
            progress({names[job]: _last_progress(folders[job]) for job in running})
    finally:
        for process in running.values():  # only when something went wrong or somebody interrupts
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            process.wait()
    manifests = [read_manifest(folders[spec.job_id], spec.job_id) for spec in specs]
    return [manifest for manifest in manifests if manifest is not None]


def _prepared(spec: JobSpec, work: Path) -> Path:
    folder = work / spec.job_id
    (folder / contract.OUT).mkdir(parents=True, exist_ok=True)
    path = folder / contract.SPEC
    if not path.exists():
        write_text(path, spec.canonical())
    elif path.read_text(encoding="utf-8") != spec.canonical():
        raise InvalidInput(str(path), path.name, f"remove {folder}", problem="it belongs to another job")
    return folder


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ringrift.jobs.worker", "run", str(folder)]
    with (folder / contract.LOG).open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _failure(folder: Path, code: int) -> str:
    state = read_state(folder) if code != 75 else None
    why = "another tuning is running it" if code == 75 else (state and state.error) or f"exit code {code}"
    return f"{folder.name}: {why}; its log is {folder / contract.LOG}"


def _last_progress(folder: Path) -> dict[str, Any]:
    """The newest `progress` message of a job, empty before the first."""
    path = folder / contract.MESSAGES
    if not path.exists():
        return {}
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192), os.SEEK_SET)
        lines = file.read().splitlines()
    for line in reversed(lines):
        try:
            payload = json.loads(line)["params"]["payload"]
        except (ValueError, KeyError, TypeError):
            continue
        if payload.get("event") == "progress":
            return dict(payload)
    return {}
