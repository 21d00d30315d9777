"""Records that were changed by hand: what is wrong with one, and taking it as it is by an act that is shown."""

from collections.abc import Iterator
from typing import Any

from resources.store.acts import acts_of, record_act
from resources.store.home import Home
from resources.store.record import Record, StoreDamaged, digest_of
from resources.store.store import RECORD, Store
from ringrift import names
from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import write_json

ACCEPT = "accept"  # the act
DIGEST_OF_DATA = {names.INCUMBENT, names.TIER_ASSIGNMENT, names.CMAES_PROFILE, names.HEURISTIC_PROFILES}
"""Assets whose content is the data of their records, so that its digest can be computed again."""


def place(record: Record) -> str:
    """How a partition is named: `tier_assignment square8_2p|0003`."""
    return f"{record.asset} {record.config}|{record.iteration:04d}"


def content_problem(record: Record) -> str:
    """What is wrong with a record's content digest, empty if nothing is, or if only the files could tell."""
    if record.asset in DIGEST_OF_DATA and digest_of(record.data) != record.content_digest:
        return f"{place(record)} holds other data than its content digest says"
    return ""


def accept(home: Home, asset: str, config: str, iteration: int, reason: str) -> Record:
    """Take a record as it stands: give it its seal and content digest, and record that a person wanted it.

    Raises MissingInput where there is none, InvalidInput without a reason, ClaimHeld while a run writes it, and
    StoreDamaged if it does not parse.
    """
    if not reason.strip():
        raise InvalidInput("reason", reason, "say why the record was changed")
    store = Store(home.store)
    if not (store.folder(asset, config, iteration) / RECORD).is_file():
        raise MissingInput(f"{asset} {config}|{iteration:04d} is not in {store.root}")
    with store.claim(asset, config, iteration, run="accepted by hand"):
        record = store.read(asset, config, iteration)
        assert record is not None  # its file is there
        if asset in DIGEST_OF_DATA:
            record = record.model_copy(update={"content_digest": digest_of(record.data)})
        record = record.sealed()
        record_act(
            home,
            ACCEPT,
            asset=asset,
            config=config,
            iteration=iteration,
            content_digest=record.content_digest,
            reason=reason.strip(),
        )
        write_json(store.folder(asset, config, iteration) / RECORD, record.model_dump(mode="json"))
    return record


def accepted(home: Home) -> list[dict[str, Any]]:
    """The acts by which people took changed records, oldest first."""
    return acts_of(home, ACCEPT)


def is_accepted(home: Home, record: Record) -> bool:
    """Whether a person took this content of the partition as it stands."""
    about = (record.asset, record.config, record.iteration, record.content_digest)
    return any((a["asset"], a["config"], a["iteration"], a["content_digest"]) == about for a in accepted(home))


def partitions(store: Store) -> Iterator[tuple[str, str, int]]:
    """Asset, config and iteration of every record of a store, in the order of their names."""
    for path in sorted(store.root.glob(f"*/*/[0-9][0-9][0-9][0-9]/{RECORD}")):
        yield path.parts[-4], path.parts[-3], int(path.parts[-2])


def problems(store: Store, asset: str, config: str, iteration: int) -> list[str]:
    """What is wrong with a partition: its record's form, seal and digest, and the sizes and hashes of its files."""
    try:
        record = store.need(asset, config, iteration)
    except StoreDamaged as error:
        return [str(error)]
    return [problem for problem in (content_problem(record), store.damage(record)) if problem]


def unsealed(store: Store) -> list[tuple[str, str, int]]:
    """Partitions whose records have no seal: those that a version before seals has written."""
    found = []
    for asset, config, iteration in partitions(store):
        record = store.read(asset, config, iteration)
        if record is not None and not record.seal:
            found.append((asset, config, iteration))
    return found
