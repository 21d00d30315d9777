"""Whether a stored partition is what Dagster was told that was made."""

import dagster as dg

from resources.store.home import Home
from resources.store.record import Record
from resources.store.seals import content_problem, is_accepted, place

DATA_VERSION = "dagster/data_version"


def told_content(instance: dg.DagsterInstance, record: Record, partition: str) -> str | None:
    """The content digest that Dagster was told last of a partition; None if it knows nothing of it."""
    asked = dg.AssetRecordsFilter(asset_key=dg.AssetKey(record.asset), asset_partitions=[partition])
    for event in instance.fetch_materializations(asked, limit=1).records:
        made = event.asset_materialization
        return made.tags.get(DATA_VERSION) if made and made.tags else None
    return None


def seal_problem(instance: dg.DagsterInstance, home: Home, record: Record) -> str:
    """Why a partition is not believed, empty if it is: other data than its digest says, or than Dagster was told.

    What a person accepted (`ringrift store accept`) is believed.
    """
    if problem := content_problem(record):
        return problem
    told = told_content(instance, record, place(record).partition(" ")[2])
    if told in (None, record.content_digest) or is_accepted(home, record):
        return ""
    return f"{place(record)} holds content {record.content_digest[:16]}, and Dagster was told of {str(told)[:16]}"
