"""The matches of an iteration: plan them, run them on the hosts, and make one verified game set of them."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.matches import MatchesContent
from resources.store.contents.models import TrainingOutcome
from resources.store.contents.profiles import ProfileContent
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record
from resources.views.logs import write_tournament_log
from ringrift import names
from ringrift.config import parse_config
from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec
from ringrift.planning.matches import MatchPlan, PlannedMatch
from ringrift.planning.players import alias
from ringrift.players.participant import Participant
from ringrift.specs.prove import write_plans
from ringrift_assets.steps.checks import ALL_VERIFY, EQUAL_TIME, WHOLE, partitioned_spec, result
from ringrift_assets.steps.incumbents import load_incumbent, with_profile
from ringrift_assets.steps.jobs import provenance_of, run_job
from ringrift_assets.steps.match_results import played_match, results_job
from ringrift_assets.steps.metadata import partition_metadata, picture, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    MaterializeOnHosts,
    StepOutput,
    StoredPartition,
    materialize_partition,
    registry_for,
    step_errors,
)
from ringrift_assets.steps.tournament import (
    match_rows,
    networks_of,
    open_matches,
    plan_tournament,
    tournament_inputs,
)
from ringrift_assets.steps.trust import plans_of, run_proved

TIME_RATIO = 1.5  # between the two sides of a gate, beyond which a check warns
PICTURE = "the end of the longest match game"


class NoMatch(RingRiftError):
    """The phase ran out of time before one match was whole."""


@dg.asset(
    deps=[names.HEURISTIC_PROFILES, names.INCUMBENT, names.TRAINED_MODEL],
    partitions_def=PARTITIONS,
    group_name="evaluation",
    kinds={"parquet"},
    owners=OWNERS,
    code_version="game-set-1/canonical-1/gate-1",
    check_specs=[
        partitioned_spec(names.TOURNAMENT_GAMES, WHOLE, "Every planned match was completed."),
        partitioned_spec(
            names.TOURNAMENT_GAMES,
            ALL_VERIFY,
            "Every game replays exactly, between the players and from the seed planned.",
            blocking=True,
        ),
        partitioned_spec(
            names.TOURNAMENT_GAMES,
            EQUAL_TIME,
            "Candidate and opponent took about equal CPU time a decision.",
        ),
    ],
)
def tournament_games(
    context: dg.AssetExecutionContext, config: MaterializeOnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """Match games: documented match-ups, the gates of candidate and tier, and a rating round robin.

    Seats rotate, and the games of a block share an opening that the heuristic finds balanced, so that no player has
    the better seat or opening. The candidate plays the champion at equal CPU time a decision, or the reference search
    while there is none; the current player plays the benchmark of the next tier; the newest player meets the frozen
    anchor, which tells all iterations in one unit. Each gate is one job that stops as soon as its sequential test
    decides. The round robin plays the tables that are most informative given earlier ratings. A match-up whose engine
    is not available yet is reported as skipped. If the phase times out, whole matches are kept and the next
    materialization continues the others.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        before = load_incumbent(runtime, key, iteration)
        profile = content_of(runtime.store.need(names.HEURISTIC_PROFILES, key, iteration), ProfileContent)
        model = content_of(runtime.store.need(names.TRAINED_MODEL, key, iteration), TrainingOutcome)
        registry = registry_for(runtime, names.TOURNAMENT_GAMES, key, iteration)
        networks = networks_of(registry, key, iteration, model)
        plan = plan_tournament(runtime, key, iteration, before, with_profile(before, profile), networks)
        inputs = tournament_inputs(plan)
        skipped = inputs["skipped"]
        if not plan.matches:
            why = "; ".join(f"{entry['match']}: {entry['reason']}" for entry in skipped)
            raise NoMatch(f"no match of {key} can be played ({why})")

        def make(folder: Path, partial: Record | None) -> StepOutput:
            output = _play(context, runtime, folder, plan, skipped, partial)
            return replace(output, provenance={**output.provenance, "acts": registry.acts})

        stored = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        write_tournament_log(runtime.home, stored.record)
        return result_of(stored, _metadata(runtime, stored), _checks(stored))


