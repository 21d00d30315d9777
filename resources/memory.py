"""How much memory a job needs: what a host must have is checked before the job goes there."""

from collections.abc import Sequence

from ringrift.config import parse_config
from ringrift.contract import JobSpec

SYSTEM_GB = 1.0  # of the host, beside the job
BOARD_GB = {"hex8": 0.6, "square8": 0.6, "square19": 0.6, "hexagonal": 0.6}
"""Peak of one worker: 0.25 GB on square8 to 0.32 on hexagonal once the kernels are compiled, 0.56 while it compiles
them. docs/scaling.md says how that was measured."""


def needed_gb(specs: Sequence[JobSpec]) -> float:
    """Memory a host must have to work on any one of these jobs, in GB; 0 without jobs."""
    return max((SYSTEM_GB + BOARD_GB[parse_config(spec.config).board] for spec in specs), default=0.0)
