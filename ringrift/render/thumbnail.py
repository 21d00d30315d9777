"""A picture small enough for markdown in the Dagster UI, which shows fewer than 1,000 characters inline.

A PNG with a palette of ten colours beats every SVG here: a full square19 board takes three times the space
as vector shapes.
"""

import base64
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from ringrift.boards import BOARDS
from ringrift.errors import InvalidInput
from ringrift.render.position import COLORS, Position, read_position
from ringrift.rules.geometry import board

OUTSIDE, EMPTY, DARK, LIGHT = 0, 1, 2, 6  # palette: DARK and LIGHT + seat
LIGHT_COLORS = ("#85bbdd", "#f6d487", "#85d1bc", "#e8c2d8")


def render_thumbnail(state: np.ndarray, *, limit: int = 950) -> bytes:
    """PNG of a state, about 100 pixels wide, whose data URI has fewer than `limit` characters.

    Large dots are stacks in their controller's colour (larger from height 2 on), small dots markers, light
    fills collapsed cells. A board that is too full gets fewer pixels, then loses its markers, then the small
    differences of height, at last its stacks or its territory. With the default limit square8 and hex8 keep
    everything in every position; square19 and hexagonal keep it while about two thirds and one third of the
    cells are in use (measured on random positions, which are harder than played ones).

    Raises InvalidInput if `limit` is too small for an empty board, or as read_position.
    """
    at = read_position(state)
    for pixels, plain, detail in _sizes(at):
        picture = _png(_draw(detail, pixels, plain))
        if len(data_uri(picture)) < limit:
            return picture
    raise InvalidInput("limit", limit, "use at least 400 characters")


def _sizes(at: Position) -> Iterator[tuple[int, bool, Position]]:
    """Ever smaller versions of a picture: pixels a cell, whether all stacks look alike, what to draw."""
    sizes = BOARDS[at.name].thumbnail_pixels
    for pixels in sizes:
        yield pixels, False, at
    for fewer in (at._replace(marks={}), at._replace(marks={}, land={}), at._replace(marks={}, stacks={})):
        yield sizes[-1], True, fewer
    yield sizes[-1], True, at._replace(marks={}, stacks={}, land={})


def _draw(at: Position, pixels: int, plain: bool) -> list[bytearray]:
    """Rows of palette numbers."""
    spec = BOARDS[at.name]
    if not spec.hexagonal:
        side = high = spec.size
        pitch = pixels
        spots = [(int(x) * pixels, (side - 1 - int(y)) * pitch) for x, y in board(at.name).xy]
    else:
        radius = spec.size
        side = high = 2 * radius + 1
        pitch = round(pixels * 0.866)
        spots = [
            ((2 * (int(x) + radius) + int(y)) * pixels // 2, (radius - int(y)) * pitch) for x, y in board(at.name).xy
        ]
    rows = [bytearray(side * pixels) for _ in range(high * pitch)]

    def fill(cell: int, color: int, diameter: float) -> None:
        left, top = spots[cell]
        for j in range(pitch):
            room = (diameter * pitch / 2) ** 2 - (j + 0.5 - pitch / 2) ** 2
            half = pixels / 2 if diameter > 1 else max(0.0, room) ** 0.5
            start, end = round(left + pixels / 2 - half), round(left + pixels / 2 + half)
            rows[top + j][start:end] = bytes([color]) * (end - start)

    for cell in range(len(spots)):
        fill(cell, LIGHT + at.land[cell] if cell in at.land else EMPTY, 2)
    for cell, seat in at.marks.items():
        fill(cell, DARK + seat, 0.45)
    for cell, rings in at.stacks.items():
        fill(cell, DARK + rings[-1], 0.9 if len(rings) > 1 or plain else 0.7)
    return rows


def _png(rows: list[bytearray]) -> bytes:
    """PNG with four bits a pixel; palette number 0 is transparent."""
    width, colors = len(rows[0]), ("#ffffff", "#e9ebef", *COLORS, *LIGHT_COLORS)
    packed = b""
    for row in rows:
        even = row + bytes(width % 2)
        packed += b"\0" + bytes(a << 4 | b for a, b in zip(even[::2], even[1::2], strict=True))
    head = struct.pack(">IIBBBBB", width, len(rows), 4, 3, 0, 0, 0)
    palette = bytes.fromhex("".join(color[1:] for color in colors))
    data = min((_deflate(packed, strategy) for strategy in (0, 1, 2, 3)), key=len)
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"tRNS", b"\0"), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _deflate(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(data) + packer.flush()


def data_uri(picture: str | bytes) -> str:
    """Base64 data URI of an SVG text or a PNG, to be used as an image address in markdown or HTML."""
    kind = "svg+xml" if isinstance(picture, str) else "png"
    data = picture.encode() if isinstance(picture, str) else picture
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
