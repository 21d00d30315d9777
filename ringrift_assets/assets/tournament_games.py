"""The matches of an iteration: plan them, run them on the hosts, and make one verified game set of them."""

import base64
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from resources.models.registry import ASSET as MODEL
from resources.models.registry import TRAINED, Registry
from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record
from resources.views.logs import write_tournament_log
from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec
from ringrift_assets.assets.selfplay_games import champion_file
from ringrift_assets.steps.checks import ALL_VERIFY, GAMES, WHOLE, partitioned_spec, result
from ringrift_assets.steps.jobs import CANCEL_ON, job_log, need_done, provenance_of
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import (
    OWNERS,
    MaterializeOnHosts,
    StepOutput,
    StoredPartition,
    materialize_partition,
    registry_for,
    step_errors,
)

if TYPE_CHECKING:
    from ringrift.jobs.inputs import ModelFile
    from ringrift.planning.entrants import Rated
    from ringrift.planning.matches import MatchPlan, PlannedMatch

ASSET = "tournament_games"
RESULTS = "match_results"
GATED = ("champion", "tier")  # kinds of matches that a verdict rests on
RATINGS, FIT = "elo_ratings", "fit.json"
PICTURE = "the end of the longest match game"


class NoMatch(RingRiftError):
    """The phase ran out of time before one match was whole."""


@dg.asset(
    deps=["heuristic_profiles", "incumbent", "trained_model"],
    partitions_def=PARTITIONS,
    group_name="evaluation",
    kinds={"parquet"},
    owners=OWNERS,
    code_version="game-set-1/canonical-1/gate-1",
    check_specs=[
        partitioned_spec(ASSET, WHOLE, "Every planned match was played to its end."),
        partitioned_spec(
            ASSET,
            ALL_VERIFY,
            "Every game replays exactly, between the players and from the seed planned.",
            blocking=True,
        ),
    ],
)
def tournament_games(
    context: dg.AssetExecutionContext, config: MaterializeOnHosts, runtime: dg.ResourceParam[Runtime]
) -> dg.MaterializeResult:
    """The games in which players meet each other: match-ups, the match for the next tier, and a round robin.

    Seats rotate and the games of a block begin alike, from an opening that the heuristic finds balanced, so that
    nobody has the better seat or opening. The candidate meets the champion, or the reference search where there is
    none, and the player in force the benchmark of the next tier: each is one job that stops itself as soon as its
    sequential test decides. The round robin plays the tables that tell most, by the ratings of earlier iterations.
    A match-up whose engine does not exist yet is reported as skipped; nobody plays in its place. When the phase
    runs out of time, whole matches are kept and the next materialization plays on where the others stopped.
    """
    with step_errors():
        runtime = runtime.within(config.host_class)
        key, iteration = partition_of(context)
        incumbent = runtime.store.need("incumbent", key, iteration).data
        tuned = runtime.store.need("heuristic_profiles", key, iteration).data
        model = runtime.store.need(MODEL, key, iteration).data
        registry, champion = registry_for(runtime, ASSET, key, iteration), champion_file(runtime, incumbent)
        plan = plan_tournament(
            runtime, key, iteration, incumbent, tuned, networks(registry, key, iteration, champion, model)
        )
        inputs = tournament_inputs(plan)
        skipped = inputs["skipped"]
        if not plan.matches:
            why = "; ".join(f"{entry['match']}: {entry['reason']}" for entry in skipped)
            raise NoMatch(f"no match of {key} can be played ({why})")

        def make(folder: Path, partial: Record | None) -> StepOutput:
            made = _play(context, runtime, folder, plan, skipped, partial)
            return replace(made, provenance={**made.provenance, "acts": registry.acts})

        kept = materialize_partition(context, runtime, inputs, make, allow_fewer_rows=config.allow_fewer_rows)
        write_tournament_log(runtime.home, kept.record)
        return result_of(kept, _metadata(runtime, kept), _checks(kept))


