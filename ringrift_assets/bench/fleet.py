"""`ringrift bench fleet`: what sending work to hosts by SSH costs, beside OpenSSH's clients and beside no SSH at all.

All servers are this machine's own on loopback, so the figures hold the cost of the programs and none of a network.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil
from paramiko import SFTPClient

from resources.hosts.host import Host
from resources.runner.assignments import Assignments
from resources.runner.runner import JobRunner
from resources.ssh.sftp import Pace, pull, push
from resources.ssh.transport import SshTransport
from resources.transports.base import stop
from ringrift.bench.report import Measure, report
from ringrift.jobs.contract import JOBS_FOLDER, MESSAGES, OUT, SPEC, JobSpec
from ringrift.jobs.folder import JobFolder
from ringrift_assets.devtools.openssh import SLOTS, _open_ssh, _OpenSsh, servers

LATENCY_BAR, SFTP_BAR = 1.3, 0.8
LOOKS = 200
COPIES = 15
OPEN_SSH_COPIES = ("get", "get -f", "put")
MB = 1_000_000


def bench_fleet(
    jobs: int = 200,
    hosts: int = 8,
    repeats: int = 15,
    megabytes: int = 100,
    work_s: float = 1.0,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The benchmark's report: latency of a start, throughput of SFTP, and what many jobs cost beside their own work.

    Each comparison alternates between the two sides, and takes the medians. What the orchestrator spends is told for
    a job from its start to its end, for one look at a running job, and for a host that it is connected with.
    """
    with tempfile.TemporaryDirectory(prefix="ringrift-fleet-") as name, servers(Path(name), hosts) as entries:
        folder = Path(name)
        transport = SshTransport(entries[0])
        with _open_ssh(folder, entries[0]) as client:
            progress("starting one job at a time")
            ours, theirs = _latency(folder, transport, client, repeats)
            progress("copying files")
            rates = _throughput(folder, transport, client, megabytes)
            progress("looking at running jobs")
            look_s = _look(folder, transport)
        transport.close()
        progress(f"connecting with {hosts} hosts")
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # where no thread or buffer of ours comes or goes
            held = apart.submit(_held, entries).result()
        progress(f"{jobs} jobs without SSH")
        specs = [_spec(f"many{number}", work_s) for number in range(jobs)]
        bare_s = _bare(folder / "bare", specs, hosts * SLOTS)
        progress(f"{jobs} jobs on {hosts} hosts")
        fleet_s, peak_mb, cpu_s = _fleet(folder / "fleet", entries, specs)
    rows: list[dict[str, Any]] = [
        {"what": "start of a job, ms", "ringrift": round(ours * 1e3, 1), "beside": round(theirs * 1e3, 1)},
        *(
            {"what": f"SFTP {what}, MB/s", "ringrift": round(rate, 1), "beside": round(beside, 1)}
            for what, rate, beside in (
                ("pull", rates["pull"], rates["get"]),
                ("pull, flushed", rates["pull"], rates["get -f"]),
                ("push", rates["push"], rates["put"]),
            )
        ),
        {"what": f"{jobs} jobs of {work_s:g} s, s", "ringrift": round(fleet_s, 1), "beside": round(bare_s, 1)},
    ]
    return report(
        "fleet",
        rows,
        [
            Measure("dispatch_latency_ms", ours * 1e3, "ms", better="lower"),
            Measure("dispatch_latency_ratio", ours / theirs, "", LATENCY_BAR, "lower"),
            Measure("sftp_mb_per_s", rates["pull"], "MB/s"),
            Measure("sftp_ratio", rates["pull"] / rates["get"], "", SFTP_BAR),
            Measure("sftp_flushed_ratio", rates["pull"] / rates["get -f"], ""),
            Measure("sftp_push_ratio", rates["push"] / rates["put"], ""),
            Measure("jobs", jobs, ""),
            Measure("work_s", jobs * work_s / (hosts * SLOTS), "s"),
            Measure("bare_s", bare_s, "s", better="lower"),
            Measure("fleet_s", fleet_s, "s", better="lower"),
            Measure("overhead_ratio", fleet_s / bare_s - 1, "", better="lower"),
            Measure("orchestrator_mb", peak_mb, "MB", better="lower"),
            Measure("job_cpu_ms", cpu_s / jobs * 1e3, "ms", better="lower"),
            Measure("look_cpu_ms", look_s * 1e3, "ms", better="lower"),
            *(Measure(f"host_{name}", value, unit, better="lower") for name, value, unit in held),
        ],
    )


def _spec(name: str, seconds: float = 0.0) -> JobSpec:
    return JobSpec(asset="bench", config="square8_2p", iteration=0, name=name, kind="noop", params={"seconds": seconds})


