"""Move codes and their text notation.

A code is an unsigned 32-bit number: bits 27-31 the move type, 18-26 `a`, 9-17 `b`, 0-8 `c`.

| type | a | b | c |
| --- | --- | --- | --- |
| place_ring | cell | | rings, 1-3 |
| move_stack | from | | to |
| overtaking_capture, continue_capture_segment | from | target | to |
| recovery_slide | from | to | mode * 4 + option (mode 0 line, 1 fallback, 2 stack_strike; option 1, 2, or 0) |
| process_line | first cell | axis | |
| choose_line_option | first cell | axis | 0 whole line, s + 1 the cells from s on |
| eliminate_rings_from_stack | cell | | context: 0 line, 1 territory, 2 recovery |
| choose_territory_option | | rank of the region, in b and c together (18 bits) | |
| forced_elimination | cell | | |
| all others | | | |

A region's rank is its place among the legal regions sorted by (smallest cell, size, cells).
Types from NO_PLACEMENT on are bookkeeping: forced, never chosen, not decisions.
"""

import re
from functools import cache

from ringrift.errors import InvalidInput
from ringrift.rules.geometry import board, cell_name

CODE_LAYOUT = 1  # raised when the meaning of a bit changes; stored with every file of codes

MOVE_TYPES = (
    None,
    "place_ring",
    "skip_placement",
    "swap_sides",
    "move_stack",
    "overtaking_capture",
    "continue_capture_segment",
    "skip_capture",
    "recovery_slide",
    "skip_recovery",
    "process_line",
    "choose_line_option",
    "eliminate_rings_from_stack",
    "choose_territory_option",
    "skip_territory_processing",
    "forced_elimination",
    "no_placement_action",
    "no_movement_action",
    "no_line_action",
    "no_territory_action",
)
PLACE, SKIP_PLACEMENT, SWAP, MOVE, OVERTAKE, CONTINUE, SKIP_CAPTURE, SLIDE, SKIP_RECOVERY = range(1, 10)
PROCESS_LINE, LINE_OPTION, ELIMINATE, CLAIM, SKIP_TERRITORY, FORCE = range(10, 16)
NO_PLACEMENT, NO_MOVEMENT, NO_LINE, NO_TERRITORY = range(16, 20)

RECOVERY_MODES = ("line", "fallback", "stack_strike")
CONTEXTS = ("line", "territory", "recovery")
TYPE_SHIFT, A_SHIFT, B_SHIFT, FIELD = 27, 18, 9, 511


def encode(kind: int, a: int = 0, b: int = 0, c: int = 0) -> int:
    """Pack a move code. `kind` is an index into MOVE_TYPES, a, b, c are 9-bit fields."""
    return kind << TYPE_SHIFT | a << A_SHIFT | b << B_SHIFT | c


def decode(code: int) -> tuple[int, int, int, int]:
    """(type, a, b, c) of a move code."""
    return code >> TYPE_SHIFT, code >> A_SHIFT & FIELD, code >> B_SHIFT & FIELD, code & FIELD


_PLAIN = {
    SKIP_PLACEMENT: "skip-placement",
    SWAP: "swap",
    SKIP_CAPTURE: "skip-capture",
    SKIP_RECOVERY: "skip-recovery",
    SKIP_TERRITORY: "skip-territory",
    NO_PLACEMENT: "no-placement",
    NO_MOVEMENT: "no-movement",
    NO_LINE: "no-line",
    NO_TERRITORY: "no-territory",
}
_PLAIN_CODES = {text: encode(kind) for kind, text in _PLAIN.items()}
_CELL = r"([a-v]\d+|\(-?\d+,-?\d+\))"
_PATTERNS = {
    PLACE: re.compile(rf"P{_CELL}(?:x([123]))"),
    MOVE: re.compile(rf"{_CELL}-{_CELL}"),
    OVERTAKE: re.compile(rf"{_CELL}x{_CELL}-{_CELL}"),
    CONTINUE: re.compile(rf"\+{_CELL}x{_CELL}-{_CELL}"),
    SLIDE: re.compile(rf"R{_CELL}-{_CELL}=(line1|line2|fallback|stack_strike)"),
    PROCESS_LINE: re.compile(rf"L{_CELL}/(\d)"),
    LINE_OPTION: re.compile(rf"O{_CELL}/(\d)=(all|\d+)"),
    ELIMINATE: re.compile(rf"E{_CELL}=(line|territory|recovery)"),
    CLAIM: re.compile(r"T(\d+)"),
    FORCE: re.compile(rf"F{_CELL}"),
}
_SLIDES = {(0, 1): "line1", (0, 2): "line2", (1, 0): "fallback", (2, 0): "stack_strike"}
_SLIDE_FIELD = {text: mode * 4 + option for (mode, option), text in _SLIDES.items()}


