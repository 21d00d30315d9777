"""Progress of long commands, on stderr so that stdout stays clean for --json."""

from collections.abc import Callable
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")
console = Console(stderr=True)


def progress_bar() -> Progress:
    """A bar with the count and the time taken; it vanishes at its end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def with_progress(total: int, work: Callable[[Callable[[str], None]], T]) -> T:
    """Result of `work`, which is handed a function that names each of `total` steps as it begins."""
    with progress_bar() as bar:
        task = bar.add_task("starting", total=total)
        done = 0

        def step(text: str) -> None:
            nonlocal done
            bar.update(task, description=text, completed=done)
            done += 1

        return work(step)
