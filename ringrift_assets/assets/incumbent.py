"""Seed of an iteration: the champion, the heuristic profile and the tier that it starts with."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import content_of, new_content
from resources.store.contents.profiles import ChampionRef, IncumbentContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.home import REPOSITORY
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.record import Record, StoreDamaged, digest_of
from ringrift import names
from ringrift.config import parse_config
from ringrift.files import write_json
from ringrift.players.engines import ENGINES
from ringrift.players.heuristic.profiles import (
    BALANCED,
    find_profile,
    load_profiles,
    profile_hash,
    trained_profile_name,
)
from ringrift.players.participant import Participant
from ringrift_assets.steps.metadata import partition_metadata, result_of
from ringrift_assets.steps.partition import OWNERS, StepOutput, materialize_partition, registry_for, step_errors
from ringrift_assets.steps.seals import seal_problem

TRAINED_FILE = REPOSITORY / "config" / names.PROFILES_FILE  # of the repository, if it is there


class IncumbentPlan(NamedTuple):
    """Who is the incumbent of an iteration. `content` is what is stored, `inputs` what it was found from.

    `origin` is the partition of the verdict (None: the documented start), `note` says that a champion was passed over,
    `acts` is the number of acts of people that were looked at.
    """

    content: IncumbentContent
    inputs: dict[str, Any]
    origin: str | None
    note: str | None
    acts: int | None


@dg.asset(
    partitions_def=PARTITIONS,
    group_name="seed",
    kinds={"json"},
    owners=OWNERS,
    code_version="incumbent-3",
)
def incumbent(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """Champion network, heuristic profile and difficulty tier in force when this iteration starts.

    It has no parent in the graph: it reads the newest verdict of an *earlier* iteration from the store, so the graph
    has no cycle and every later step is reproducible. Before the first verdict there is no champion, the tier is the
    pipeline's first (D2), and the profile is the repository's trained one for the config, else the baseline. A profile
    is identified by the hash of its weights, which are stored here. A deprecated champion is replaced by the previous
    one that is not deprecated, in iterations that are not judged yet.
    """
    with step_errors():
        content, inputs, origin, note, acts = find_incumbent(runtime, *partition_of(context))
        _believe(context, runtime, *partition_of(context), all_of_them=note is not None)

        def make(folder: Path, _: Record | None) -> StepOutput:
            data = content.to_json()
            write_json(folder / names.INCUMBENT_FILE, data)
            return StepOutput(1, digest_of(data), content, {"verdict_of": origin, "acts": acts})

        stored = materialize_partition(context, runtime, inputs, make)
        shown: dict[str, Any] = {
            "champion": content.champion or "none yet",
            "champion_plays": _player_text(content.champion_ref),
            "profile": content.profile,
            "profile_hash": content.profile_hash,
            "tier": content.tier,
        }
        verdict_of = f"{names.TIER_ASSIGNMENT} {origin}"
        shown["decided_by"] = verdict_of if origin else "no earlier verdict: the documented start"
        if note:
            context.log.warning(note)
            shown["champion_fell_back"] = note
        return result_of(stored, {**shown, **partition_metadata(runtime, stored)})


def _believe(
    context: dg.AssetExecutionContext, runtime: Runtime, config: str, iteration: int, *, all_of_them: bool
) -> None:
    """Raises StoreDamaged when the verdict that is now in force (or one before it) is not the one that was made."""
    verdicts = runtime.store.upto(names.TIER_ASSIGNMENT, config, iteration - 1)
    for record in verdicts if all_of_them else verdicts[-1:]:
        if problem := seal_problem(context.instance, runtime.home, record):
            where = f"{record.asset} '{config}|{record.iteration:04d}'"
            raise StoreDamaged(
                f"{problem}: materialize it again, or take it as it is by `ringrift store accept {where} --reason TEXT`"
            )


def _player_text(champion: ChampionRef | None) -> str:
    """What a champion is, in words."""
    if champion is None:
        return "the reference search plays until there is a champion"
    player = Participant.from_dict(champion.player)
    judge = "value network" if player.value_model else "policy network"
    return f"{player.engine} with its {judge}, {player.budget} {ENGINES[player.engine].unit} a decision"


def find_incumbent(runtime: Runtime, config: str, iteration: int) -> IncumbentPlan:
    """Who is the incumbent of an iteration, from the verdicts that are stored now."""
    registry = registry_for(runtime, names.INCUMBENT, config, iteration)
    records = runtime.store.upto(names.TIER_ASSIGNMENT, config, iteration - 1)
    verdicts = [content_of(record, VerdictsContent) for record in records]
    champion, note = champion_of(verdicts, registry.deprecated_weights())
    named = {
        "champion": champion and champion.model_id,
        "champion_weights": champion and champion.weights_hash,
        "champion_player": champion and champion.player,
        "champion_profile": champion and champion.profile_weights,
    }
    start = {"tier": runtime.pipeline.tiers.start, **start_profile(config)}
    latest = {name: getattr(verdicts[-1], name) for name in start} if verdicts else start
    origin = f"{config}|{records[-1].iteration:04d}" if records else None
    digest = records[-1].content_digest if records else None
    inputs = {"start": start, "verdict": digest, **named, "note": note}
    content = new_content(IncumbentContent, {**named, **latest})
    return IncumbentPlan(content, inputs, origin, note, registry.acts)


def start_profile(key: str) -> dict[str, Any]:
    """profile, profile_hash and profile_weights of a config before its first verdict."""
    config = parse_config(key)
    trained = load_profiles(TRAINED_FILE).profiles if TRAINED_FILE.is_file() else {}
    name = trained_profile_name(config.board, config.players)
    name = name if name in trained else BALANCED
    weights = find_profile(name, trained)
    return {"profile": name, "profile_hash": profile_hash(weights), "profile_weights": weights}


def champion_of(
    verdicts: Sequence[VerdictsContent], deprecated: Collection[str]
) -> tuple[ChampionRef | None, str | None]:
    """The newest champion of some verdicts (oldest first) that is not deprecated, with a note if others are newer."""
    note = None
    for verdict in reversed(verdicts):
        champion = verdict.champion_ref
        if champion is None or champion.weights_hash not in deprecated:
            if note:
                note += f"; in force is {champion.model_id if champion else 'no champion'}"
            return champion, note
        note = note or f"the champion {champion.model_id} is deprecated"
    return None, note and f"{note}; in force is no champion"