def _latency(folder: Path, transport: SshTransport, client: _OpenSsh, repeats: int) -> tuple[float, float]:
    """Median seconds from the wish to start a job until its worker's process was started: ours, OpenSSH's.

    Both make the job's directory with its spec and start the same worker detached; the next measurement waits for
    its end.
    """
    ours: list[float] = []
    theirs: list[float] = []
    python = transport.host.python_path
    jobs = folder / "host0" / JOBS_FOLDER
    for number in range(repeats + 1):
        spec = _spec(f"ours{number}")
        started = time.perf_counter()
        transport.start(spec)
        ours.append(time.perf_counter() - started)
        _wait_for(jobs / spec.job_id / OUT / "manifest.json")
        spec = _spec(f"theirs{number}")
        place = jobs / spec.job_id
        script = (
            f"mkdir -p {place}/{OUT} && cat > {place}/{SPEC} && "
            f"{{ nohup {python} -m ringrift.jobs.worker run {place} > {place}/log.txt 2>&1 < /dev/null & }}"
        )
        started = time.perf_counter()
        client.run(script, spec.canonical().encode())
        theirs.append(time.perf_counter() - started)
        _wait_for(place / OUT / "manifest.json")
    return statistics.median(ours[1:]), statistics.median(theirs[1:])  # the first of each opens what is kept open


def _throughput(folder: Path, transport: SshTransport, client: _OpenSsh, megabytes: int) -> dict[str, float]:
    """MB/s of copying one file, by the median time: our pull and push, and `sftp`'s get, get -f and put.

    A pull of ours is on the disk when it ends, as with get -f; get leaves that to the system. Ours has its session open
    already, so what `sftp` takes to start and do nothing is no part of its time.
    """
    source, target = folder / "large", folder / "copy"
    with source.open("wb") as out:
        for _ in range(megabytes):
            out.write(os.urandom(MB))

    def ours(copy: Callable[[SFTPClient], int]) -> None:
        with transport.connection.sftp() as session:
            copy(session)

    ways: dict[str, Callable[[], None]] = {
        "pull": partial(ours, lambda session: pull(session, str(source), target, Pace(None))),
        "push": partial(ours, lambda session: push(session, source, str(target), Pace(None))),
        **{verb: partial(client.sftp, verb, source, target) for verb in OPEN_SSH_COPIES},
        "start": client.sftp,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(COPIES + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - started)
            target.unlink(missing_ok=True)
    took = {name: statistics.median(found[1:]) for name, found in times.items()}
    start = took.pop("start")
    return {name: megabytes / (s - start if name in OPEN_SSH_COPIES else s) for name, s in took.items()}


def _look(folder: Path, transport: SshTransport) -> float:
    """CPU seconds of this process for one look at a running job of a connected host, as every poll makes one."""
    specs = [_spec(f"looked{number}", 600.0) for number in range(SLOTS)]
    for spec in specs:
        transport.start(spec)
        _wait_for(folder / "host0" / JOBS_FOLDER / spec.job_id / MESSAGES)
    begin = time.process_time()
    for _ in range(LOOKS):
        for spec in specs:
            assert transport.look(spec.job_id, 0).alive
    spent = time.process_time() - begin
    stop([(transport, spec.job_id) for spec in specs])
    return spent / (LOOKS * SLOTS)


def _held(hosts: Sequence[Host]) -> list[tuple[str, float, str]]:
    """What each connected host but the first adds to this process (name, value, unit): memory, threads, open files."""
    process = psutil.Process()

    def now() -> list[float]:
        return [process.memory_info().rss / MB, process.num_threads(), process.num_fds()]

    transports = [SshTransport(host) for host in hosts]
    transports[0].status()  # what all share is loaded now
    before = now()
    for transport in transports[1:]:
        transport.status()
        with transport.connection.sftp():
            pass
    after = now()
    for transport in transports:
        transport.close()
    count = max(len(hosts) - 1, 1)
    named = zip(("mb", "threads", "files"), ("MB", "", ""), before, after, strict=True)
    return [(name, (now - then) / count, unit) for name, unit, then, now in named]


def _bare(folder: Path, specs: Sequence[JobSpec], slots: int) -> float:
    """Seconds that the jobs take when each free slot starts the next worker at once, on this machine without SSH."""
    jobs = JobFolder(folder, slots)
    started = time.perf_counter()
    waiting: list[JobSpec] = list(reversed(specs))
    going: set[str] = set()
    while waiting or going:
        going = {job for job in going if jobs.exited(job) is None}
        while waiting and len(going) < slots and jobs.start(waiting[-1]):
            going.add(waiting.pop().job_id)
        time.sleep(0.01)
    return time.perf_counter() - started


def _fleet(folder: Path, hosts: Sequence[Host], specs: Sequence[JobSpec]) -> tuple[float, float, float]:
    """Seconds that the jobs take on the hosts, this process's largest memory meanwhile in MB, and its CPU seconds."""
    transports = [SshTransport(host) for host in hosts]
    peak, ended = [0], threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not ended.wait(0.1):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        runner = JobRunner(
            transports, folder / "inbox", poll_s=(0.2, 2.0), assignments=Assignments(folder / "assignments")
        )
        started, begin = time.perf_counter(), time.process_time()
        results = runner.run(specs)
        took, spent = time.perf_counter() - started, time.process_time() - begin
    finally:
        ended.set()
        watcher.join()
        for transport in transports:
            transport.close()
    failed = [result.error or result.status for result in results if result.status != "done"]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(specs)} jobs did not end well: {failed[0]}")
    return took, peak[0] / MB, spent


def _wait_for(path: Path, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} did not appear within {seconds:g} s")
        time.sleep(0.01)
