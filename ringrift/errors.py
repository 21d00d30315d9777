"""The errors a user can act on. The CLI prints them as one line; anything else is a defect."""

from typing import Any


class RingRiftError(Exception):
    """A failure with a remedy in its message."""


class InvalidInput(RingRiftError, ValueError):
    """Something from outside is not acceptable; the message is `{field}: {problem}; {allowed}`.

    `field` says where it stands (empty: the problem says it), `problem` what is wrong (default: that `value` is not
    allowed), `allowed` what would be, or how to mend it (empty: nothing more to say). `value` is kept for programs.
    """

    def __init__(self, field: str, value: object, allowed: str = "", *, problem: str | None = None):
        self.field, self.value, self.allowed = field, value, allowed
        shown = repr(value)
        self.problem = problem or f"{shown if len(shown) <= 120 else shown[:117] + '...'} is not allowed"
        super().__init__((f"{field}: " if field else "") + self.problem + (f"; {allowed}" if allowed else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross between processes with all their parts."""
        return _rebuilt, (type(self), self.field, self.value, self.allowed, self.problem)


def _rebuilt(kind: type[InvalidInput], field: str, value: object, allowed: str, problem: str) -> InvalidInput:
    return kind(field, value, allowed, problem=problem)


class IllegalMove(InvalidInput):
    """The move is not legal in this position; the position is unchanged."""


class MissingInput(RingRiftError, FileNotFoundError):
    """Something a step needs is not there: the message says what, and how to get it."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "missing input"
