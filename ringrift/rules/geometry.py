"""Board geometry: cells, directions, and the lookup tables the kernels walk.

Cells are numbered by x ascending, then y ascending. On hex boards (x, y) are axial coordinates with
z = -x - y. A *row* is all cells of one x; the bit of a cell inside its row's mask is y minus the board's
smallest y, so that flood fills and line tests work on whole rows at once.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ringrift.boards import BOARDS, BoardSpec, check_board
from ringrift.errors import InvalidInput

# (1, 0), (-1, 0) and so on are (dx, dy); on hex boards dz follows from them.
SQUARE_DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
HEX_DIRECTIONS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
SQUARE_AXES = ((1, 0), (1, 1), (0, 1), (1, -1))
HEX_AXES = ((1, 0), (1, -1), (0, -1))
SQUARE_TERRITORY = ((1, 0), (-1, 0), (0, 1), (0, -1))


class Board(NamedTuple):
    """Constant tables of one board, passed to every kernel.

    `neighbor[c, d]`, `axis_next[c, a]`, `axis_prev[c, a]` and `adjacent[c, t]` hold cell numbers or -1;
    `row[c]` is the row of a cell and `bit[c]` its one-bit mask there; `valid[r]` masks the cells of row r.
    """

    id: int  # its place in boards.BOARDS
    cells: int
    rows: int
    hex: int  # 1 on hex boards: rows are skewed, see rules.territory
    expand: int  # 1 if the border of a claimed region spreads over diagonal markers
    directions: int
    axes: int
    first_cell: int  # offset of cell 0 in a state array
    max_moves: int  # no position has more legal moves than this
    max_regions: int
    neighbor: np.ndarray  # int16 [cells, directions], movement directions
    axis_next: np.ndarray  # int16 [cells, axes]
    axis_prev: np.ndarray  # int16 [cells, axes]
    adjacent: np.ndarray  # int16 [cells, 4 or 6], territory adjacency
    row: np.ndarray  # int16 [cells]
    bit: np.ndarray  # int64 [cells]
    valid: np.ndarray  # int64 [rows]
    cell_at: np.ndarray  # int16 [rows, rows], cell of (row, bit number) or -1
    center: np.ndarray  # uint8 [cells], 1 on the board's centre cells (heuristic)
    xy: np.ndarray  # int16 [cells, 2], coordinates (x, y)


HEADER_WORDS = 64
PLANES = 9  # row masks kept in a state: 4 marker owners, 4 stack controllers, collapsed


def coordinates(name: str) -> list[tuple[int, int]]:
    """(x, y) of every cell of the board, in cell order."""
    spec = BOARDS[name]
    if not spec.hexagonal:
        return [(x, y) for x in range(spec.size) for y in range(spec.size)]
    radius = spec.size
    span = range(-radius, radius + 1)
    return [(x, y) for x in span for y in span if abs(x + y) <= radius]


def _table(cells: dict[tuple[int, int], int], steps: tuple[tuple[int, int], ...], sign: int = 1) -> np.ndarray:
    return np.array(
        [[cells.get((x + sign * dx, y + sign * dy), -1) for dx, dy in steps] for x, y in cells],
        dtype=np.int16,
    )


def _center(spec: BoardSpec, xy: list[tuple[int, int]]) -> np.ndarray:
    if spec.hexagonal:
        inside = [max(abs(x), abs(y), abs(x + y)) <= spec.center for x, y in xy]
    else:  # twice the distance from the middle, which lies between the cells of an even side
        twice = spec.size - 1
        inside = [max(abs(2 * x - twice), abs(2 * y - twice)) <= 2 * spec.center for x, y in xy]
    return np.array(inside, dtype=np.uint8)


@cache
def board(name: str) -> Board:
    """The tables of a board. Raises InvalidInput for an unknown name."""
    spec = BOARDS[check_board(name)]
    xy = coordinates(name)
    cells = {point: index for index, point in enumerate(xy)}
    is_hex = spec.hexagonal
    directions = HEX_DIRECTIONS if is_hex else SQUARE_DIRECTIONS
    axes = HEX_AXES if is_hex else SQUARE_AXES
    low = min(y for _, y in xy)
    rows = max(x for x, _ in xy) - min(x for x, _ in xy) + 1
    row = np.array([x - xy[0][0] for x, _ in xy], dtype=np.int16)
    bit = np.array([1 << (y - low) for _, y in xy], dtype=np.int64)
    valid = np.zeros(rows, dtype=np.int64)
    np.bitwise_or.at(valid, row, bit)
    cell_at = np.full((rows, rows), -1, dtype=np.int16)
    for index, (_, y) in enumerate(xy):
        cell_at[row[index], y - low] = index
    neighbor = _table(cells, directions)
    ray_cells = sum(_ray_length(neighbor, c, d) for c in range(len(xy)) for d in range(len(directions)))
    return Board(
        id=list(BOARDS).index(name),
        cells=len(xy),
        rows=rows,
        hex=int(is_hex),
        expand=int(spec.border_expands),
        directions=len(directions),
        axes=len(axes),
        first_cell=HEADER_WORDS + PLANES * rows,
        max_moves=max(ray_cells, 3 * len(xy)) + 8,
        max_regions=3 * len(xy),
        neighbor=neighbor,
        axis_next=_table(cells, axes),
        axis_prev=_table(cells, axes, -1),
        adjacent=_table(cells, HEX_DIRECTIONS if is_hex else SQUARE_TERRITORY),
        row=row,
        bit=bit,
        valid=valid,
        cell_at=cell_at,
        center=_center(spec, xy),
        xy=np.array(xy, dtype=np.int16),
    )


def _ray_length(neighbor: np.ndarray, cell: int, direction: int) -> int:
    length = 0
    while (cell := int(neighbor[cell, direction])) >= 0:
        length += 1
    return length


def cell_key(name: str, cell: int) -> str:
    """Position key of a cell in text records: `x,y` on square boards, `x,y,z` on hex boards."""
    return _cell_keys(name)[cell]


@cache
def _cell_keys(name: str) -> tuple[str, ...]:
    points = board(name).xy.tolist()
    return tuple(f"{x},{y},{-x - y}" if BOARDS[name].hexagonal else f"{x},{y}" for x, y in points)


@cache
def _cells_by_key(name: str) -> dict[str, int]:
    return {key: cell for cell, key in enumerate(_cell_keys(name))}


def cell_from_key(name: str, key: object) -> int:
    """Cell number of a position key. Raises InvalidInput if no such cell is on the board."""
    cell = _cells_by_key(name).get(key) if isinstance(key, str) else None
    if cell is None:
        raise InvalidInput("cell", key, f"use a cell of {name}, for example {cell_key(name, 0)!r}")
    return cell


def cell_name(name: str, cell: int) -> str:
    """Short name of a cell in move notation: `c4` on square boards (column x, row y + 1), `(1,-2)` on hex boards."""
    x, y = (int(v) for v in board(name).xy[cell])
    return f"({x},{y})" if BOARDS[name].hexagonal else f"{chr(ord('a') + x)}{y + 1}"
