"""Codes of moves as notation."""

import pytest

from ringrift.errors import InvalidInput
from ringrift.rules.moves import to_notation


def test_notation_refuses_what_is_no_code():
    for code in (0, 1, 31 << 27, (1 << 27) | (500 << 18) | 1, (1 << 27) | 4):
        with pytest.raises(InvalidInput, match="move code"):
            to_notation("square8", code)