def _play(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    folder: Path,
    plan: MatchPlan,
    skipped: list[dict[str, str]],
    partial: Record | None,
) -> StepOutput:
    """Play what is not whole yet, then have all of it verified and counted."""
    todo = open_matches(plan, partial)
    if partial:
        context.log.info(f"going on from {partial.rows} games, {len(todo)} matches are not whole")
    started = time.monotonic()
    specs = [match.spec for match in todo]
    minutes = runtime.pipeline.polling.max_phase_minutes
    results, proof = run_proved(context, runtime, specs, capability="selfplay", minutes=minutes)
    write_plans(folder / names.PLANS_FILE, plans_of(runtime, results, partial))
    played = {spec.name: job for spec, job in zip(specs, results, strict=True)}
    output = run_job(context, runtime, _results_job(runtime, plan, played, partial), folder)
    found = output.result
    matches = [{**_about(match), **entry} for match, entry in zip(plan.matches, found["matches"], strict=True)]
    missing = [entry["match"] for entry in matches if not entry["whole"]]
    if len(missing) == len(matches):
        late = "; ".join(sorted({result.error for result in results if result.error}))
        raise NoMatch(
            f"none of the {len(matches)} matches is whole ({late}); materialize again to play on, "
            "or raise polling.max_phase_minutes"
        )
    players = {key: _player(content, plan) for key, content in found["participants"].items()}
    assert output.content_digest is not None  # this kind of job has one
    return StepOutput(
        rows=found["games"],
        content_digest=output.content_digest,
        content=new_content(MatchesContent, {**found, "matches": matches, "participants": players, "skipped": skipped}),
        provenance={
            **provenance_of([*results, output.job], time.monotonic() - started),
            "played": sum(job.manifest.result["played_now"] for job in results if job.manifest),
            "proof": proof.to_json(),
            "effort": {job.spec.name: job.manifest.result["effort"] for job in results if job.manifest},
        },
        missing={"matches": missing} if missing else {},
    )


def _results_job(runtime: Runtime, plan: MatchPlan, played: Mapping[str, JobResult], partial: Record | None) -> JobSpec:
    """The job that makes one game set and the scores from the pulled shards."""
    first = plan.matches[0].spec
    matches = [
        played_match(
            runtime, match.spec, played[match.spec.name].shards if match.spec.name in played else [], match.purpose
        )
        for match in plan.matches
    ]
    stored = runtime.input_file(runtime.store.path(partial, names.GAMES_FILE)) if partial else None
    return results_job(names.TOURNAMENT_GAMES, first.config, first.iteration, matches, stored)


def _about(match: PlannedMatch) -> dict[str, Any]:
    return {"title": match.title, "kind": match.kind, "job": match.spec.job_id}


def _player(content: dict[str, Any], plan: MatchPlan) -> dict[str, Any]:
    """How a participant is stored: what it is, and how people read it."""
    player = Participant.from_dict(content)
    name = alias(player, parse_config(plan.matches[0].spec.config))
    return {"name": name, "label": player.label, "participant": content}


def _metadata(runtime: Runtime, stored: StoredPartition) -> dict[str, Any]:
    content = content_of(stored.record, MatchesContent)
    shown: dict[str, Any] = {"matches": table(match_rows(content))}
    if content.thumbnail:
        shown["end_of_longest_game"] = dg.MetadataValue.md(f"![{PICTURE}]({content.thumbnail})")
        svg = runtime.store.path(stored.record, names.BOARD_PICTURE).read_bytes()
        shown["end_of_longest_game_large"] = picture(PICTURE, svg)
    shown["capped"] = content.capped
    if content.skipped:
        shown["skipped"] = table([entry.model_dump() for entry in content.skipped])
    if content.rejected:
        shown["rejected"] = dg.MetadataValue.json(content.rejected)
    if stored.record.missing:
        shown["missing"] = dg.MetadataValue.json(stored.record.missing)
    return {**shown, **partition_metadata(runtime, stored)}


def _checks(stored: StoredPartition) -> list[dg.AssetCheckResult]:
    content, missing = content_of(stored.record, MatchesContent), stored.record.missing.get("matches", [])
    bad = sum(content.rejected.values())
    uneven = _uneven(content, stored.record)
    reasons = ", ".join(f"{reason}: {n}" for reason, n in content.rejected.items())
    return [
        result(
            WHOLE,
            not missing,
            f"not played to the end: {', '.join(missing)}; materialize again to play on",
            warn=True,
            numbers={"missing": len(missing)},
        ),
        result(
            ALL_VERIFY,
            bad == 0,
            f"{bad} games are not the planned ones ({reasons}). rejects.parquet beside the games says which and why: "
            "do not use the host that played them before that is understood",
            numbers={"rejected": bad},
        ),
        result(
            EQUAL_TIME,
            not uneven,
            f"{'; '.join(uneven)}. Measure the rates of this kind of machine (`ringrift bench players --rates FILE`) "
            "and name the file in search.rates",
            warn=True,
        ),
    ]


def _uneven(content: MatchesContent, record: Record) -> list[str]:
    """The candidate's gate, in words, if one side took far more CPU time a decision and that was measured."""
    match = content.match_of("champion")
    effort = record.provenance.get("effort", {}).get(match.match, {}) if match else {}
    spent = {name.partition("#")[2]: 1000 * cpu_s / n for name, (cpu_s, n) in effort.items() if n}
    if match is None or len(spent) < 2:
        return []
    first, second = (spent[entrant.key] for entrant in match.entrants)
    if 1 / TIME_RATIO <= first / second <= TIME_RATIO:
        return []
    return [f"{match.match}: {first:.1f} ms a decision against {second:.1f} ms"]
