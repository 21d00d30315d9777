"""Rating plots: valid SVG, every name in it, and a small one that fits where the UI shows it."""

from xml.etree import ElementTree

from ringrift.plots.ratings import LIMIT, render_ratings, render_small_ratings


def rows(count: int, width: float = 50.0) -> list[dict]:
    return [
        {"name": f"P<{n}>", "rating": 1500.0 + 40 * n, "low": 1500 + 40 * n - width, "high": 1500 + 40 * n + width}
        | {"games": n}
        for n in range(count)
    ]


def test_every_participant_has_a_line_a_dot_and_its_numbers():
    root = ElementTree.fromstring(render_ratings(rows(5), "square8_2p & more"))
    names = "{http://www.w3.org/2000/svg}"
    texts = [text.text or "" for text in root.iter(f"{names}text")]
    assert len(list(root.iter(f"{names}circle"))) == 5
    assert "P<4>" in texts and "1660 (4 games)" in texts and texts[0].startswith("square8_2p & more")


def test_one_participant_without_an_interval_is_no_division_by_zero():
    ElementTree.fromstring(render_ratings(rows(1, width=0.0), "one"))
    ElementTree.fromstring(render_ratings([], "none"))


def test_the_small_plot_stays_below_the_limit_however_many_there_are():
    for count in (0, 1, 5, 40):
        assert len(render_small_ratings(rows(count, width=333.3))) < LIMIT
