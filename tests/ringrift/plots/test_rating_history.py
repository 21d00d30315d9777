"""Ratings over iterations: who has a line, and a picture that is valid SVG."""

from itertools import pairwise
from xml.etree import ElementTree

from ringrift.plots.rating_history import LABEL, LINES, Line, _label_places, history_lines, render_history

NAMES = "{http://www.w3.org/2000/svg}"


def row(key: str, rating: float) -> dict:
    return {"key": key, "name": f"<{key}>", "rating": rating, "low": rating - 50, "high": rating + 50}


def test_the_featured_have_a_line_then_the_best_and_only_who_is_rated_now():
    best_first = [row(f"p{n}", 1900.0 - 10 * n) for n in range(20)]
    iterations = {0: [row("gone", 2000.0), row("p19", 1500.0)], 2: best_first}
    lines = history_lines(iterations, ["p19", "stranger", "gone"], bold="p19")
    assert [line.name for line in lines] == [f"<p{n}>" for n in (*range(LINES - 1), 19)]
    assert lines[-1].points == [(0, 1500.0, 1450.0, 1550.0), (2, 1710.0, 1660.0, 1760.0)] and lines[-1].bold
    assert not any(line.bold for line in lines[:-1])


def test_a_line_has_a_band_dots_and_a_name_and_one_point_has_a_bar():
    lines = [Line("A&B", [(0, 1500.0, 1450.0, 1550.0), (3, 1600.0, 1590.0, 1610.0)], True)]
    lines.append(Line("once", [(3, 1400.0, 1300.0, 1500.0)]))
    root = ElementTree.fromstring(render_history(lines, "square8_2p"))
    assert len(list(root.iter(f"{NAMES}polygon"))) == 1 and len(list(root.iter(f"{NAMES}circle"))) == 3
    texts = [text.text for text in root.iter(f"{NAMES}text")]
    assert "A&B 1600" in texts and "once 1400" in texts and "3" in texts


def test_one_iteration_and_nobody_are_pictures_too():
    ElementTree.fromstring(render_history(history_lines({5: [row("a", 1500.0)]}, []), "one"))
    ElementTree.fromstring(render_history([], "none"))


def test_names_do_not_lie_on_each_other_and_stay_in_the_picture():
    places = _label_places([300.0, 310.0, 320.0, 325.0])
    assert all(b - a >= LABEL for a, b in pairwise(places)) and places[-1] <= 328
    assert _label_places([10.0, 100.0]) == [10.0, 100.0] and _label_places([]) == []
