"""The end of an iteration: what happened, on one page, and the views of the home made again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import Row, content_of, new_content
from resources.store.contents.games import SelfplayContent, TrainingContent
from resources.store.contents.matches import MatchesContent, Rating, RatingsContent
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.operations import Progress, ReportContent
from resources.store.contents.profiles import ProfileContent, SearchContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.phases import REPORT, STEPS
from resources.store.record import Record, digest_of
from resources.views.state import refresh
from resources.views.text import elo_text, iteration_block, leaderboard_block
from ringrift import names
from ringrift.files import write_text
from ringrift.plots.progress import Point, render_progress, render_small_progress
from ringrift_assets.assets.tier_assignment import verdict_rows
from ringrift_assets.steps.checks import REPORT_COMPLETE, SEALED, partitioned_spec, result
from ringrift_assets.steps.metadata import partition_metadata, picture, result_of, table
from ringrift_assets.steps.partition import OWNERS, StepOutput, StoredPartition, materialize_partition, step_errors
from ringrift_assets.steps.progress import cost_rows, point_rows, progress_of
from ringrift_assets.steps.proofs import proof_rows
from ringrift_assets.steps.report_html import PROGRESS_PICTURE, render
from ringrift_assets.steps.seals import seal_problem
from ringrift_assets.steps.tournament import match_rows

UPSTREAM = [asset for asset in STEPS if asset != REPORT]
JOB_COLUMNS = ("job", "games", "unique", "capped", "decisions")
RATING_COLUMNS = ("name", "rating", "low", "high", "games", "elo")
MEASURED = ("costs", "advice")  # of the progress: CPU time differs from run to run


@dg.asset(
    deps=UPSTREAM,
    partitions_def=PARTITIONS,
    group_name="operations",
    kinds={"html"},
    owners=OWNERS,
    code_version="report-4",
    check_specs=[
        partitioned_spec(REPORT, REPORT_COMPLETE, "No part of the iteration is partial."),
        partitioned_spec(REPORT, SEALED, "Every part of the iteration holds what Dagster was told that was made."),
    ],
)
def iteration_report(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """Report of the iteration: verdicts, progress, matches, ratings and data, as an HTML page and a text summary.

    Progress is told in one unit, Elo over a frozen anchor by iteration, with the CPU time that each phase took and
    where the next hour is best spent.
    It closes the iteration and rebuilds the global views from the store: the state file logs/pipeline/state.json,
    trained_heuristic_profiles.json, the pages in reports/, the match games in logs/tournaments/ and the searches in
    logs/cmaes/.
    """
    with step_errors():
        key, iteration = partition_of(context)
        records = {asset: runtime.store.need(asset, key, iteration) for asset in UPSTREAM}
        progress = progress_of(runtime.store, key, iteration)
        inputs = {
            **{asset: [record.content_digest, record.missing] for asset, record in records.items()},
            "progress": progress.model_dump(),
        }

        def make(folder: Path, _: Record | None) -> StepOutput:
            content = report_of(key, iteration, records, progress)
            summary = f"{iteration_block(iteration, [content])}\n\n{leaderboard_block(content.leaderboard, key)}\n"
            write_text(folder / names.SUMMARY_FILE, summary)
            page = render(content, summary, _pictures(runtime, records, content), _links(key, iteration))
            write_text(folder / names.REPORT_PAGE, page)
            return StepOutput(1, _digest(content), content)

        stored = materialize_partition(context, runtime, inputs, make)
        refresh(runtime.home)
        content = content_of(stored.record, ReportContent)
        changed = [seal_problem(context.instance, runtime.home, record) for record in records.values()]
        return result_of(stored, _metadata(runtime, stored, content), _checks(content, [p for p in changed if p]))


def report_of(config: str, iteration: int, records: Mapping[str, Record], progress: Progress) -> ReportContent:
    """Everything the report says, from the records of the iteration's other assets and the progress up to it."""
    played = content_of(records[names.SELFPLAY_GAMES], SelfplayContent)
    games = content_of(records[names.TRAINING_DB], TrainingContent)
    search = content_of(records[names.CMAES_PROFILE], SearchContent)
    model = content_of(records[names.TRAINED_MODEL], TrainingOutcome)
    profile = content_of(records[names.HEURISTIC_PROFILES], ProfileContent)
    matches = content_of(records[names.TOURNAMENT_GAMES], MatchesContent)
    ratings = content_of(records[names.ELO_RATINGS], RatingsContent)
    verdicts = content_of(records[names.TIER_ASSIGNMENT], VerdictsContent).verdicts
    data = {
        "config": config,
        "iteration": iteration,
        "selfplay": {"dispatched": len(played.jobs), "total": len(played.jobs) + len(played.skipped)},
        "cmaes": {config: True},
        "tuning": {
            "profile": profile.profile,
            "hash": profile.profile_hash,
            "source": profile.source,
            "search_games": sum(counts.games for counts in search.searches),
            "proof_games": search.proof_games,
        },
        "proofs": proof_rows([*search.proofs, *profile.proofs]),
        "training": {config: isinstance(model, ModelContent)},
        "network": network_row(model),
        "eval": {
            match.title: round(match.entrants[0].score, 3)
            for match in matches.matches
            if match.kind != "round_robin" and match.entrants[0].score is not None
        },
        "promotions": {config: verdicts.tier.now} if verdicts.tier.promoted else {},
        "verdicts": verdict_rows(verdicts),
        "matches": match_rows(matches),
        "leaderboard": [_rating_row(row) for row in ratings.ratings],
        "jobs": [{name: getattr(job, name) for name in JOB_COLUMNS} for job in played.jobs],
        "training_data": {
            "read": games.read,
            "kept": games.games,
            "rejected": ", ".join(f"{reason}: {n}" for reason, n in games.rejected.items()) or "none",
            "decisions": games.decisions,
        },
        "skipped": [
            *({"what": job.job, "reason": job.reason} for job in played.skipped),
            *({"what": match.match, "reason": match.reason} for match in matches.skipped),
        ],
        "partial": [asset for asset, record in records.items() if record.missing],
        "progress": progress.model_dump(),
    }
    return new_content(ReportContent, data)


