"""The record of one stored partition: its files, digests, content and provenance, under a seal."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from ringrift import names
from ringrift.errors import RingRiftError
from ringrift.strict import Strict


class StoreDamaged(RingRiftError):
    """A record does not parse, or a file is not what its record says; never taken for an empty partition."""


def digest_of(value: Any) -> str:
    """SHA-256 (64 hex digits) of a JSON value written with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seal_of(record: Mapping[str, Any]) -> str:
    """The seal of a record's JSON object: SHA-256 over everything else in it. Raises ValueError for NaN."""
    return digest_of({name: value for name, value in record.items() if name != "seal"})


class StoredFile(Strict):
    """One file of a version."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Record(Strict):
    """What a partition holds now. `content_digest` covers the content only; `provenance` is never hashed.

    `inputs_digest` covers everything the content is a function of: equal inputs need no second run.
    `missing` says what a partial partition lacks (empty: it is whole); `data` is what other assets read.
    `seal` is `seal_of` the rest: a record that was changed by hand is not read (resources.store.seals).
    """

    record: Literal[1] = 1
    asset: str
    config: str
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    version: int = Field(ge=1)
    code_version: str
    content_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    inputs_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows: int = Field(ge=0)
    missing: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, StoredFile]
    data: dict[str, Any]
    provenance: dict[str, Any]
    seal: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")

    def sealed(self) -> "Record":
        """The same record with the seal that it needs to be read again."""
        return self.model_copy(update={"seal": seal_of(self.model_dump(mode="json"))})


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a new version of a partition holds beside its files; see Record for the fields."""

    code_version: str
    content_digest: str
    inputs_digest: str
    rows: int
    data: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, Any] = field(default_factory=dict)