def plan_tournament(
    runtime: Runtime,
    key: str,
    iteration: int,
    incumbent: Mapping[str, Any],
    tuned: Mapping[str, Any],
    networks: Mapping[str, Any],
) -> "MatchPlan":
    """The matches of an iteration.

    They follow from its incumbent, the profile in force after its search (`profile` and `profile_weights` of `tuned`),
    its `networks`, and from storage the ratings and the trained profiles of earlier iterations.
    """
    from ringrift.config import parse_config
    from ringrift.planning.matches import plan_matches
    from ringrift.planning.tuning import past_profiles, trained_profiles

    earlier = [record.data for record in runtime.store.upto("incumbent", key, iteration - 1)]
    trained = trained_profiles(tuned["profile"], tuned["profile_weights"])
    return plan_matches(
        runtime.pipeline,
        parse_config(key),
        iteration,
        {**incumbent, "profile": tuned["profile"]},
        profiles={**past_profiles([*earlier, incumbent]), **trained},
        rated=_rated(runtime, key, iteration),
        **networks,
    )


def tournament_inputs(plan: "MatchPlan") -> dict[str, Any]:
    """What the games of a plan are a function of."""
    return {
        "jobs": [match.spec.job_id for match in plan.matches],
        "skipped": [entry._asdict() for entry in plan.skipped],
    }