def _digest(content: ReportContent) -> str:
    """The digest of what does not differ from run to run."""
    data = content.to_json()
    return digest_of({**data, "progress": {k: v for k, v in data["progress"].items() if k not in MEASURED}})


def _rating_row(row: Rating) -> Row:
    """A row of the leaderboard; LOS, the likelihood to be stronger than the next, in percent and empty for the last."""
    shown: Row = {name: getattr(row, name) for name in RATING_COLUMNS}
    return shown | {"LOS": "" if row.los is None else f"{row.los:.1%}"}


def network_row(model: TrainingOutcome) -> Row:
    """One row about the iteration's network, for tables."""
    if not isinstance(model, ModelContent):
        return {"model": f"none: {model.have} of {model.need} games are there"}
    return {
        "model": model.model_id,
        "network": model.network,
        "weights": model.weights[:16],
        "parent": (model.parent or "none")[:16],
        "games": model.window["games"],
        "rows": model.window["training_rows"],
        "epoch kept": model.best_epoch,
        **{name: _figure(model, name) for name in ("loss", "policy", "value_mse", "value_mse_constant")},
        "best move found": f"{model.metrics['top1']:.1%}" if "top1" in model.metrics else "",
    }


def _figure(model: ModelContent, name: str) -> str:
    """A metric in three decimals, nothing where a network of this kind has none."""
    return f"{model.metrics[name]:.3f}" if name in model.metrics else ""


def _points(content: ReportContent) -> list[Point]:
    """The points of the progress as the plots take them."""
    points = content.progress.points if content.progress else []
    return [Point(p.iteration, p.elo, p.low, p.high, p.candidate, p.champion) for p in points]


