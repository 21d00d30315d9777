"""The worker: runs one job directory as ringrift.jobs.contract describes it.

    python -m ringrift.jobs.worker run DIR     in this process; output goes to the terminal
    python -m ringrift.jobs.worker start DIR   detached, output to DIR/log.txt; prints the pid
    python -m ringrift.jobs.worker hello       versions as JSON, for the hand-shake

Exit codes: 0 done, 1 failed, 2 refused (no acceptable spec.json), 75 another worker holds the job, 130 or 143
cancelled by SIGINT, SIGTERM or a `cancel` file. Starting a directory again goes on from its last whole shard;
remove `cancel` first.

Threads: the main thread works; one more writes the heartbeat and reacts to signals, so that a job stops in
seconds even inside a long kernel.
"""

import fcntl
import importlib
import importlib.metadata
import json
import os
import pkgutil
import platform
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ringrift.errors import InvalidInput, MissingInput, RingRiftError
from ringrift.files import lock, write_json
from ringrift.jobs import contract
from ringrift.jobs.contract import CONTRACT_VERSION, JobSpec, JobState, Manifest
from ringrift.jobs.directory import Job, JobCancelled, Messages, State, read_manifest, read_state
from ringrift.strict import parse, read_document

DONE, FAILED, REFUSED, BUSY = 0, 1, 2, 75
HEARTBEAT_S = 2.0
CANCEL_GRACE_S = 5.0  # after a signal, the main thread may take so long to save its finished work

KINDS = "ringrift.kinds"  # the package of the job kinds; it lies above this one, so it is found by its name

THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""A job is one core: each of these is set to 1 before numpy is loaded, unless the starter has set it."""


def job_kinds() -> list[str]:
    """The job kinds of this machine, by name: the files of their package, none of which is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(KINDS).__path__))


def run_kind(job: Job) -> dict[str, Any]:
    """Run a job by its kind and return the manifest's `result`. Raises InvalidInput for bad params."""
    kind = importlib.import_module(f"{KINDS}.{job.spec.kind}")  # now: the thread counts are set
    params = parse(kind.Params, job.spec.params, f"params of {job.spec.name}")
    result: dict[str, Any] = kind.run(job, params)
    return result


def read_spec(directory: Path) -> JobSpec:
    """The job's spec. Raises MissingInput or InvalidInput; another contract version comes with the remedy."""
    path = directory / contract.SPEC
    data = read_document(path)
    version = data.get("contract")
    if version != CONTRACT_VERSION:
        remedy = f"this worker speaks {CONTRACT_VERSION}; install the orchestrator's version of ringrift here"
        raise InvalidInput(f"{path}: contract", version, remedy)
    spec = parse(JobSpec, data, str(path))
    if spec.kind not in (kinds := job_kinds()):
        raise InvalidInput(f"{path}: kind", spec.kind, f"use one of {', '.join(kinds)}")
    return spec


def run_job(directory: Path) -> int:
    """Run the job of a directory in this process and return the exit code. Main thread only."""
    with _lock(directory) as free:
        return _run_locked(directory) if free else BUSY


@contextmanager
def _lock(directory: Path) -> Iterator[bool]:
    """Hold the job's lock, which the system frees when its holder dies; yields False if another holds it."""
    if not directory.is_dir():
        raise MissingInput(f"{directory} is not a job directory; submit the job first")
    with (directory / contract.LOCK).open("a") as handle:
        for pause in (0.1, 0.2, 0.3, None):  # one who only asks for a sign of life holds it for an instant
            if lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
                return
            if pause is not None:
                time.sleep(pause)
        print(f"{directory}: another worker is running this job; nothing was changed", file=sys.stderr)
        yield False


def _run_locked(directory: Path) -> int:
    last = _last_state(directory)
    attempt = last.attempt + 1 if last else 1
    try:
        spec = read_spec(directory)
    except RingRiftError as error:
        State(directory / contract.STATE, attempt).finish("failed", REFUSED, str(error))
        raise
    try:
        if read_manifest(directory, spec.job_id):
            print(f"{spec.job_id} is done already", flush=True)
            if last is None or last.status != "done":  # killed between the manifest and the state
                State(directory / contract.STATE, attempt).finish("done", DONE)
            return DONE
    except InvalidInput as error:
        print(f"running again: {error}", flush=True)
    for name in THREAD_COUNTS:
        os.environ.setdefault(name, "1")
    for stray in (directory / contract.OUT).glob(".*.tmp"):  # left by a killed attempt; we hold the lock
        stray.unlink()
    messages = Messages(directory / contract.MESSAGES, attempt)
    job = Job(directory, spec, messages, attempt)
    state = State(directory / contract.STATE, attempt)
    messages.opened()
    with _watching(directory / contract.CANCEL, job, state, messages) as signals:
        return _work(job, state, messages, signals)


