"""The curve of Elo over the anchor: valid SVG, a mark of its kind for each point, intervals with and without bounds."""

import base64
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from ringrift.plots.axes import DOT
from ringrift.plots.progress import (
    BAR,
    LEFT,
    LIMIT,
    STEP,
    TOP,
    WIDTH,
    Point,
    _steps,
    render_progress,
    render_small_progress,
)

NAMES = "{http://www.w3.org/2000/svg}"
POINTS = [
    Point(0, -20.4, -60.0, 15.0, "none"),
    Point(1, 44.0, 10.0, 80.0, "promoted", 44.0),
    Point(2, 60.0, None, 100.0, "not promoted", 44.0),
    Point(4, 131.0, 90.0, None, "promoted", 131.0),
]
LEGEND = 3  # marks in the legend


def drawn(points: list[Point], title: str = "t") -> ElementTree.Element:
    return ElementTree.fromstring(render_progress(points, title))


def texts(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{NAMES}text")]


def marks(points: list[Point]) -> list[tuple[str, str]]:
    """Fill and outline of the marks in the plot."""
    return [(mark.attrib["fill"], mark.attrib["stroke"]) for mark in drawn(points).iter(f"{NAMES}circle")][:-LEGEND]


def paths(points: list[Point], color: str) -> list[str]:
    return [path.attrib["d"] for path in drawn(points).iter(f"{NAMES}path") if path.attrib["stroke"] == color]


def test_the_axes_are_named_and_numbers_are_whole_elo_with_a_sign():
    root = drawn(POINTS, "square8_2p & more")
    found = texts(root)
    assert found[0] == "square8_2p & more" and {"iteration", "Elo over the anchor"} <= set(found)
    assert {"-20", "+44", "+60", "+131"} <= set(found), "each point has its number"
    assert {"0", "+100"} <= set(found), "the anchor's own Elo is on the axis"


def test_a_promoted_candidate_is_filled_a_refused_one_hollow_and_none_is_a_mark_of_its_own():
    filled, hollow, [small] = marks([POINTS[1]]), marks([POINTS[2]]), marks([POINTS[0]])
    assert filled == [(DOT, DOT)] and hollow == [("#fff", DOT)] and small[0] not in (DOT, "#fff")


def test_an_interval_without_a_bound_runs_to_the_edge_with_an_arrow():
    bounded, below, above = (paths([POINTS[place]], BAR)[0] for place in (1, 2, 3))
    assert bounded.count("h8") == 2 and below.count("h8") == above.count("h8") == 1
    assert f"{TOP:.1f}V" in above and f"{TOP:.1f}V" not in bounded


def test_the_champions_line_holds_its_height_until_another_one_is_promoted():
    assert _steps([(0, None), (10, 5), (20, 5), (30, 2), (40, None), (50, 9)], 60) == "M10 5H20V5H30V2H40M50 9H60"
    [line, _] = paths(POINTS, STEP)
    assert line.startswith("M") and line.endswith(f"H{LEFT + WIDTH}")
    assert len(paths(POINTS[:1], STEP)) == 1, "the legend's alone where no champion was measured"


def test_numbers_do_not_lie_on_each_other_when_there_are_many_points():
    many = [Point(n, 10.0 * n, 10.0 * n - 30, 10.0 * n + 30, "not promoted") for n in range(60)]
    assert [text for text in texts(drawn(many)) if text.startswith("+5") and text != "+500"] == ["+590"]
    few = drawn(many[:11])
    places = [float(t.attrib["x"]) for t in few.iter(f"{NAMES}text") if t.attrib.get("font-size") == "11"]
    assert len(places) == 11 and all(b - a >= 40 for a, b in pairwise(places))


def test_one_point_and_none_are_pictures_too():
    assert "7" in texts(drawn([Point(7, 0.0, None, None, "none")]))
    assert marks([]) == []


@pytest.mark.parametrize("count", [0, 1, 4, 200])
def test_the_small_picture_stays_below_the_limit_and_shows_the_newest(count: int):
    points = [Point(n, 12.3 * n, None, None, ("promoted", "not promoted")[n % 2], 12.3 * n) for n in range(count)]
    uri = render_small_progress(points)
    root = ElementTree.fromstring(base64.b64decode(uri.partition(",")[2]))
    dots = "".join(path.attrib["d"] for path in root.iter(f"{NAMES}path") if path.attrib.get("stroke-width") == "4")
    assert len(uri) < LIMIT and min(count, 12) <= dots.count("h4") <= count
