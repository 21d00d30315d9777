"""The boards: every number that depends on a board."""

from ringrift.errors import InvalidInput

BOARDS = ("square8", "square19", "hexagonal", "hex8")
SQUARE_SIDE = {"square8": 8, "square19": 19}
HEX_RADIUS = {"hex8": 4, "hexagonal": 12}
RINGS_PER_PLAYER = {"square8": 18, "square19": 72, "hex8": 18, "hexagonal": 96}


def check_board(name: object) -> str:
    """Return `name` if it is a board; raise InvalidInput otherwise."""
    if name not in BOARDS:
        raise InvalidInput("board", name, f"use one of {', '.join(BOARDS)}")
    return str(name)


def cell_count(name: str) -> int:
    """Cells of a board."""
    if name in SQUARE_SIDE:
        return SQUARE_SIDE[name] ** 2
    radius = HEX_RADIUS[name]
    return 3 * radius * (radius + 1) + 1