def _work(job: Job, state: State, messages: Messages, signals: list[int]) -> int:
    started, cpu = time.time(), time.process_time()
    try:
        job.check()
        result = run_kind(job)
        worker = {
            **hello(),
            "attempt": job.attempt,
            "started": started,
            "wall_s": round(time.time() - started, 3),
            "cpu_s": round(time.process_time() - cpu, 3),
        }
        manifest = Manifest(job_id=job.spec.job_id, shards=job.shards, result=result, worker=worker)
        write_json(job.out / contract.MANIFEST, manifest.model_dump())
        state.finish("done", DONE)
        messages.closed()
        return DONE
    except JobCancelled:
        code = 128 + (signals[0] if signals else signal.SIGTERM)
        state.finish("cancelled", code, "cancelled")
        messages.closed(_pipes_exception("JobCancelled", "the job was cancelled"))
        return code
    except Exception as error:
        line = str(error) if isinstance(error, RingRiftError) else f"{type(error).__name__}: {error}"
        if isinstance(error, OSError) and "No space left" in line:
            line = f"the disk of {job.out} is full; free some space and run the job again ({line})"
        line = " ".join(line.split())[:1000]
        state.finish("failed", FAILED, line)  # first: on a full disk the rest may take the last free block
        with suppress(OSError):
            traceback.print_exc()
            messages.closed(_pipes_exception(type(error).__name__, line, traceback.format_tb(error.__traceback__)))
        return FAILED


def _last_state(directory: Path) -> JobState | None:
    try:
        return read_state(directory)
    except InvalidInput as error:
        print(f"counting attempts anew: {error}", flush=True)
        return None


def _pipes_exception(name: str, message: str, stack: list[str] | None = None) -> dict[str, Any]:
    return {"message": message, "stack": stack or [], "name": name, "cause": None, "context": None}


@contextmanager
def _watching(cancel: Path, job: Job, state: State, messages: Messages) -> Iterator[list[int]]:
    """Heartbeat and signals in a thread of their own; yields the list of signals that arrived.

    The wake-up socket is written by the C signal handler, so the thread hears of a signal while the main
    thread is deep in a kernel, where Python's own handlers would not run.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    finished = threading.Event()
    signals: list[int] = []

    def watch() -> None:
        while not finished.is_set():
            ready, _, _ = select.select([reader], [], [], HEARTBEAT_S)
            signals.extend(number for number in (reader.recv(16) if ready else b"") if number)
            if finished.is_set():
                return
            if signals or cancel.exists():
                job.cancelled.set()
                if not finished.wait(CANCEL_GRACE_S):
                    code = 128 + (signals[0] if signals else signal.SIGTERM)
                    if state.finish("cancelled", code, "cancelled in the middle of a unit of work"):
                        messages.closed(_pipes_exception("JobCancelled", "the job was cancelled"))
                    os._exit(code)
            try:
                state.beat()
            except OSError as error:
                with suppress(OSError):
                    print(f"heartbeat: {error}", file=sys.stderr, flush=True)

    if cancel.exists():
        job.cancelled.set()
    caught = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    previous = signal.set_wakeup_fd(writer.fileno())
    thread = threading.Thread(target=watch, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield signals
    finally:
        finished.set()
        signal.set_wakeup_fd(previous)
        for number, handler in caught.items():
            signal.signal(number, handler)
        writer.send(b"\0")
        thread.join()
        reader.close()
        writer.close()


def hello() -> dict[str, Any]:
    """Who this worker is: contract version, host, package and Python versions, job kinds."""
    return {
        "contract": CONTRACT_VERSION,
        "host": socket.gethostname(),
        "version": importlib.metadata.version("ringrift-assets"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kinds": job_kinds(),
    }


def start(directory: Path) -> int | None:
    """Start `run` in a session of its own, which outlives this process.

    Returns its pid, or None if a worker is running the job already.
    """
    with _lock(directory) as free:
        if not free:
            return None
    with (directory / contract.LOG).open("ab") as log:
        command = [sys.executable, "-m", "ringrift.jobs.worker", "run", str(directory)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True).pid


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's text."""
    match sys.argv[1:] if arguments is None else arguments:
        case ["hello"]:
            print(json.dumps(hello()))
            return DONE
        case ["start" | "run" as verb, folder]:
            directory = Path(folder).resolve()
        case _:
            print("usage: python -m ringrift.jobs.worker {run DIR | start DIR | hello}", file=sys.stderr)
            return REFUSED
    try:
        if verb == "run":
            return run_job(directory)
        pid = start(directory)
        if pid is None:
            return BUSY
        print(pid)
        return DONE
    except RingRiftError as error:
        print(error, file=sys.stderr)
        return REFUSED


if __name__ == "__main__":
    from ringrift.jobs import worker  # the module that job kinds import, not its copy named __main__

    sys.exit(worker.main())
