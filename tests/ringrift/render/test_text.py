"""Boards as text of a terminal."""

import numpy as np
import pytest

from ringrift.render import render_text
from ringrift.rules import state as st
from ringrift.rules.geometry import board
from tests.ringrift.render.positions import crowded, empty

GOLDEN = """\
square8, 2 players, turn 3: movement, player 2 to move with c2
player    hand  eliminated  territory
  1         16        1/18       0/33
> 2         15        0/18       2/33

 8    .   .   .   .   .   .   .   .
 7    .   .   .   .   .   .   .   .
 6    .   .   .   .   .   .   .   .
 5    .   .   .   .  *1   .   .   .
 4    .   .   .   .   .   .   .   .
 3    .   .  #2  #2   .   .   .   .
 2    .   . 2x3   .   .   .   .   .
 1  1x1   .   .   .   .   .   .   .
      a   b   c   d   e   f   g   h

mixed stacks, bottom to top:
  c2 122"""


def small_position() -> np.ndarray:
    s, first = empty("square8", 2), board("square8").first_cell
    s[first], s[first + 17] = st.stack_word([0]), st.stack_word([0, 1, 1])
    s[first + 36], s[first + 18], s[first + 26] = -1, -6, -6
    s[st.HAND : st.HAND + 2], s[st.ELIM], s[st.TERR + 1] = (16, 15), 1, 2
    s[st.PHASE], s[st.CUR], s[st.TURN], s[st.MUST] = st.MOVEMENT, 1, 3, 17
    return s


def test_text_golden() -> None:
    assert render_text(small_position()) == GOLDEN


def test_hex_text_shifts_each_row_by_half_a_cell() -> None:
    rows = render_text(empty("hex8", 2)).split("\n")[5:14]
    assert [row.split()[1] for row in rows] == [str(y) for y in range(4, -5, -1)]
    assert [row.count(".") - 2 for row in rows] == [5, 6, 7, 8, 9, 8, 7, 6, 5]
    assert [row.index(".") for row in rows] == [16, 14, 12, 10, 8, 10, 12, 14, 16]


@pytest.mark.parametrize("name", ["square8", "hex8", "square19"])
def test_text_fits_80_columns(name: str) -> None:
    text = render_text(crowded(name, 4, tallest=8))
    assert max(len(line) for line in text.split("\n")) <= 80


def test_colour_changes_nothing_but_colour() -> None:
    s = crowded("square8", 4)
    colored = render_text(s, color=True)
    plain = "".join(part.split("m", 1)[-1] if i else part for i, part in enumerate(colored.split("\033[")))
    assert colored != plain == render_text(s)
