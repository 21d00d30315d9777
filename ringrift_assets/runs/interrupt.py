"""Ctrl-C while jobs run: the first one detaches, a second one cancels."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from resources.runner.events import Control
from ringrift_assets.runs.iteration import LOOK_S


def watched(work: Callable[..., Any], say: Callable[[str], None], grace_s: float = 3.0) -> Any:
    """Run `work(control=…)` so that Ctrl-C detaches from its jobs and a second one within `grace_s` cancels them.

    The work runs on a thread, because on the main one Dagster takes Ctrl-C for the end of the run. Call it from the
    main thread.
    """
    control, box, ended = Control(), {}, threading.Event()
    presses: list[float] = []  # when Ctrl-C was pressed, since the last time that something was asked

    def target() -> None:
        try:
            box["value"] = work(control=control)
        except BaseException as error:
            box["error"] = error
        finally:
            ended.set()

    # a handler, not KeyboardInterrupt: that one also comes while the first is being dealt with, and nobody would watch
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # ignored in the background of a script
        signal.signal(signal.SIGINT, lambda *_: presses.append(time.monotonic()))
    try:
        threading.Thread(target=target, name="run").start()
        while not ended.wait(LOOK_S):
            if presses and not (control.asked and control.what == "cancel"):
                say(f"Leaving the jobs running. Ctrl-C again within {grace_s:g} s stops them too.")
                while len(presses) == 1 and time.monotonic() < presses[0] + grace_s and not ended.wait(LOOK_S):
                    pass
                control.ask("cancel" if len(presses) > 1 else "detach")
                presses.clear()
    finally:
        signal.signal(signal.SIGINT, before)
    if "error" in box:
        raise box["error"]
    return box["value"]
