"""An asset is one file and one row: docs/extending.md, "Adding an asset", step by step."""

import sys
from pathlib import Path
from types import ModuleType

import dagster as dg

from resources.runtime import Runtime
from resources.store.contents.base import Content, content_of, new_content
from resources.store.contents.profiles import IncumbentContent
from resources.store.partition_keys import PARTITIONS, open_iteration, partition_key, partition_of
from resources.store.phases import STEP_TABLE, Step, phases_of
from resources.store.record import Record, digest_of
from ringrift import names
from ringrift.files import write_json
from ringrift_assets.assets import ASSETS, assets_of
from ringrift_assets.definitions import definitions_of, jobs_of
from ringrift_assets.steps.metadata import partition_metadata, result_of
from ringrift_assets.steps.partition import OWNERS, StepOutput, materialize_partition, step_errors
from tests.ringrift_assets.conftest import CONFIG, Graph

TIER_NOTE = "tier_note"


class TierNoteContent(Content):
    """A note of the tier that an iteration starts with."""

    ASSET = TIER_NOTE
    text: str


@dg.asset(
    deps=[names.INCUMBENT], partitions_def=PARTITIONS, group_name="seed", owners=OWNERS, code_version="tier-note-1"
)
def tier_note(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult:
    """The tier that an iteration starts with, in words."""
    with step_errors():
        incumbent = runtime.store.need(names.INCUMBENT, *partition_of(context))
        inputs = {"incumbent": incumbent.content_digest}

        def make(folder: Path, _: Record | None) -> StepOutput:
            text = f"it starts at {content_of(incumbent, IncumbentContent).tier}"
            content = new_content(TierNoteContent, {"text": text})
            write_json(folder / "note.json", content.to_json())
            return StepOutput(1, digest_of(content.to_json()), content)

        stored = materialize_partition(context, runtime, inputs, make)
        return result_of(stored, partition_metadata(runtime, stored))


def test_an_asset_is_a_file_and_a_row(graph: Graph, monkeypatch):
    module = ModuleType(f"ringrift_assets.assets.{TIER_NOTE}")  # stands for the file
    module.tier_note = tier_note
    monkeypatch.setitem(sys.modules, module.__name__, module)
    first, *rest = STEP_TABLE
    steps = (first, Step(TIER_NOTE, "selfplay", "collect"), *rest)
    assert phases_of(steps)["selfplay"] == (names.INCUMBENT, TIER_NOTE, names.SELFPLAY_GAMES)
    jobs = jobs_of(steps)
    assert (
        jobs["collect"] == jobs["iteration"][:4] and TIER_NOTE in jobs["collect"] and TIER_NOTE not in jobs["improve"]
    )
    definitions = definitions_of(graph.runtime(), (*assets_of(steps), ASSETS[-1]), jobs)
    job = definitions.resolve_job_def("collect")
    open_iteration(graph.instance, 0)
    for reused in (False, True):
        result = job.execute_in_process(
            partition_key=partition_key(CONFIG, 0),
            instance=graph.instance,
            asset_selection=[dg.AssetKey(names.INCUMBENT), dg.AssetKey(TIER_NOTE)],
        )
        made = {event.asset_key.path[-1]: event for event in result.get_asset_materialization_events()}
        assert set(made) == {names.INCUMBENT, TIER_NOTE}
        assert made[TIER_NOTE].materialization.metadata["reused"].value is reused
    assert content_of(graph.record(TIER_NOTE), TierNoteContent).text == "it starts at D2"