@cache
def _cells_by_name(board_name: str) -> dict[str, int]:
    return {cell_name(board_name, c): c for c in range(board(board_name).cells)}


def to_notation(board_name: str, code: int) -> str:
    """Text of a move, for example `Pd4x2`, `d4-d7`, `d4xd5-d8`, `T0`. One text a code, one code a text.

    Raises InvalidInput if the number is no move code of this board.
    """
    kind, a, b, c = decode(int(code))
    try:
        text = _notation(board_name, kind, a, b, c)
        if from_notation(board_name, text) == code:
            return text
    except (IndexError, KeyError, InvalidInput):
        pass
    raise InvalidInput("move code", int(code), f"use a code of rules.moves' layout for {board_name}")


def _notation(board_name: str, kind: int, a: int, b: int, c: int) -> str:
    def name(cell: int) -> str:
        return cell_name(board_name, cell)

    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == PLACE:
        return f"P{name(a)}x{c}"
    if kind == MOVE:
        return f"{name(a)}-{name(c)}"
    if kind in (OVERTAKE, CONTINUE):
        return f"{'+' if kind == CONTINUE else ''}{name(a)}x{name(b)}-{name(c)}"
    if kind == SLIDE:
        return f"R{name(a)}-{name(b)}={_SLIDES[divmod(c, 4)]}"
    if kind == PROCESS_LINE:
        return f"L{name(a)}/{b}"
    if kind == LINE_OPTION:
        return f"O{name(a)}/{b}={'all' if c == 0 else c - 1}"
    if kind == ELIMINATE:
        return f"E{name(a)}={CONTEXTS[c]}"
    if kind == CLAIM:
        return f"T{b << B_SHIFT | c}"
    if kind == FORCE:
        return f"F{name(a)}"
    raise KeyError(kind)


def from_notation(board_name: str, text: object) -> int:
    """Code of a move's text. Raises InvalidInput if the text is no move of this board."""
    if text in _PLAIN_CODES:
        return _PLAIN_CODES[str(text)]
    cells = _cells_by_name(board_name)
    for kind, pattern in _PATTERNS.items():
        match = pattern.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            continue
        parts = match.groups()
        try:
            return _parse(cells, kind, parts)
        except (KeyError, ValueError):
            break
    raise InvalidInput("move", text, f"use the notation of rules.moves with cells of {board_name}, for example Pd4x2")


def _field(text: str) -> int:
    value = int(text)
    if str(value) != text or value >= FIELD:
        raise ValueError(text)
    return value


def _parse(cells: dict[str, int], kind: int, parts: tuple[str, ...]) -> int:
    if kind == PLACE:
        return encode(kind, cells[parts[0]], 0, int(parts[1]))
    if kind == MOVE:
        return encode(kind, cells[parts[0]], 0, cells[parts[1]])
    if kind in (OVERTAKE, CONTINUE):
        return encode(kind, cells[parts[0]], cells[parts[1]], cells[parts[2]])
    if kind == SLIDE:
        return encode(kind, cells[parts[0]], cells[parts[1]], _SLIDE_FIELD[parts[2]])
    if kind == PROCESS_LINE:
        return encode(kind, cells[parts[0]], _field(parts[1]))
    if kind == LINE_OPTION:
        return encode(kind, cells[parts[0]], _field(parts[1]), 0 if parts[2] == "all" else _field(parts[2]) + 1)
    if kind == ELIMINATE:
        return encode(kind, cells[parts[0]], 0, CONTEXTS.index(parts[1]))
    if kind == CLAIM:
        rank = int(parts[0])
        if str(rank) != parts[0] or rank >= 1 << (2 * B_SHIFT):
            raise ValueError(parts[0])
        return encode(kind) | rank
    return encode(kind, cells[parts[0]])