def networks(
    registry: Registry,
    config: str,
    iteration: int,
    champion: "ModelFile | None",
    model: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The networks of an iteration as `plan_matches` takes them: champion, candidate, and those that play on.

    `model` is what trained_model holds; without it nothing is said of a candidate.
    """
    from ringrift.jobs.inputs import ModelFile

    there = {entry["weights"]: ModelFile(**entry) for entry in registry.inputs(config, iteration)}
    found: dict[str, Any] = {"models": list(there.values()), "champion": champion}
    if model is None:
        return found
    if model["status"] != TRAINED:
        found["no_candidate"] = f"no candidate: {model['have']} of {model['need']} games are there"
    elif model["weights"] not in there:
        found["no_candidate"] = f"the candidate {model['model_id']} is deprecated"
    else:
        found["candidate"] = there[model["weights"]]
    return found


def _rated(runtime: Runtime, config: str, iteration: int) -> "Rated | None":
    """The newest ratings of earlier iterations, None if there are none with a covariance."""
    from ringrift.planning.entrants import Rated

    records = [r for r in runtime.store.upto(RATINGS, config, iteration - 1) if FIT in r.files]
    if not records:
        return None
    fit = json.loads(runtime.store.path(records[-1], FIT).read_text(encoding="utf-8"))
    return Rated(fit["participants"], fit["ratings"], fit["covariance"], records[-1].data["participants"])


def open_matches(plan: "MatchPlan", partial: Record | None) -> "list[PlannedMatch]":
    """The matches of a plan that a partial partition (None: there is none) does not have whole."""
    return [m for m in plan.matches if partial is None or m.spec.name in partial.missing["matches"]]


def _play(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    folder: Path,
    plan: "MatchPlan",
    skipped: list[dict[str, str]],
    partial: Record | None,
) -> StepOutput:
    """Play what is not whole yet, then have all of it verified and counted."""
    todo = open_matches(plan, partial)
    if partial:
        context.log.info(f"going on from {partial.rows} games, {len(todo)} matches are not whole")
    started = time.monotonic()
    results = runtime.run(
        "selfplay",
        [match.spec for match in todo],
        listener=job_log(context),
        timeout_s=runtime.pipeline.polling.max_phase_minutes * 60,
        cancel_on=CANCEL_ON,
    )
    need_done(results)
    summing = _summing_job(runtime, plan, dict(zip((m.spec.name for m in todo), results, strict=True)), partial)
    summed = runtime.run(None, [summing], listener=job_log(context), cancel_on=CANCEL_ON)
    need_done(summed)
    for path in summed[0].shards:
        shutil.copyfile(path, folder / path.name)
    assert summed[0].manifest is not None  # a job that is done has one
    found = summed[0].manifest.result
    digest = found.pop("content_digest")
    named = [{**_about(match), **entry} for match, entry in zip(plan.matches, found.pop("matches"), strict=True)]
    missing = [entry["match"] for entry in named if not entry["whole"]]
    if len(missing) == len(named):
        late = "; ".join(sorted({result.error for result in results if result.error}))
        raise NoMatch(
            f"none of the {len(named)} matches is whole ({late}); materialize again to play on, "
            "or raise polling.max_phase_minutes"
        )
    players = {key: _player(content, plan) for key, content in found.pop("participants").items()}
    return StepOutput(
        rows=found["games"],
        content_digest=digest,
        data={**found, "matches": named, "participants": players, "skipped": skipped},
        provenance={
            **provenance_of([*results, *summed], time.monotonic() - started),
            "played": sum(r.manifest.result["played_now"] for r in results if r.manifest),
        },
        missing={"matches": missing} if missing else {},
    )


def _summing_job(runtime: Runtime, plan: "MatchPlan", played: dict[str, JobResult], partial: Record | None) -> JobSpec:
    """The job that makes one game set and the scores from the pulled shards."""
    first = plan.matches[0].spec
    matches = [
        {
            "kind": match.spec.kind,
            "params": match.spec.params,
            "shards": [runtime.input_file(path) for path in played[match.spec.name].shards]
            if match.spec.name in played
            else [],
            "purpose": match.kind if match.kind in GATED else None,
        }
        for match in plan.matches
    ]
    params: dict[str, Any] = {"config": first.config, "iteration": first.iteration, "matches": matches}
    if partial:
        params["stored"] = runtime.input_file(runtime.store.path(partial, GAMES))
    return JobSpec(
        asset=ASSET, config=first.config, iteration=first.iteration, name=RESULTS, kind=RESULTS, params=params
    )


def _about(match: "PlannedMatch") -> dict[str, Any]:
    return {"title": match.title, "kind": match.kind, "job": match.spec.job_id}


def _player(content: dict[str, Any], plan: "MatchPlan") -> dict[str, Any]:
    """How a participant is stored: what it is, and how people read it."""
    from ringrift.config import parse_config
    from ringrift.planning.matches import alias
    from ringrift.players.participant import Participant

    player = Participant.from_dict(content)
    name = alias(player, parse_config(plan.matches[0].spec.config))
    return {"name": name, "label": player.label, "participant": content}


def _metadata(runtime: Runtime, kept: StoredPartition) -> dict[str, Any]:
    data = kept.record.data
    shown: dict[str, Any] = {"matches": table(match_rows(data))}
    if data["thumbnail"]:
        shown["end_of_longest_game"] = dg.MetadataValue.md(f"![{PICTURE}]({data['thumbnail']})")
        svg = base64.b64encode(runtime.store.path(kept.record, "board.svg").read_bytes()).decode()
        shown["end_of_longest_game_large"] = dg.MetadataValue.md(f"![{PICTURE}](data:image/svg+xml;base64,{svg})")
    shown["capped"] = data["capped"]
    if data["skipped"]:
        shown["skipped"] = table(data["skipped"])
    if data["rejected"]:
        shown["rejected"] = dg.MetadataValue.json(data["rejected"])
    if kept.record.missing:
        shown["missing"] = dg.MetadataValue.json(kept.record.missing)
    return {**shown, **partition_metadata(runtime, kept)}


def match_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """One row of text a match, for tables: who played, the score of the first, and a gate's verdict."""
    rows = []
    for match in data["matches"]:
        names = [f"{data['participants'][e['key']]['name']}" for e in match["entrants"]]
        gate = match["gate"]
        verdict = "" if gate is None else (gate["verdict"] or {"outcome": "not ended"})["outcome"]
        two = len(names) == 2 and match["kind"] != "round_robin"
        score = match["entrants"][0]["score"]
        rows.append(
            {
                "match": match["match"],
                "score of the first": f"{score:.1%}" if two and score is not None else "",
                "games": match["games"],
                "verdict": verdict,
                "players": ", ".join(names),
            }
        )
    return rows


def _checks(kept: StoredPartition) -> list[dg.AssetCheckResult]:
    data, missing = kept.record.data, kept.record.missing.get("matches", [])
    bad = sum(data["rejected"].values())
    reasons = ", ".join(f"{reason}: {n}" for reason, n in data["rejected"].items())
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
    ]
