"""What an asset works with: the home and its store, the pipeline's numbers, the hosts, and runs of jobs."""

import contextlib
import copy
import hashlib
import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal
from uuid import uuid4

from resources.hosts.file import load_hosts
from resources.hosts.host import LOCAL, Capability, Host, HostClass, check_class, eligible
from resources.hosts.requirements import needed_gb
from resources.runner.assignments import Assignments
from resources.runner.error_log import ErrorLog
from resources.runner.events import Control, JobEvent, JobResult
from resources.runner.runner import JobRunner
from resources.store.home import HOME_VARIABLE, REPOSITORY, Home
from resources.store.store import Store
from resources.store.trust import quarantines
from resources.transports.base import HostRefused, HostUnreachable, Transport, reason
from resources.transports.local import LocalTransport
from ringrift.errors import InvalidInput, RingRiftError
from ringrift.files import write_json
from ringrift.jobs.contract import MANIFEST, JobSpec
from ringrift.jobs.inputs import InputFile, input_file
from ringrift.planning.pipeline import Pipeline, load_pipeline
from ringrift.strict import parse, read_document

PIPELINE_VARIABLE = "RINGRIFT_PIPELINE"
SCALE_VARIABLE = "RINGRIFT_GAMES_SCALE"
BANDWIDTH_VARIABLE = "RINGRIFT_BANDWIDTH_MB_S"
DEFAULT_PIPELINE = REPOSITORY / "config" / "pipeline.yaml"
HOME_ID_FILE = "home_id.json"
SET_ASIDE = "set_aside"  # pulled games that do not hold, kept for people
Backend = Literal["ssh", "local"]


@dataclass(frozen=True, slots=True)
class Where:
    """Which hosts may be used: the backend `local` leaves remote ones out, a class all but its own."""

    backend: Backend = "ssh"
    host_class: HostClass | None = None


