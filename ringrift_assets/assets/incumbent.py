"""Seed of an iteration: the champion, the heuristic profile and the tier in force when it starts."""

from pathlib import Path
from typing import Any

import dagster as dg

from resources.partitions import PARTITIONS, partition_of
from resources.storage import Record, digest_of
from resources.workbench import Workbench
from ringrift.files import write_json
from ringrift_assets.assets.common import OWNERS, Made, facts, keep, result_of, step_errors

VERDICTS = "tier_assignment"
BASELINE_PROFILE = "heuristic_v1_balanced"  # a test holds it equal to the name in ringrift.players.weights
FILE = "incumbent.json"


@dg.asset(
    partitions_def=PARTITIONS,
    group_name="seed",
    kinds={"json"},
    owners=OWNERS,
    code_version="incumbent-1",
)
def incumbent(context: dg.AssetExecutionContext, bench: dg.ResourceParam[Workbench]) -> dg.MaterializeResult:
    """Who plays for the house in this iteration: champion network, heuristic profile and difficulty tier.

    It has no parent in the graph: it reads the newest verdict of an *earlier* iteration from the store, so
    that the graph has no cycle and every later step can be repeated exactly. Before the first verdict there is
    no champion, the profile is the baseline one and the tier is the pipeline's first, D2.
    """
    with step_errors():
        config, iteration = partition_of(context)
        verdict = _newest_verdict(bench, config, iteration)
        start = {"champion": None, "profile": BASELINE_PROFILE, "tier": bench.pipeline.tiers.start}
        data = {**start, **(verdict.data if verdict else {})}
        content = {name: data[name] for name in start}
        origin = f"{verdict.config}|{verdict.iteration:04d}" if verdict else None
        inputs = {"start": start, "verdict": verdict.content_digest if verdict else None}

        def make(folder: Path, _: Record | None) -> Made:
            write_json(folder / FILE, content)
            return Made(1, digest_of(content), content, {"verdict_of": origin})

        kept = keep(context, bench, inputs, make)
        shown: dict[str, Any] = {name: value if value else "none yet" for name, value in content.items()}
        shown["decided_by"] = f"{VERDICTS} {origin}" if origin else "no earlier verdict: the documented start"
        return result_of(kept, {**shown, **facts(bench, kept)})


def _newest_verdict(bench: Workbench, config: str, iteration: int) -> Record | None:
    earlier = bench.store.upto(VERDICTS, config, iteration - 1)
    return earlier[-1] if earlier else None
