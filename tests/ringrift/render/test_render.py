"""Pictures of hand-made states: what is drawn is what the state holds, within the promised sizes."""

import random
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest

from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.render import data_uri, render_svg, render_text, render_thumbnail
from ringrift.render.svg import board_art
from ringrift.rules import state as st
from ringrift.rules.geometry import board

SVG = "{http://www.w3.org/2000/svg}"


def empty(name: str, players: int) -> np.ndarray:
    return st.new_state(board(name), players, Config(name, players).options())


def crowded(name: str, players: int, share: float = 0.6, tallest: int = 8, seed: int = 1) -> np.ndarray:
    """A state with stacks, markers and collapsed cells on about `share` of the cells (no legal position)."""
    rng, s = random.Random(seed), empty(name, players)
    first = board(name).first_cell
    for at in range(first, len(s)):
        if rng.random() < share:
            seat = rng.randrange(players)
            rings = [rng.randrange(players) for _ in range(rng.randint(1, tallest))]
            s[at] = rng.choice([st.stack_word(rings), -1 - seat, -5 - seat])
    for seat in range(players):
        s[st.HAND + seat], s[st.ELIM + seat] = rng.randrange(19), rng.randrange(19)
        s[st.TERR + seat] = int((s[first:] == -5 - seat).sum())
    s[st.PHASE], s[st.CUR], s[st.TURN] = st.MOVEMENT, players - 1, 17
    return s


def children(root: ET.Element, css: str) -> list[ET.Element]:
    return [child for group in root.iter(f"{SVG}g") if group.get("class") == css for child in group]


CASES = [(name, players) for name in BOARDS for players in (2, 3, 4)]


@pytest.mark.parametrize(("name", "players"), CASES)
def test_svg_draws_every_stack_marker_and_collapsed_cell(name: str, players: int) -> None:
    s = crowded(name, players)
    words = s[board(name).first_cell :].tolist()
    board_group = next(
        g
        for g in ET.fromstring(render_svg(s)).iter(f"{SVG}g")
        if g.get("transform") == board_art(name).transform and any(child.get("class") == "te" for child in g)
    )
    rings = [
        [use.get("class", "") for use in pile if use.get("href") == "#r"]
        for pile in board_group
        if pile.get("class") == "st"
    ]
    expected = [[f"p{seat + 1}" for seat in st.stack_rings(word)] for word in words if word > 0]
    assert sorted(rings) == sorted(expected)
    heights = sorted(int(text.text or "") for text in children(board_group, "nu"))
    assert heights == sorted(len(pile) for pile in expected if len(pile) > 1)
    for css, kind in (("te", -5), ("mk", -1)):
        drawn = sorted(use.get("class", "") for use in children(board_group, css))
        assert drawn == sorted(f"p{seat + 1}" for seat in range(players) for w in words if w == kind - seat)


@pytest.mark.parametrize("name", BOARDS)
def test_svg_needs_nothing_from_outside(name: str) -> None:
    svg = render_svg(crowded(name, 2))
    assert svg.count("http") == 1, "only the namespace"
    assert "url(" not in svg and "<script" not in svg


def test_svg_size_limits() -> None:
    assert len(render_svg(crowded("square8", 2, tallest=4))) < 15_000
    assert len(render_svg(crowded("hexagonal", 4, tallest=4))) < 60_000


def test_svg_highlights_cells_and_the_stack_that_must_act() -> None:
    s = empty("hex8", 2)
    s[board("hex8").first_cell + 30] = st.stack_word([0])
    s[st.PHASE], s[st.MUST] = st.MOVEMENT, 30
    svg = render_svg(s, size=960, highlight=[0, 60])
    assert len(children(ET.fromstring(svg), "hi")) == 2
    assert svg.count('class="mu"') == 1
    assert 'width="960"' in svg


def test_no_pile_leaves_its_cell() -> None:
    s = empty("hexagonal", 2)
    s[board("hexagonal").first_cell + 234] = st.stack_word([0, 1] * 12 + [0])
    pile = next(g for g in ET.fromstring(render_svg(s)).iter(f"{SVG}g") if len(g) == 26)
    ys = [float(use.get("y", "nan")) for use in pile]
    assert min(ys) - 20 >= -50 and max(ys) + 30 <= 50


def test_the_winner_is_named() -> None:
    s = empty("square8", 3)
    s[st.PHASE], s[st.WINNER], s[st.REASON] = st.OVER, 2, st.BY_TERRITORY
    assert "Game over, player 3 wins by territory" in render_svg(s)
    assert "game over, player 3 wins by territory" in render_text(s)
    assert ">" not in render_text(s)


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


def pixels(png: bytes) -> set[int]:
    """Palette numbers of a PNG with four bits a pixel and unfiltered rows."""
    width, start = int.from_bytes(png[16:20]), png.index(b"IDAT")
    size = int.from_bytes(png[start - 4 : start])
    data = zlib.decompress(png[start + 4 : start + 4 + size])
    stride = (width + 1) // 2 + 1
    rows = [data[i + 1 : i + stride] for i in range(0, len(data), stride)]
    return {half for row in rows for byte in row for half in (byte >> 4, byte & 15)}


@pytest.mark.parametrize(("name", "players"), CASES)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_thumbnail_always_fits_a_markdown_cell(name: str, players: int, share: float) -> None:
    png = render_thumbnail(crowded(name, players, share))
    assert png.startswith(b"\x89PNG") and len(data_uri(png)) < 950


@pytest.mark.parametrize(("name", "players"), [("square8", 4), ("hex8", 4), ("square19", 2)])
def test_thumbnail_shows_all_kinds_in_all_colours(name: str, players: int) -> None:
    png = render_thumbnail(crowded(name, players, 1.0 if players == 4 else 0.5))
    seats = range(players)
    assert pixels(png) - {0} == {1, *(2 + seat for seat in seats), *(6 + seat for seat in seats)}
    across = 8 if name == "square8" else 9
    assert players == 2 or int.from_bytes(png[16:20]) == BOARDS[name].thumbnail_pixels[0] * across


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
