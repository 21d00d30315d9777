"""Boards as SVG."""

import xml.etree.ElementTree as ET

import pytest

from ringrift.boards import BOARDS
from ringrift.render import render_svg, render_text
from ringrift.render.svg import board_art
from ringrift.rules import state as st
from ringrift.rules.geometry import board
from tests.ringrift.render.positions import CASES, SVG, children, crowded, empty


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
