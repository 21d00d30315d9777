"""The end of an iteration: what happened, on one page, and the views of the home made again."""

from pathlib import Path
from typing import Any

import dagster as dg

from resources.models.registry import TRAINED
from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.phases import REPORT, STEPS
from resources.store.record import Record, digest_of
from resources.views.state import refresh
from resources.views.text import iteration_block, leaderboard_block
from ringrift.files import write_text
from ringrift_assets.assets.tier_assignment import verdict_rows
from ringrift_assets.assets.tournament_games import match_rows
from ringrift_assets.steps.checks import REPORT_COMPLETE, partitioned_spec, result
from ringrift_assets.steps.metadata import partition_metadata, result_of, table
from ringrift_assets.steps.partition import OWNERS, StepOutput, StoredPartition, materialize_partition, step_errors
from ringrift_assets.steps.proofs import proof_rows
from ringrift_assets.steps.report_html import render

PAGE, SUMMARY = "report.html", "summary.txt"
UPSTREAM = [asset for asset in STEPS if asset != REPORT]
JOB_COLUMNS = ("job", "games", "unique", "capped", "decisions")
RATING_COLUMNS = ("name", "rating", "low", "high", "games", "elo")


@dg.asset(
    deps=UPSTREAM,
    partitions_def=PARTITIONS,
    group_name="operations",
    kinds={"html"},
    owners=OWNERS,
    code_version="report-3",
    check_specs=[partitioned_spec(REPORT, REPORT_COMPLETE, "Nothing of the iteration is partial.")],
)
def iteration_report(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """What happened in this iteration: verdicts, matches, ratings and data, as a page and the documented summary.

    It closes the iteration, and makes the global views again from the store: the state file in
    logs/pipeline/state.json, trained_heuristic_profiles.json, the pages in reports/, the match games in
    logs/tournaments/ and the searches in logs/cmaes/.
    """
    with step_errors():
        key, iteration = partition_of(context)
        made = {asset: runtime.store.need(asset, key, iteration) for asset in UPSTREAM}
        inputs = {asset: [record.content_digest, record.missing] for asset, record in made.items()}

        def make(folder: Path, _: Record | None) -> StepOutput:
            data = report_data(key, iteration, made)
            summary = f"{iteration_block(iteration, [data])}\n\n{leaderboard_block(data['leaderboard'], key)}\n"
            write_text(folder / SUMMARY, summary)
            write_text(folder / PAGE, render(data, summary, _pictures(runtime, made), _links(key, iteration)))
            return StepOutput(1, digest_of(data), data)

        kept = materialize_partition(context, runtime, inputs, make)
        refresh(runtime.home)
        return result_of(kept, _metadata(runtime, kept), _checks(kept))


def report_data(config: str, iteration: int, made: dict[str, Record]) -> dict[str, Any]:
    """Everything the report says, from the records of the iteration's other assets."""
    played, games = made["selfplay_games"].data, made["training_db"].data
    matches, verdicts = made["tournament_games"].data, made["tier_assignment"].data["verdicts"]
    tier = verdicts["tier"]
    return {
        "config": config,
        "iteration": iteration,
        "selfplay": {"dispatched": len(played["jobs"]), "total": len(played["jobs"]) + len(played["skipped"])},
        "cmaes": {config: True},
        "tuning": {
            "profile": made["heuristic_profiles"].data["profile"],
            "hash": made["heuristic_profiles"].data["profile_hash"],
            "source": made["heuristic_profiles"].data["source"],
            "search_games": sum(search["games"] for search in made["cmaes_profile"].data["searches"]),
            "proof_games": made["cmaes_profile"].data["proof_games"],
        },
        "proofs": proof_rows([*made["cmaes_profile"].data["proofs"], *made["heuristic_profiles"].data["proofs"]]),
        "training": {config: made["trained_model"].data["status"] == TRAINED},
        "network": network_row(made["trained_model"].data),
        "eval": {
            match["title"]: round(match["entrants"][0]["score"], 3)
            for match in matches["matches"]
            if match["kind"] != "round_robin" and match["entrants"][0]["score"] is not None
        },
        "promotions": {config: tier["now"]} if tier["promoted"] else {},
        "verdicts": verdict_rows(verdicts),
        "matches": match_rows(matches),
        "leaderboard": [_rating_row(row) for row in made["elo_ratings"].data["ratings"]],
        "jobs": [{name: job[name] for name in JOB_COLUMNS} for job in played["jobs"]],
        "training_data": {
            "read": games["read"],
            "kept": games["games"],
            "rejected": ", ".join(f"{reason}: {n}" for reason, n in games["rejected"].items()) or "none",
            "decisions": games["decisions"],
        },
        "skipped": [
            *({"what": entry["job"], "reason": entry["reason"]} for entry in played["skipped"]),
            *({"what": entry["match"], "reason": entry["reason"]} for entry in matches["skipped"]),
        ],
        "partial": [asset for asset, record in made.items() if record.missing],
    }


def _rating_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the leaderboard; LOS, the likelihood to be stronger than the next, in percent and empty for the last."""
    los = row.get("los")
    return {name: row[name] for name in RATING_COLUMNS} | {"LOS": "" if los is None else f"{los:.1%}"}


def network_row(data: dict[str, Any]) -> dict[str, Any]:
    """One row about the iteration's network, for tables."""
    if data["status"] != TRAINED:
        return {"model": f"none: {data['have']} of {data['need']} games are there"}
    metrics = data["metrics"]
    return {
        "model": data["model_id"],
        "weights": data["weights"][:16],
        "parent": (data["parent"] or "none")[:16],
        "games": data["window"]["games"],
        "rows": data["window"]["training_rows"],
        "epoch kept": data["best_epoch"],
        **{name: f"{metrics[name]:.3f}" for name in ("loss", "policy", "value_mse")},
        "best move found": f"{metrics['top1']:.1%}",
    }


def _pictures(runtime: Runtime, made: dict[str, Record]) -> dict[str, bytes]:
    """SVG pictures by title, those that the iteration has."""
    wanted = {
        "Ratings with 95 % intervals": ("elo_ratings", "ratings.svg"),
        "Ratings over the iterations": ("elo_ratings", "rating_history.svg"),
        "Losses of the network": ("trained_model", "losses.svg"),
        "CMA-ES: score against the panel": ("cmaes_profile", "convergence.svg"),
        "End of the longest selfplay game": ("training_db", "board.svg"),
        "End of the longest match game": ("tournament_games", "board.svg"),
    }
    return {
        title: runtime.store.path(made[asset], name).read_bytes()
        for title, (asset, name) in wanted.items()
        if name in made[asset].files
    }


def _links(config: str, iteration: int) -> dict[str, str]:
    """Where the files of the iteration are, relative to the home."""
    folders = {asset: f"store/{asset}/{config}/{iteration:04d}/" for asset in UPSTREAM}
    logs = {
        "match games as JSON lines": f"logs/tournaments/iter{iteration}/{config}.jsonl",
        "CMA-ES generations as JSON lines": f"logs/cmaes/iter{iteration}/{config}.jsonl",
    }
    earlier = {"report before": f"reports/{config}/iter{iteration - 1:04d}.html"} if iteration else {}
    return {**earlier, **folders, **logs}


def _metadata(runtime: Runtime, kept: StoredPartition) -> dict[str, Any]:
    data = kept.record.data
    summary = runtime.store.path(kept.record, SUMMARY).read_text(encoding="utf-8")
    page = runtime.home.reports / data["config"] / f"iter{data['iteration']:04d}.html"
    return {
        "summary": dg.MetadataValue.md(f"```\n{summary}```"),
        "report": dg.MetadataValue.path(str(page)),
        "verdicts": table(data["verdicts"]),
        "matches": table(data["matches"]),
        "leaderboard": table(data["leaderboard"]),
        "selfplay_games": sum(job["games"] for job in data["jobs"]),
        "training_games": data["training_data"]["kept"],
        **partition_metadata(runtime, kept),
    }


def _checks(kept: StoredPartition) -> list[dg.AssetCheckResult]:
    partial = kept.record.data["partial"]
    return [
        result(
            REPORT_COMPLETE,
            not partial,
            f"partial: {', '.join(partial)}; materialize them again to play the rest",
            warn=True,
            numbers={"partial": len(partial)},
        )
    ]
