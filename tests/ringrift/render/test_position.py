"""What cannot be drawn is refused by name."""

import pytest

from ringrift.errors import InvalidInput
from ringrift.render import render_svg, render_text, render_thumbnail
from ringrift.rules import state as st
from tests.ringrift.render.positions import empty


def test_bad_input_is_named() -> None:
    s = empty("square8", 2)
    with pytest.raises(InvalidInput, match=r"highlight.*\[64\].*square8"):
        render_svg(s, highlight=[64])
    with pytest.raises(InvalidInput, match="size"):
        render_svg(s, size=0)
    with pytest.raises(InvalidInput, match="limit"):
        render_thumbnail(s, limit=100)
    with pytest.raises(InvalidInput, match="state"):
        render_text(s[:-1])
    s[st.BOARD] = 9
    with pytest.raises(InvalidInput, match="state"):
        render_svg(s)
