"""A host reached by SSH: one connection, one agent on it (ringrift.jobs.agent), files over SFTP.

The agent answers a request in one round trip, so that looking at a job or starting one costs no new process on the
host. Shards are pulled several at once; a pull that was interrupted goes on where it stopped.
"""

import errno
import posixpath
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from resources.hosts.host import Host
from resources.ssh.agent_client import Agent, NotStarted, start_fault, version_fault
from resources.ssh.answers import BadAnswer, result_of
from resources.ssh.connection import SshConnection, shell_path
from resources.ssh.file_sessions import SESSIONS
from resources.ssh.opening import Timeouts
from resources.ssh.sftp import Pace, Progress, exists, holds, pull, push
from resources.transports.base import NO_SIZES, HostFaulty, HostRefused, HostUnreachable
from ringrift.jobs.contract import JOBS_FOLDER, OUT, JobSpec, file_sha256
from ringrift.jobs.folder import FolderStatus, Look
from ringrift.jobs.view import JobView
from ringrift.planning.retry import RetryPolicy
from ringrift.specs.kinds import inputs_of

ENVIRONMENT = "env"  # below ringrift_path: where bootstrap puts the worker's environment
MODEL_SUFFIX, CARD_SUFFIX = ".safetensors", ".json"
HOMES = "homes"  # below ringrift_path: input files, one folder a home of an orchestrator
FROM_SERVER = (None, errno.EACCES)  # numbers of errors that an SFTP server tells; no file of ours is named then
STARTING_S = 60.0  # an agent on a cold disk needs so long at most to load


def worker_python(host: Host) -> str:
    """The interpreter of a host's workers: its python_path, else that of the environment bootstrap makes."""
    return host.python_path or f"{root_of(host)}/{ENVIRONMENT}/bin/python"


def root_of(host: Host) -> str:
    """The folder on the host that holds its jobs."""
    return (host.ringrift_path or "~/ringrift").rstrip("/")


