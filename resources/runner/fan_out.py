"""Work on several hosts at once, a thread each, that one listener hears of."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from resources.runner.events import JobEvent

HOSTS_AT_ONCE = 32


class SideBySide:
    """`each` does the work; the listener hears what it tells, but on the thread that called `each`."""

    def __init__(self, listener: Callable[[JobEvent], None]):
        self._listener = listener
        self._events: queue.SimpleQueue[JobEvent] = queue.SimpleQueue()
        self._of_thread = threading.local()

    def tell(self, event: JobEvent) -> None:
        """Let the listener hear an event: now, or as soon as the thread that waits for the work can."""
        if getattr(self._of_thread, "works", False):
            self._events.put(event)
        else:
            self._listener(event)

    def each(self, work: Sequence[Callable[[], None]]) -> None:
        """Do all of it, at once if it is several; the first error is raised once all have ended."""
        if len(work) < 2:
            for one in work:
                one()
            return
        with ThreadPoolExecutor(min(HOSTS_AT_ONCE, len(work)), initializer=self._begin) as pool:
            futures: list[Future[None]] = [pool.submit(one) for one in work]
            pending = set(futures)
            while pending:
                _, pending = wait(pending, 0.1)
                self._pass_on()
        self._pass_on()
        for future in futures:
            future.result()

    def _begin(self) -> None:
        self._of_thread.works = True

    def _pass_on(self) -> None:
        while not self._events.empty():
            self._listener(self._events.get())
