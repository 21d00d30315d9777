"""How much memory a job needs: what a host must have is checked before the job goes there.

The figures are peaks that `ringrift bench memory` measured, rounded up; docs/scaling.md has them.
"""

from collections.abc import Sequence

from ringrift.config import parse_config
from ringrift.contract import JobSpec

SYSTEM_GB = 1.0  # of the host, beside the job
WORKER_GB = 0.6  # any job: 0.3 while it plays or rates, 0.6 while it compiles the kernels
NETWORK_GB = 0.2  # more where networks play
TRAINING_GB = {"hex8": (0.1, 0.5), "square8": (0.1, 0.4), "square19": (0.5, 2.6), "hexagonal": (0.8, 2.6)}
"""More for a training at the documented batch, with a full window: inputs and outputs, and the layers of 6x64, whose
part grows with their number and their channels. Both grow with the batch."""
DOCUMENTED_BATCH, LARGEST = 256, 6 * 64


def needed_gb(specs: Sequence[JobSpec]) -> float:
    """Memory a host must have to work on any one of these jobs, in GB; 0 without jobs."""
    return max((SYSTEM_GB + job_gb(spec) for spec in specs), default=0.0)


def job_gb(spec: JobSpec) -> float:
    """Largest memory of the worker of a job, in GB. A training is taken to run on the processor."""
    params = spec.params
    if spec.kind == "train":
        ends, layers = TRAINING_GB[parse_config(spec.config).board]
        size = params["blocks"] * params["channels"] / LARGEST
        return WORKER_GB + (ends + layers * size) * params["settings"]["batch_size"] / DOCUMENTED_BATCH
    return WORKER_GB + (NETWORK_GB if params.get("models") else 0.0)
