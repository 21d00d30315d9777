"""Watched work: its answer and its error come back."""

import pytest

from resources.runner.events import Control
from ringrift.errors import InvalidInput
from ringrift_assets.runs.interrupt import watched


def test_the_answer_and_the_error_of_the_watched_work_come_back():
    assert watched(lambda control: control.asked, print) is False

    def fail(control: Control) -> None:
        raise InvalidInput("a", 1, "b")

    with pytest.raises(InvalidInput):
        watched(fail, print)