class Runtime:
    """One home with one pipeline file and one hosts file.

    What is not given comes from RINGRIFT_HOME, RINGRIFT_PIPELINE, RINGRIFT_HOSTS and RINGRIFT_GAMES_SCALE. The
    pipeline is then the one of the home's last `ringrift run`, so that the web server goes on with it, else
    the repository's. Nothing is read before it is used. `listener` hears every event of every job, on the
    thread that runs it. `where` says which of the hosts may be used.
    """

    def __init__(
        self,
        home: Home | None = None,
        pipeline: Path | None = None,
        hosts: Path | None = None,
        *,
        games_scale: float | None = None,
        listener: Callable[[JobEvent], None] = lambda event: None,
        control: Control | None = None,
        where: Where | None = None,
    ):
        self.home = home or Home()
        self.where = where or Where()
        self.hosts_path = hosts
        self.listener = listener
        self.control = control or Control()
        self._pipeline_path = pipeline
        self._scale = games_scale
        self._whole = self  # a narrowed copy reads no file itself
        self._remote: dict[str, Transport] = {}  # shared with narrowed copies

    @property
    def store(self) -> Store:
        """The partitions of this home."""
        return Store(self.home.store)

    def settings(self) -> tuple[Path, float | str | None]:
        """The pipeline file and the scale of games (None: the file's own)."""
        path = self._pipeline_path or os.environ.get(PIPELINE_VARIABLE)
        if path:
            return Path(path), self._scale or os.environ.get(SCALE_VARIABLE) or None
        if self._last_run.is_file():
            last = read_document(self._last_run)
            return Path(last["pipeline"]), self._scale or last["games_scale"]
        return DEFAULT_PIPELINE, self._scale or os.environ.get(SCALE_VARIABLE) or None

    def remember(self) -> None:
        """Make these settings the home's, for a web server that is told none."""
        path, scale = self.settings()
        write_json(self._last_run, {"pipeline": str(path.resolve()), "games_scale": scale})

    @property
    def _last_run(self) -> Path:
        return self.home.root / "last_run.json"

    def input_file(self, path: Path) -> InputFile:
        """A file of the home as a job wants it named."""
        return input_file(self.home.root, path)

    def forget(self, jobs: Sequence[str]) -> None:
        """Drop the pulled shards of jobs whose rows are in the store now."""
        for job in jobs:
            shutil.rmtree(self.home.inbox / job, ignore_errors=True)

    def set_aside(self, result: JobResult) -> Path:
        """Move the pulled shards of a job whose games do not hold to `set_aside/`; returns where they are.

        Its host, if it can be reached, gives them up too, so that it plays the job anew should it ever be asked again.
        """
        job = result.spec.job_id
        place = self.home.root / SET_ASIDE / f"{job}-{uuid4().hex[:8]}"
        place.parent.mkdir(exist_ok=True)
        (self.home.inbox / job).rename(place)
        host = next((host for host in [LOCAL, *self.hosts] if host.name == result.host), None)
        with contextlib.suppress(HostUnreachable, HostRefused):
            if host is not None:
                self.transport(host).quarantine(job, [MANIFEST, *(path.name for path in result.shards)])
        return place

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline's numbers, with the scale of games applied. Raises MissingInput or InvalidInput."""
        return self._whole._pipeline

    @cached_property
    def _pipeline(self) -> Pipeline:
        path, scale = self.settings()
        pipeline = load_pipeline(path)
        if scale is None:
            return pipeline
        try:
            number = float(scale)
        except ValueError:
            raise InvalidInput(SCALE_VARIABLE, scale, "use a number, for example 0.5") from None
        return parse(Pipeline, {**pipeline.model_dump(), "games_scale": number}, "games scale")

    @property
    def hosts(self) -> list[Host]:
        """The hosts file's machines. Raises MissingInput or HostsInvalid."""
        return self._whole._hosts

    @cached_property
    def _hosts(self) -> list[Host]:
        return load_hosts(self.hosts_path)

    def run(
        self,
        capability: Capability | None,
        specs: Sequence[JobSpec],
        *,
        listener: Callable[[JobEvent], None] = lambda event: None,
        timeout_s: float | None = None,
        cancel_on: tuple[type[BaseException], ...] = (),
        apart: Mapping[str, str] | None = None,
    ) -> list[JobResult]:
        """Run jobs where `capability` is offered, or on this machine when it is None; see JobRunner.run.

        `apart` holds why some hosts take none of these jobs. Raises NoEligibleHost with every host's reason.
        """
        hosts = [LOCAL] if capability is None else self.eligible(capability, specs, apart)

        def both(event: JobEvent) -> None:
            listener(event)
            self.listener(event)

        transports = [self.transport(host) for host in hosts]
        polling = self.pipeline.polling
        runner = JobRunner(
            transports,
            self.home.inbox,
            both,
            self.control,
            (polling.first_s, polling.interval_s),
            assignments=Assignments(self.home.assignments),
            errors=ErrorLog(self.home.logs / "pipeline"),
        )
        return runner.run(specs, timeout_s=timeout_s, cancel_on=cancel_on)

    def within(self, host_class: str | None) -> "Runtime":
        """This runtime, limited to one class of hosts if one is named; files and connections are shared.

        Raises InvalidInput.
        """
        chosen, narrowed = check_class(host_class), copy.copy(self)
        if chosen:
            narrowed.where = replace(self.where, host_class=chosen)
        return narrowed

    def eligible(
        self, capability: Capability, specs: Sequence[JobSpec] = (), apart: Mapping[str, str] | None = None
    ) -> list[Host]:
        """The hosts that may take the jobs, without those `apart`. Raises NoEligibleHost with every host's reason."""
        return eligible(
            self.hosts,
            capability,
            remote=self.where.backend != "local",
            memory_gb=needed_gb(specs),
            host_class=self.where.host_class,
            apart={**(apart or {}), **quarantines(self.home)},
        )

    def transport(self, host: Host) -> Transport:
        """How to reach a host. A local host keeps its jobs in this home unless it has a path of its own.

        A remote one keeps its connection for as long as this process lives.
        """
        if not host.is_local:
            if host.name not in self._remote:
                self._remote[host.name] = self._connect(host)
            return self._remote[host.name]
        root = Path(host.ringrift_path).expanduser() if host.ringrift_path else self.home.root
        return LocalTransport(host, root, environment={HOME_VARIABLE: str(self.home.root)})

    def push(self, source: Path, name: str, hosts: Sequence[Host]) -> dict[str, bool | str]:
        """Copy a file to `name` below the folder of remote hosts, where it appears whole.

        Host → whether it was sent (False: an equal file was there), or why it did not get there. Hosts that the
        backend or class leaves out are not in the answer.
        """
        wanted = [
            host for host in hosts if self.where.backend != "local" and self.where.host_class in (None, host.host_class)
        ]

        def one(host: Host) -> bool | str:
            try:
                return self.transport(host).send(source, name)
            except (HostUnreachable, HostRefused) as error:
                return reason(error, host.name)

        with ThreadPoolExecutor(max(len(wanted), 1)) as pool:
            return dict(zip([host.name for host in wanted], pool.map(one, wanted), strict=True))

    def _connect(self, host: Host) -> Transport:
        from resources.ssh.transport import SshTransport  # imports paramiko, so not at the top

        try:
            retry = self.pipeline.retry
        except RingRiftError:
            retry = None  # jobs are ended even where the pipeline's file is gone
        return SshTransport(host, self.home.root, home_id=home_id(self.home), retry=retry, bytes_per_s=bandwidth())


def home_id(home: Home) -> str:
    """What tells this home from all others on a host that serves several: 12 hex digits.

    It is kept in the home, so that a machine with another name finds its jobs again; a home that was moved or copied to
    another folder gets one of its own.
    """
    path, root = home.root / HOME_ID_FILE, str(home.root)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["root"] == root and re.fullmatch(r"[0-9a-f]{12}", held["id"]):
            return str(held["id"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there yet, or damaged
    found = hashlib.sha256(f"{socket.gethostname()}:{root}".encode()).hexdigest()[:12]
    if home.root.is_dir() and os.access(home.root, os.W_OK):
        write_json(path, {"id": found, "root": root})
    return found


def bandwidth() -> float | None:
    """The limit on transfers with one host in bytes a second, from RINGRIFT_BANDWIDTH_MB_S; None is no limit."""
    text = os.environ.get(BANDWIDTH_VARIABLE)
    if not text:
        return None
    try:
        megabytes = float(text)
        if megabytes > 0:
            return megabytes * 1e6
    except ValueError:
        pass
    raise InvalidInput(BANDWIDTH_VARIABLE, text, "use megabytes a second, for example 2.5")
