"""Job kind: fails like a defect, or like a user's error."""

from ringrift.errors import InvalidInput
from ringrift.specs.params import JobParams


class Params(JobParams):
    kind = "fail"
    known: bool


def run(job, params):
    raise InvalidInput("temperature", 3, "use less") if params.known else ZeroDivisionError("two\nlines")
