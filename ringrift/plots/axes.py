"""What all plots share: axis ranges, ticks, colours, and a picture as a data URI."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

INK, LINE, DOT = "#333", "#8aa", "#c33"

Rows = Sequence[Mapping[str, Any]]


def data_uri(svg: str) -> str:
    """An SVG as text that a page can show as an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def axis_range(rows: Rows) -> tuple[float, float]:
    """Lowest `low` and highest `high` of the rows, for an axis: never equal."""
    low = min((row["low"] for row in rows), default=1500.0)
    high = max((row["high"] for row in rows), default=1500.0)
    return (low, high) if high - low >= 1 else (low - 50, high + 50)


def ticks(low: float, high: float) -> range:
    """Ratings to write at an axis: whole hundreds, or a multiple of them that leaves at most eight."""
    step = 100 * max(1, round((high - low) / 700))
    first = -int(-low // step) * step
    return range(first, int(high) + 1, step)
