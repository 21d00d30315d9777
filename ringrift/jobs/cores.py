"""How many cores this process may use: in a container or a job of a batch system fewer than the machine has."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Cores that affinity and the quotas of control groups leave to this process, at least one.

    A quota that is no whole number is rounded up, so that none of it lies idle.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([cores, *map(math.ceil, _quotas(cgroups, membership))]))


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """The quota in cores of each control group, version 1 or 2, that holds this process and has one."""
    for folder in _groups(cgroups, membership):
        try:
            if (both := folder / "cpu.max").is_file():
                quota, period = map(float, both.read_text().replace("max", "inf").split())
            else:
                quota = float((folder / "cpu.cfs_quota_us").read_text())
                period = float((folder / "cpu.cfs_period_us").read_text())
        except (OSError, ValueError):
            continue
        if 0 < quota < math.inf and period > 0:  # version 1 writes -1 for no quota
            yield quota / period


def _groups(cgroups: Path, membership: Path) -> Iterator[Path]:
    """Folders of the groups of this process, inner ones first; a container may show the outermost only."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for top in [cgroups / controllers, cgroups / "cpu"] if controllers else [cgroups]:
            own = Path(path.lstrip("/"))
            yield from (top / part for part in (own, *own.parents))
