"""The processes of several configs. This file imports little: each of those processes imports it too."""

import os
import signal
import threading
from collections.abc import Callable

import psutil

from resources.runner.events import Control, JobEvent
from ringrift_assets.runs.processes import run_in_processes


def add_one(task: int, progress: Callable[[JobEvent], None], control: Control) -> int:
    return task + 1


def test_ctrl_c_while_the_processes_start_does_not_end_them():
    hit: set[int] = set()
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.001):
            for process in psutil.Process().children(recursive=True):
                try:
                    server = any("multiprocessing.forkserver" in word for word in process.parent().cmdline())
                    reached = os.getsid(process.pid) == os.getsid(0)  # by Ctrl-C in the terminal
                    if process.pid not in hit and server and reached:
                        process.send_signal(signal.SIGINT)
                        hit.add(process.pid)
                except (psutil.Error, ProcessLookupError):  # it is between fork and exec, or gone
                    continue

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        for _ in range(20):  # they start quickly
            assert run_in_processes(add_one, [1, 2], 2, lambda event: None, Control()) == [2, 3]
            if len(hit) >= 2:
                break
    finally:
        ended.set()
        thread.join()
    assert len(hit) >= 2
