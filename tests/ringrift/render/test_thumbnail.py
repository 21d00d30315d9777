"""Boards as small pictures in a table."""

import zlib

import pytest

from ringrift.boards import BOARDS
from ringrift.render import data_uri, render_thumbnail
from tests.ringrift.render.positions import CASES, crowded


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
