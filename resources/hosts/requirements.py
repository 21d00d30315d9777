"""What a job needs of its host: disk space, memory, and what the host keeps free besides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ringrift.boards import BOARDS
from ringrift.config import parse_config
from ringrift.errors import RingRiftError
from ringrift.jobs.contract import JobSpec
from ringrift.specs.kinds import params_of
from ringrift.specs.params import PlayParams
from ringrift.specs.train import VALUE, TrainParams

MIB, GIB = 2**20, 2**30

JOB_BYTES = 4 * MIB  # messages, log, state and manifest
OTHER_BYTES = 64 * MIB  # a job that brings no games home: it writes about what it reads
SAFETY = 3.0  # a shard, its temporary, and its copy in the inbox


class DiskFull(RingRiftError):
    """A host has too little free space for a job; the message names the host, what is free and what is needed."""


@dataclass(frozen=True, slots=True)
class DiskPolicy:
    """`floor_bytes` stay free on every host beside what a job may need; they cover the jobs that run there already."""

    floor_bytes: int = 1 * GIB
    safety: float = SAFETY

    def needed(self, spec: JobSpec) -> int:
        """Bytes a job may take, the floor included: what it writes × safety, and its files."""
        return self.floor_bytes + JOB_BYTES + int(needs(spec).disk_bytes * self.safety)

    def refusal(self, host: str, free_bytes: int, spec: JobSpec) -> str | None:
        """Why a host with so much free space does not take the job, None if it does."""
        needed = self.needed(spec)
        if free_bytes >= needed:
            return None
        job = needed - self.floor_bytes
        return (
            f"{host} has {shown(free_bytes)} free and needs {shown(needed)} "
            f"({shown(job)} for the job, {shown(self.floor_bytes)} stay free)"
        )


def shown(number: int) -> str:
    """A number of bytes for people: `1536` → `1.5 KiB`."""
    value, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.4g} {units[0]}"


SYSTEM_GB = 1.0  # of the host, beside the job
WORKER_GB = 0.6  # any job: 0.3 while it plays or rates, 0.6 while it compiles the kernels
NETWORK_GB = 0.2  # more where networks play
VALUE_GB = 0.6  # more to train a value network on any board, with a full window
DOCUMENTED_BATCH, LARGEST = 256, 6 * 64


@dataclass(frozen=True, slots=True)
class Needs:
    """What the worker of a job needs: its largest memory in GB, and the bytes that it writes."""

    memory_gb: float
    disk_bytes: int


def needs(spec: JobSpec) -> Needs:
    """What a job needs, by its parameters. A training is taken to run on the processor."""
    board, params, memory_gb = parse_config(spec.config).board, params_of(spec), WORKER_GB
    if isinstance(params, TrainParams) and params.network == VALUE:
        memory_gb += VALUE_GB
    elif isinstance(params, TrainParams):
        ends, layers = BOARDS[board].training_gb
        size = math.prod(params.architecture.values()) / LARGEST
        memory_gb += (ends + layers * size) * params.settings.batch_size / DOCUMENTED_BATCH
    elif isinstance(params, PlayParams) and params.models:
        memory_gb += NETWORK_GB
    games = params.planned_games() if params else None
    return Needs(memory_gb, OTHER_BYTES if games is None else BOARDS[board].game_bytes * games)


def needed_gb(specs: Sequence[JobSpec]) -> float:
    """Memory a host must have to work on any one of these jobs, in GB; 0 without jobs."""
    return max((SYSTEM_GB + needs(spec).memory_gb for spec in specs), default=0.0)
