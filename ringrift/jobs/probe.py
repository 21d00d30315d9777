"""How busy a machine is: `python -m ringrift.jobs.probe [FOLDER]` prints it as JSON."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from ringrift.jobs.cores import usable_cores

SAMPLE_S = 0.5  # processors are watched for so long
NVIDIA = "nvidia-smi"
QUERY = (NVIDIA, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
LOAD = re.compile(r"\s*\d{1,3}\s*")  # the line of a card that tells
GPU_ANSWER_S = 10.0


def probe(folder: Path, sample_s: float = SAMPLE_S) -> dict[str, Any]:
    """Use of this machine in percent (0 to 100): `cpu`, `mem`, `disk` (of the disk of `folder`) and `gpu`.

    `gpu` is the mean over the NVIDIA cards that tell (one cut into MIG instances does not), or None where none tells.
    Besides `cores` (those it may use), `memory_gb` and `disk_free_gb`.
    """
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(folder))
    return {
        "cpu": psutil.cpu_percent(sample_s),
        "mem": memory.percent,
        "disk": disk.percent,
        "gpu": _gpu(),
        "cores": usable_cores(),
        "memory_gb": round(memory.total / 2**30, 1),
        "disk_free_gb": round(disk.free / 2**30, 1),
    }


def _gpu() -> float | None:
    if shutil.which(NVIDIA) is None:
        return None
    try:
        done = subprocess.run(QUERY, capture_output=True, text=True, timeout=GPU_ANSWER_S, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None  # a card that does not answer is not a card at rest
    return mean_load(done.stdout)


def mean_load(answer: str) -> float | None:
    """Mean percentage in nvidia-smi's answer, one line a card; lines like `[N/A]` or `[Not Supported]` do not count."""
    loads = [float(line) for line in answer.splitlines() if LOAD.fullmatch(line)]
    return round(sum(loads) / len(loads), 1) if loads else None


if __name__ == "__main__":
    print(json.dumps(probe(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())))