def _progress_picture(content: ReportContent) -> bytes | None:
    """The curve of the progress as SVG, None where nothing was measured."""
    if content.progress is None or not content.progress.points:
        return None
    title = f"{content.config}: Elo over the frozen anchor {content.progress.anchor}, 95 % intervals"
    return render_progress(_points(content), title).encode()


def _pictures(runtime: Runtime, records: Mapping[str, Record], content: ReportContent) -> dict[str, bytes]:
    """SVG pictures by title, those that the iteration has."""
    curve = _progress_picture(content)
    wanted = {
        "Ratings with 95 % intervals": (names.ELO_RATINGS, names.RATINGS_PLOT),
        "Ratings over the iterations": (names.ELO_RATINGS, names.RATING_HISTORY_PLOT),
        "Losses of the network": (names.TRAINED_MODEL, names.LOSSES_PLOT),
        "CMA-ES: score against the panel": (names.CMAES_PROFILE, names.CONVERGENCE_PLOT),
        "End of the longest selfplay game": (names.TRAINING_DB, names.BOARD_PICTURE),
        "End of the longest match game": (names.TOURNAMENT_GAMES, names.BOARD_PICTURE),
    }
    stored = {
        title: runtime.store.path(records[asset], name).read_bytes()
        for title, (asset, name) in wanted.items()
        if name in records[asset].files
    }
    return {PROGRESS_PICTURE: curve, **stored} if curve else stored


def _links(config: str, iteration: int) -> dict[str, str]:
    """Where the files of the iteration are, relative to the home."""
    folders = {asset: f"store/{asset}/{config}/{iteration:04d}/" for asset in UPSTREAM}
    logs = {
        "match games as JSON lines": f"logs/tournaments/iter{iteration}/{config}.jsonl",
        "CMA-ES generations as JSON lines": f"logs/cmaes/iter{iteration}/{config}.jsonl",
    }
    earlier = {"report before": f"reports/{config}/iter{iteration - 1:04d}.html"} if iteration else {}
    return {**earlier, **folders, **logs}


def _metadata(runtime: Runtime, stored: StoredPartition, content: ReportContent) -> dict[str, Any]:
    summary = runtime.store.path(stored.record, names.SUMMARY_FILE).read_text(encoding="utf-8")
    page = runtime.home.reports / content.config / f"iter{content.iteration:04d}.html"
    return {
        **_progress_metadata(content),
        "summary": dg.MetadataValue.md(f"```\n{summary}```"),
        "report": dg.MetadataValue.path(str(page)),
        "verdicts": table(content.verdicts),
        "matches": table(content.matches),
        "leaderboard": table(content.leaderboard),
        "selfplay_games": sum(int(job["games"] or 0) for job in content.jobs),
        "training_games": content.training_data["kept"],
        **partition_metadata(runtime, stored),
    }


def _progress_metadata(content: ReportContent) -> dict[str, Any]:
    progress, curve = content.progress, _progress_picture(content)
    if progress is None:
        return {}
    shown: dict[str, Any] = {}
    if curve:
        shown["progress"] = dg.MetadataValue.md(f"![{PROGRESS_PICTURE}]({render_small_progress(_points(content))})")
        shown["progress_large"] = picture(PROGRESS_PICTURE, curve)
        shown["elo_over_anchor"] = table(point_rows(progress))
    return {
        **shown,
        "elo_gained": elo_text(progress.gain),
        "cpu_time": table(cost_rows(progress)),
        "next_hour": progress.advice.sentence,
    }


def _checks(content: ReportContent, changed: Sequence[str]) -> list[dg.AssetCheckResult]:
    partial = content.partial
    return [
        result(
            REPORT_COMPLETE,
            not partial,
            f"partial: {', '.join(partial)}; materialize them again to play the rest",
            warn=True,
            numbers={"partial": len(partial)},
        ),
        result(
            SEALED,
            not changed,
            f"{'; '.join(changed)}. Materialize them again, or take them as they are by `ringrift store accept`",
            numbers={"changed": len(changed)},
        ),
    ]