class SshTransport:
    """One remote host; see resources.transports.base.Transport.

    `home` is the orchestrator's own home: files in it that a job names as inputs are sent to the host before the
    job starts, below a folder that belongs to this home (`home_id`). `bytes_per_s` limits all transfers together.
    """

    max_poll_s, status_s = 60.0, 1.0

    def __init__(
        self,
        host: Host,
        home: Path | None = None,
        *,
        home_id: str = "home",
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        bytes_per_s: float | None = None,
        progress: Progress = lambda done, total: None,
    ):
        self.host = host
        self.home = home
        self.home_id = home_id
        self.connection = SshConnection(host, timeouts, retry=retry)
        self.pace = Pace(bytes_per_s)
        self.progress = progress
        self._agent: Agent | None = None
        self._lock = threading.RLock()
        self._sent: set[tuple[str, str]] = set()  # input files that are on the host

    # --- the agent --------------------------------------------------------------------------------------

    def ask(self, verb: str, **arguments: Any) -> Any:
        """One request to the agent; its result is of the type in resources.ssh.answers.

        Raises HostUnreachable, HostRefused, HostFaulty for an answer that cannot be.
        """
        with self._lock:
            agent = self._open_agent()
            try:
                with self.connection.guarded():
                    answer = agent.ask(verb, arguments)
                result = result_of(self.host.name, verb, answer)
            except HostUnreachable:
                self._agent = None
                raise
            except BadAnswer as bad:
                raise self._faulty(bad) from bad
            self.connection.worked()
        return result

    def _faulty(self, bad: BadAnswer) -> HostFaulty:
        self._agent = None
        fault = HostFaulty(f"{self.host.name}: its agent answers with what cannot be: {bad}")
        self.connection.failed(fault)
        return fault

    def hello(self) -> dict[str, Any]:
        """The agent's hand-shake; see ringrift.jobs.agent.greeting."""
        with self._lock:
            return self._open_agent().greeting

    def _open_agent(self) -> Agent:
        client = self.connection.client()
        if self._agent is not None and self._agent.client is client and not self._agent.channel.closed:
            return self._agent
        channel = self.connection.channel()
        with self.connection.guarded():
            with self.connection.hurried(client, self.connection.timeouts.stall_s):
                channel.exec_command(self.agent_command())
            self._agent = agent = Agent(client, channel, self.connection.timeouts.stall_s)
            try:
                with self.connection.hurried(client, STARTING_S + self.connection.timeouts.stall_s):
                    agent.shake(STARTING_S)
            except NotStarted as problem:
                self._agent = None
                fault = start_fault(self.host.name, worker_python(self.host), problem)
            except BadAnswer as bad:
                raise self._faulty(bad) from bad
        if self._agent is None:
            self.connection.failed(fault)
            raise fault
        if (other := version_fault(self.host.name, agent.greeting)) is not None:
            self.connection.failed(other)
            raise other
        self.connection.check_files()  # a host whose games cannot come home gets no job
        return agent

    def agent_command(self) -> str:
        """What the login shell of the host is told to run."""
        python = worker_python(self.host)
        slots = self.host.max_parallel_jobs or self.host.cpus or 0
        arguments = ["-m", "ringrift.jobs.agent", "--root", root_of(self.host), "--slots", str(slots)]
        arguments += ["--python", python]
        return f"exec sh -c {shlex.quote(f'exec {shell_path(python)} {shlex.join(arguments)}')}"

    # --- looking ----------------------------------------------------------------------------------------

    def where(self, job: str) -> str:
        return f"ssh://{self.connection.destination}/{root_of(self.host)}/{JOBS_FOLDER}/{job}"

    def exists(self, job: str) -> bool:
        return self.ask("exists", job=job)

    def job_ids(self) -> list[str]:
        return self.ask("job_ids")

    def read(self, job: str, name: str, offset: int = 0, limit: int = -1) -> bytes | None:
        return self.ask("read", job=job, name=name, offset=offset, limit=limit)

    def look(self, job: str, offset: int) -> Look:
        found = self.ask("look", job=job, offset=offset)
        return Look(found.alive, found.messages, found.manifest)

    def alive(self, job: str) -> bool:
        return self.ask("alive", job=job)

    def exited(self, job: str) -> int | None:
        return self.ask("exited", job=job)

    def views(self, jobs: Sequence[str] | None = None) -> list[JobView]:
        found = self.ask("views", jobs=None if jobs is None else list(jobs))
        return [replace(view, host=self.host.name) for view in found]

    def status(self) -> FolderStatus:
        return self.ask("status")

    def free_bytes(self) -> int:
        return self.status().free_bytes

    def skew_s(self) -> float:
        with self._lock:
            return self._open_agent().skew_s

    def probe(self) -> dict[str, Any]:
        return self.ask("probe").model_dump()

    # --- acting -----------------------------------------------------------------------------------------

    def start(self, spec: JobSpec, shards: Sequence[Path] = ()) -> bool:
        try:
            self._send_inputs(spec)
            sent = self._send_shards(shards)
        except HostUnreachable as error:
            raise HostUnreachable(self.host.name, error.why) from error  # not started
        except OSError as error:
            raise HostRefused(f"{self.host.name} did not take the job's files ({error}); is its disk full?") from error
        home = f"{HOMES}/{self.home_id}"
        return self.ask("start", spec=spec.model_dump(mode="json"), sent=sent, home=home)

    def command(self, job: str) -> list[str]:
        folder = f"{root_of(self.host)}/{JOBS_FOLDER}/{job}"
        return [worker_python(self.host), "-m", "ringrift.jobs.worker", "run", folder]

    def signal(self, job: str, *, kill: bool) -> None:
        self.ask("signal", job=job, kill=kill)

    def quarantine(self, job: str, names: Sequence[str]) -> None:
        self.ask("quarantine", job=job, names=list(names))

    def close(self) -> None:
        with self._lock:
            self._agent = None
            self.connection.close()

    # --- files ------------------------------------------------------------------------------------------

    def fetch(self, job: str, names: Sequence[str], folder: Path, sizes: Mapping[str, int] = NO_SIZES) -> None:
        root = f"{self.hello()['root']}/{JOBS_FOLDER}/{job}/{OUT}"

        def one(name: str) -> None:
            with self.connection.sftp() as client:
                remote, size = posixpath.join(root, name), sizes.get(name)
                try:
                    pull(client, remote, folder / name, self.pace, self.progress, expected=size)
                except FileNotFoundError:
                    return
                except OSError as error:
                    if error.filename is None and error.errno in FROM_SERVER:
                        raise HostRefused(f"{self.host.name} did not give {name} of {job}: {error}") from error
                    raise

        self._several([lambda name=name: one(name) for name in names])  # type: ignore[misc]

    def send(self, source: Path, name: str) -> bool:
        return self.connection.patiently(lambda: self._send_file(source, name))

    def _send_file(self, source: Path, name: str) -> bool:
        remote = f"{self.hello()['root']}/{name}"
        try:
            with self.connection.sftp() as client:
                if holds(client, remote, source.read_bytes()):
                    return False
                push(client, source, remote, self.pace, self.progress)
                return True
        except OSError as error:
            raise HostRefused(f"{self.host.name} did not take {name} ({error}); is its disk full?") from error

    def _send_inputs(self, spec: JobSpec) -> None:
        """The files of the home that the job reads, unless the host has them."""
        wanted = {(entry.path, entry.sha256) for entry in inputs_of(spec)} - self._sent
        for path, digest in sorted(wanted):
            if self.home is None:
                raise HostRefused(f"{self.host.name}: {spec.job_id} needs {path}, and there is no home to send it from")
            source = self.home / path
            if not source.is_file() or file_sha256(source) != digest:
                raise HostRefused(f"{source} is not there or changed since the job was planned; start it again")
            card = source.with_suffix(CARD_SUFFIX)
            if source.suffix == MODEL_SUFFIX and card.is_file():  # a model is loaded with the card beside it
                self._send_input(card, str(Path(path).with_suffix(CARD_SUFFIX)), file_sha256(card))
            self._send_input(source, path, digest)
            self._sent.add((path, digest))

    def _send_input(self, source: Path, path: str, digest: str) -> None:
        """A file of the home to its place on the host, unless this content is there."""
        place = f"{self.hello()['root']}/{HOMES}/{self.home_id}/{path}"
        mark = f"{place}.{digest[:16]}.sent"  # empty, beside it: this content was sent whole
        with self.connection.sftp() as client:
            if not exists(client, mark) or client.stat(place).st_size != source.stat().st_size:
                push(client, source, place, self.pace, self.progress)
                client.open(mark, "wb").close()

    def _send_shards(self, shards: Sequence[Path]) -> str:
        """Send the shards of a job that comes from another host to a staging place; returns its name, or nothing."""
        if not shards:
            return ""
        name = uuid4().hex
        place = f"{self.hello()['root']}/{JOBS_FOLDER}/.sent-{name}"

        def one(shard: Path) -> None:
            with self.connection.sftp() as client:
                push(client, shard, f"{place}/{shard.name}", self.pace)

        self._several([lambda shard=shard: one(shard) for shard in shards])  # type: ignore[misc]
        return name

    def _several(self, work: Sequence[Callable[[], None]]) -> None:
        """Do the transfers, a few at once; the first error is raised once all have ended."""
        if len(work) < 2:
            for one in work:
                one()
            return
        with ThreadPoolExecutor(min(SESSIONS, len(work))) as pool:
            for future in [pool.submit(one) for one in work]:
                future.result()
