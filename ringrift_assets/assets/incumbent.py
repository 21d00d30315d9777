"""Seed of an iteration: the champion, the heuristic profile and the tier in force when it starts."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.home import REPOSITORY
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, digest_of
from ringrift.files import write_json
from ringrift_assets.steps.metadata import partition_metadata, result_of
from ringrift_assets.steps.partition import (
    OWNERS,
    VERDICTS,
    StepOutput,
    materialize_partition,
    registry_for,
    step_errors,
)

ASSET = "incumbent"
BASELINE_PROFILE = "heuristic_v1_balanced"  # a test holds it equal to the name in ringrift.players.weights
NO_CHAMPION: dict[str, str | None] = {"champion": None, "champion_weights": None}
TRAINED_FILE = REPOSITORY / "config" / "trained_heuristic_profiles.json"  # of the repository, if it is there
FILE = "incumbent.json"


class Incumbent(NamedTuple):
    """Who is in force in an iteration. `content` is what is stored, `inputs` what it was found from.

    `origin` is the partition of the verdict (None: the documented start), `note` says that a champion was passed over,
    `acts` is the number of acts of people that were looked at.
    """

    content: dict[str, Any]
    inputs: dict[str, Any]
    origin: str | None
    note: str | None
    acts: int | None


@dg.asset(
    partitions_def=PARTITIONS,
    group_name="seed",
    kinds={"json"},
    owners=OWNERS,
    code_version="incumbent-2",
)
def incumbent(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """Who plays for the house in this iteration: champion network, heuristic profile and difficulty tier.

    It has no parent in the graph: it reads the newest verdict of an *earlier* iteration from the store, so
    that the graph has no cycle and every later step can be repeated exactly. Before the first verdict there is
    no champion, the tier is the pipeline's first, D2, and the profile is the one the repository has trained for the
    config, else the baseline one. A profile is identified by the hash of its weights, which are kept here. A champion
    that somebody has deprecated is followed by the last one that is not, in iterations that are not judged yet.
    """
    with step_errors():
        content, inputs, origin, note, acts = find_incumbent(runtime, *partition_of(context))

        def make(folder: Path, _: Record | None) -> StepOutput:
            write_json(folder / FILE, content)
            return StepOutput(1, digest_of(content), content, {"verdict_of": origin, "acts": acts})

        kept = materialize_partition(context, runtime, inputs, make)
        named = {name: content[name] for name in ("champion", "profile", "profile_hash", "tier")}
        shown: dict[str, Any] = {name: value if value else "none yet" for name, value in named.items()}
        shown["decided_by"] = f"{VERDICTS} {origin}" if origin else "no earlier verdict: the documented start"
        if note:
            context.log.warning(note)
            shown["champion_fell_back"] = note
        return result_of(kept, {**shown, **partition_metadata(runtime, kept)})


def find_incumbent(runtime: Runtime, config: str, iteration: int) -> Incumbent:
    """Who is in force in an iteration, from the verdicts that are stored now."""
    registry = registry_for(runtime, ASSET, config, iteration)
    earlier = runtime.store.upto(VERDICTS, config, iteration - 1)
    verdict = earlier[-1] if earlier else None
    champion, note = champion_of(earlier, registry.deprecated_weights())
    start = {"tier": runtime.pipeline.tiers.start, **start_profile(config)}
    data = {**start, **(verdict.data if verdict else {}), **champion}
    content = {name: data[name] for name in (*champion, *start)}
    origin = f"{verdict.config}|{verdict.iteration:04d}" if verdict else None
    inputs = {"start": start, "verdict": verdict.content_digest if verdict else None, **champion, "note": note}
    return Incumbent(content, inputs, origin, note, registry.acts)


def start_profile(key: str) -> dict[str, Any]:
    """profile, profile_hash and profile_weights of a config before its first verdict."""
    from ringrift.config import parse_config
    from ringrift.players.heuristic.profiles import find_profile, load_profiles, profile_hash, trained_profile_name

    config = parse_config(key)
    trained = load_profiles(TRAINED_FILE).profiles if TRAINED_FILE.is_file() else {}
    name = trained_profile_name(config.board, config.players)
    name = name if name in trained else BASELINE_PROFILE
    weights = find_profile(name, trained)
    return {"profile": name, "profile_hash": profile_hash(weights), "profile_weights": weights}


def champion_of(verdicts: Sequence[Record], deprecated: Collection[str]) -> tuple[dict[str, Any], str | None]:
    """The newest champion of some verdicts (oldest first) that is not deprecated, and a note if that is an older one.

    `champion` is the model's name and `champion_weights` its weights hash, both None where there is none.
    """
    note = None
    for verdict in reversed(verdicts):
        champion = {name: verdict.data.get(name) for name in NO_CHAMPION}
        if champion["champion_weights"] not in deprecated:
            if note:
                note += f"; in force is {champion['champion'] or 'no champion'}"
            return champion, note
        note = note or f"the champion {champion['champion']} is deprecated"
    return dict(NO_CHAMPION), note and f"{note}; in force is no champion"
