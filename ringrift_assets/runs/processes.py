"""Several configs at once, each run in a process of its own.

Two Dagster runs on two threads of one process can deadlock: making a run's log manager reconfigures Python's
logging, which waits for handlers that wait for the event log's lock, whose holder waits for logging.

The processes are forked from one that has loaded Dagster and the graph: loading them costs ten times what a run that
finds everything up to date does.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Literal, TypeVar

from resources.runner.events import Control, JobEvent
from ringrift.errors import RingRiftError

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
LOADED = ["ringrift_assets.runs.iteration", "resources.sqlite_storage"]  # by the one they are forked from


class SharedControl(Control):
    """A Control whose asking is seen by other processes."""

    def __init__(self, asked: Event, cancel: Event):
        self._asked = asked  # type: ignore[assignment]  # it has the methods that are used
        self._cancel = cancel

    @property
    def _what(self) -> Literal["detach", "cancel"]:
        return "cancel" if self._cancel.is_set() else "detach"

    @_what.setter
    def _what(self, what: Literal["detach", "cancel"]) -> None:
        if what == "cancel":
            self._cancel.set()


class _Child:
    """What a worker process of the pool keeps between its tasks."""

    events: "SimpleQueue[JobEvent]"
    control: SharedControl


def _start_child(
    events: "SimpleQueue[JobEvent]", asked: Event, cancel: Event, environment: Mapping[str, str], folder: str
) -> None:
    os.setsid()  # Ctrl-C in the terminal is for the parent alone, which asks through the control
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # drops one that came before
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()  # of the process it was forked from, which may be older
    os.environ.update(environment)
    os.chdir(folder)
    _Child.events, _Child.control = events, SharedControl(asked, cancel)
    parent = parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()


def _run_child(work: Callable[[Any, Callable[[JobEvent], None], Control], Any], task: Any) -> Any:
    return work(task, _Child.events.put, _Child.control)


def run_in_processes(
    work: Callable[[Task, Callable[[JobEvent], None], Control], Outcome],
    tasks: Sequence[Task],
    at_once: int,
    progress: Callable[[JobEvent], None],
    control: Control,
) -> list[Outcome]:
    """`work(task, progress, control)` for each task, `at_once` processes; outcomes in the order of the tasks.

    `work` is a module-level function; tasks and outcomes are pickled. `progress` is called on this thread. Asking
    through `control` reaches every process. Raises RingRiftError when one of the processes is killed; the pool then
    ends the others.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    events, asked, cancel = context.SimpleQueue(), context.Event(), context.Event()
    shared = SharedControl(asked, cancel)
    arguments = (events, asked, cancel, dict(os.environ), str(Path.cwd()))
    with ProcessPoolExecutor(at_once, context, _start_child, arguments) as pool:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited, until _start_child lifts it
        futures = [pool.submit(_run_child, work, task) for task in tasks]  # starts the processes
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        pending = set(futures)
        while pending:
            _, pending = wait(pending, 0.1, FIRST_COMPLETED)
            while not events.empty():
                progress(events.get())
            if control.asked and not shared.asked:
                shared.ask(control.what)
    while not events.empty():
        progress(events.get())
    try:
        return [future.result() for future in futures]
    except BrokenProcessPool as error:
        raise RingRiftError(
            "a process of the run was killed; its jobs go on and their games are kept: run the same command again"
        ) from error
