"""What every asset does alike: store a partition once, and fail with a plain message."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from resources.models.registry import Registry
from resources.runtime import Runtime
from resources.store.acts import acts_of
from resources.store.contents.base import Content
from resources.store.partition_keys import partition_of
from resources.store.record import NewVersion, Record, digest_of
from ringrift import names
from ringrift.errors import RingRiftError
from ringrift.jobs.inputs import InputFile
from ringrift_assets.steps.seals import seal_problem

OWNERS = ["team:ringrift"]
RETRIES, RETRY_DELAY_S = 1, 2.0


class Materialize(dg.Config):
    """What a person may say when materializing by hand a step whose partition has rows that count."""

    allow_fewer_rows: bool = Field(
        default=False, description="Replace the partition even if the new version has fewer rows."
    )


class OnHosts(dg.Config):
    """The same for a step whose jobs run on hosts: they are run by `Runtime.within(host_class)`."""

    host_class: str = Field(
        default="",
        description="Run jobs only on hosts of this class: local, mac_cluster, aws, lambda_labs, vast_ai. Empty: any.",
    )


class MaterializeOnHosts(OnHosts, Materialize):
    """The same for a step whose jobs run on hosts and whose partition has rows that count."""


@contextmanager
def step_errors() -> Iterator[None]:
    """The retry policy of every step: what a user can act on ends it at once, a hiccup of the system is retried.

    An error of ours becomes a failure with its own words. An OSError (a disk, a lock of the instance; hosts have
    retries of their own) asks for one more try. Anything else is a defect and is not retried. There is no
    `dg.RetryPolicy` on the assets, because Dagster applies it to a run that a person terminates as well, which
    then starts over instead of ending.
    """
    try:
        yield
    except RingRiftError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except OSError as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_DELAY_S) from error


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What a step has made beside the files in its folder; see resources.store.record.Record for the fields."""

    rows: int
    content_digest: str
    content: Content
    provenance: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """The current record of a partition, and whether it was there already."""

    record: Record
    reused: bool


def made_from(asset: dg.AssetsDefinition, inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The code version of an asset's step, and the digest of it and the step's inputs."""
    code_version = asset.code_versions_by_key[asset.key] or ""
    return code_version, digest_of({"code_version": code_version, "inputs": dict(inputs)})


def up_to_date(
    runtime: Runtime,
    asset: dg.AssetsDefinition,
    config: str,
    iteration: int,
    inputs: Mapping[str, Any],
    warn: Callable[[str], None] = lambda text: None,
) -> Record | None:
    """The stored record of a partition if it was made from these inputs and its files are sound; it may be partial."""
    record = runtime.store.get(asset.key.path[-1], config, iteration)
    if record is None or record.inputs_digest != made_from(asset, inputs)[1]:
        return None
    if damage := runtime.store.damage(record):
        warn(f"made again, because {damage}")
        return None
    return record


def registry_for(runtime: Runtime, asset: str, config: str, iteration: int) -> Registry:
    """The models as a step of an iteration takes them; keep its `acts` in the provenance of what is made.

    The step looks at all acts of people, but in a judged iteration at those that its stored partition was made with:
    what people do later never changes what is judged.
    """
    stored = runtime.store.get(asset, config, iteration)
    if stored is None or runtime.store.get(names.TIER_ASSIGNMENT, config, iteration) is None:
        return Registry(runtime.home, acts=len(acts_of(runtime.home)))
    seen = stored.provenance.get("acts")
    if seen is None:  # stored by a version that did not count them
        seen = sum(act["at"] <= stored.provenance["written_at"] for act in acts_of(runtime.home))
    return Registry(runtime.home, acts=seen)


def games_file(runtime: Runtime, record: Record) -> InputFile:
    """The games of a stored partition as a job names them."""
    path = runtime.store.path(record, names.GAMES_FILE)
    return InputFile(path=str(path.relative_to(runtime.home.root)), sha256=record.files[names.GAMES_FILE].sha256)


def materialize_partition(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    inputs: Mapping[str, Any],
    make: Callable[[Path, Record | None], StepOutput],
    *,
    planned_rows: int = 0,
    allow_fewer_rows: bool = False,
) -> StoredPartition:
    """The step's partition: as stored if it is whole and was made from these inputs, else made now.

    `inputs` is everything the content is a function of, as JSON. `make` gets an empty folder for its files
    and the stored partial partition of the same inputs, if there is one. `planned_rows` are the most it can
    make, where that is known: fewer than are stored is refused before any work.
    """
    asset, (config, iteration) = context.asset_key.path[-1], partition_of(context)
    code_version, inputs_digest = made_from(context.assets_def, inputs)
    store = runtime.store

    def current() -> Record | None:
        found = up_to_date(runtime, context.assets_def, config, iteration, inputs, context.log.warning)
        if found and (problem := seal_problem(context.instance, runtime.home, found)):
            context.log.warning(f"made again, because {problem}")
            return None
        return found

    record = current()
    if record and not record.missing:
        context.log.info("up to date: made from the same inputs before")
        return StoredPartition(record, reused=True)
    with store.claim(asset, config, iteration, context.run.run_id):
        record = current()  # another run may have finished it before we got the claim
        if record and not record.missing:
            return StoredPartition(record, reused=True)
        if planned_rows and not allow_fewer_rows:
            store.check_rows(asset, config, iteration, planned_rows)
        with store.draft(asset, config, iteration) as folder:
            output = make(folder, record)
            new = NewVersion(
                code_version=code_version,
                content_digest=output.content_digest,
                inputs_digest=inputs_digest,
                rows=output.rows,
                data=output.content.to_json(),
                provenance={"run": context.run.run_id, **output.provenance},
                missing=output.missing,
            )
            record = store.commit(folder, asset, config, iteration, new, allow_fewer_rows=allow_fewer_rows)
        runtime.forget(output.provenance.get("jobs", []))
        return StoredPartition(record, reused=False)
