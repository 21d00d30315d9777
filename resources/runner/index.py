"""The jobs of some hosts: what each is doing, and finding one by the start of its id."""

from collections.abc import Sequence
from pathlib import Path

from resources.hosts.host import LOCAL, Host
from resources.transports.base import Transport
from resources.transports.local import LocalTransport
from ringrift.errors import InvalidInput, MissingInput
from ringrift.jobs.contract import JOBS_FOLDER
from ringrift.jobs.view import JobView

__all__ = ["JobView", "find_job", "list_jobs", "local_hosts", "view_of"]


def local_hosts(home: Path, hosts: Sequence[Host]) -> list[LocalTransport]:
    """One transport for each folder of jobs on this machine: the home's, and those of local hosts with a path.

    Folders that do not exist are left out and nothing is made.
    """
    found: dict[Path, LocalTransport] = {}
    for host in [*(host for host in hosts if host.is_local), LOCAL]:
        root = Path(host.ringrift_path).expanduser().resolve() if host.ringrift_path else home
        if root not in found and (root / JOBS_FOLDER).is_dir():
            found[root] = LocalTransport(host, root)
    return list(found.values())


def list_jobs(transports: Sequence[Transport]) -> list[JobView]:
    """Every job of some hosts, by id and host."""
    return sorted((view for t in transports for view in t.views()), key=lambda view: (view.id, view.host))


def view_of(transport: Transport, job: str) -> JobView | None:
    """One job of a host, None if its directory is not there (any more)."""
    return next((view for view in transport.views([job]) if view.id == job), None)


def find_job(transports: Sequence[Transport], text: str) -> tuple[Transport, JobView]:
    """The job whose id is `text`, or the only one whose id begins with it; of several copies the living one.

    Without one that lives it is the copy heard of last. Raises MissingInput when nothing fits, InvalidInput when
    several jobs do.
    """
    named = [(t, job) for t in transports for job in t.job_ids() if job.startswith(text)]
    ids = sorted({job for _, job in named})
    if text in ids:
        ids = [text]
    if not ids:
        raise MissingInput(f"no job here has an id that begins with {text!r}; `ringrift jobs list` shows them")
    if len(ids) > 1:
        more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
        raise InvalidInput("job", text, f"it fits {len(ids)} jobs: {', '.join(ids[:5])}{more}")
    looked = [(t, view_of(t, job)) for t, job in named if job == ids[0]]
    copies = [(t, view) for t, view in looked if view]
    if not copies:
        raise MissingInput(f"{ids[0]} has no readable spec.json")
    return min(copies, key=lambda c: (c[1].status != "running", c[1].heartbeat_age_s or float("inf")))
