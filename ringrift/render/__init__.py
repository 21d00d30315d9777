"""Pictures of a game state: terminal text, an SVG board and a thumbnail small enough for a markdown cell.

Everything here is a pure function of one state array (see rules.state); nothing imports the engine.
Square boards have `a1` at the bottom left; hex boards have x growing to the right and y upwards, so that a
step in y goes up and half a cell to the right.
"""

from ringrift.render.position import COLORS, status_text
from ringrift.render.svg import render_svg
from ringrift.render.text import render_text
from ringrift.render.thumbnail import data_uri, render_thumbnail

__all__ = ["COLORS", "data_uri", "render_svg", "render_text", "render_thumbnail", "status_text"]
