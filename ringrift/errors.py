"""The errors a user can act on. The CLI prints them as one line; anything else is a defect."""


class RingRiftError(Exception):
    """A failure with a remedy in its message."""


class InvalidInput(RingRiftError, ValueError):
    """A value from outside is not acceptable: the message names the field, the value and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str):
        self.field, self.value, self.allowed = field, value, allowed
        shown = repr(value)
        super().__init__(f"{field}: {shown if len(shown) <= 120 else shown[:117] + '...'} is not allowed; {allowed}")


class IllegalMove(InvalidInput):
    """The move is not legal in this position; the position is unchanged."""


class MissingInput(RingRiftError, FileNotFoundError):
    """Something a step needs is not there: the message says what, and how to get it."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "missing input"
