"""The job contract between the orchestrator and a worker: names, files and their schemas.

A job is a directory `{ringrift_path}/jobs-v1/{job id}/`:
`spec.json` (what to do), `messages.jsonl` (Dagster Pipes messages), `log.txt` (stdout and stderr),
`state.json` (attempt, pid, heartbeat, exit code), `lock` (held while a worker lives), `cancel` (present once
someone asked to stop) and `out/` with the shards and, written last, `manifest.json`.
A job is done when its manifest verifies.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ringrift import names

CONTRACT_VERSION = 1
JOBS_FOLDER = f"jobs-v{CONTRACT_VERSION}"
SPEC, MESSAGES, LOG, STATE, LOCK, CANCEL = (
    "spec.json",
    "messages.jsonl",
    "log.txt",
    "state.json",
    "lock",
    "cancel",
)
OUT, MANIFEST = "out", "manifest.json"

MOST_SHARDS = 10_000  # of one job

JobStatus = Literal["running", "done", "failed", "cancelled", "lost"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobSpec(_Strict):
    """One unit of work. Equal specs are the same job: the id hashes everything here.

    `kind` names the file in ringrift.kinds that runs `params`; `salt` forces a fresh job.
    """

    contract: Literal[1] = 1
    asset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    config: str = Field(pattern=r"^[a-z0-9]+_[234]p$")
    iteration: int = Field(ge=0, le=names.LAST_ITERATION)
    name: str = Field(pattern=r"^[A-Za-z0-9_.]+$", max_length=80)
    kind: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    params: dict[str, Any]
    salt: str = ""

    def canonical(self) -> str:
        """The JSON text that is hashed and stored: sorted keys, no spaces."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @property
    def job_id(self) -> str:
        """`{asset}-{config}-{iteration}-{name}-{first 8 hex digits of SHA-256(spec)}`."""
        digest = hashlib.sha256(self.canonical().encode()).hexdigest()[:8]
        return f"{self.asset}-{self.config}-{self.iteration:04d}-{self.name}-{digest}"


class ShardEntry(_Strict):
    """One finished output file of a job, as the manifest lists it."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=120)
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(_Strict):
    """What a finished job made. `result` holds the job kind's own counts; `worker` says who made it."""

    contract: Literal[1] = 1
    job_id: str
    shards: list[ShardEntry]
    result: dict[str, Any]
    worker: dict[str, Any]


class JobState(_Strict):
    """state.json: the worker's own account of itself. Times are Unix seconds."""

    contract: Literal[1] = 1
    attempt: int = Field(ge=1)
    pid: int
    status: JobStatus
    heartbeat: float
    started: float
    exit_code: int | None = None
    error: str | None = None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes as 64 hex digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
