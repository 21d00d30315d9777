"""What a record holds, as a type: each asset has a `Content`, read from its records and written into them.

A content is written with exactly the keys that were set, so reading and writing it again gives equal JSON and an equal
digest. Keys and values stand in stored homes: a new field gets a default, and none is renamed.
"""

from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from resources.store.record import Record, StoreDamaged
from ringrift import names
from ringrift.strict import Strict, parse

Number = int | float  # as it stands in the JSON: 1 stays 1 and does not become 1.0
Row = dict[str, str | Number | None]
"""A row of a table for people."""


class Content(Strict):
    """The `data` of an asset's records; each asset's own type names it in `ASSET`."""

    ASSET: ClassVar[str]

    @classmethod
    def type_of(cls, data: dict[str, Any]) -> "type[Content]":
        """The type of some data, for an asset that stores one of several."""
        return cls

    def to_json(self) -> dict[str, Any]:
        """The JSON object that a record holds."""
        return self.model_dump(exclude_unset=True)


C = TypeVar("C", bound=Content)


def content_of(record: Record, kind: type[C]) -> C:
    """A record's data as its type.

    Raises StoreDamaged, naming the partition and the first field that this version cannot read; TypeError for the type
    of another asset.
    """
    if record.asset != kind.ASSET:
        raise TypeError(f"a record of {record.asset} is not read as {kind.__name__}")
    try:
        content = kind.type_of(record.data).model_validate(record.data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"])) or "data"
        raise StoreDamaged(
            f"{record.asset} {record.config}|{record.iteration:04d}: {field} is not what this version reads "
            f"({problem['msg']}); restore its {names.RECORD_FILE}, or move the partition aside and materialize it again"
        ) from error
    assert isinstance(content, kind)
    return content


def new_content(kind: type[C], data: dict[str, Any]) -> C:
    """What a step has made, checked before it is stored. Raises InvalidInput for a job's result of another form."""
    return parse(kind, data, f"content of {kind.ASSET}")
