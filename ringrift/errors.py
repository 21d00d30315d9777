"""The errors a user can act on. The CLI prints them as one line; anything else is a defect."""

import re
import reprlib
from typing import Any

LONGEST = 1000  # characters of each part of a message: names and values come from files that anybody wrote


def cut(text: str, longest: int = LONGEST) -> str:
    """`text`, with its end left out if it is longer than so many characters."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def printable(text: str) -> str:
    """`text` as one line for a terminal: control characters are written as escapes, line ends as spaces."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], re.sub(r"[\r\n]+", " ", text))


def printable_lines(text: str) -> str:
    """As `printable`, but tabs and line ends stay."""
    return "".join(printable(part) if part not in "\n\t" else part for part in re.split(r"([\n\t])", text))


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class _Short(reprlib.Repr):
    """A repr that takes bounded time: a few lines of YAML can stand for billions of values."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, 130, 130, 130
        self.maxlist = self.maxdict = self.maxtuple = self.maxset = self.maxfrozenset = 20

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write out integers of thousands of digits."""
        return super().repr_int(x, level) if x.bit_length() < 10_000 else "a huge number"


_SHORT = _Short()


class RingRiftError(Exception):
    """A failure with a remedy in its message."""


class InvalidInput(RingRiftError, ValueError):
    """Something from outside is not acceptable; the message is `{field}: {problem}; {allowed}`.

    `field` says where it stands (empty: the problem says it), `problem` what is wrong (default: that `value` is not
    allowed), `allowed` what would be, or how to mend it (empty: nothing more to say). `value` is kept for programs.
    """

    def __init__(self, field: str, value: object, allowed: str = "", *, problem: str | None = None):
        self.field, self.value, self.allowed = field, value, allowed
        self.problem = problem or f"{cut(_SHORT.repr(value), 120)} is not allowed"
        text = (f"{cut(field)}: " if field else "") + cut(self.problem) + (f"; {cut(allowed)}" if allowed else "")
        super().__init__(text)

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
