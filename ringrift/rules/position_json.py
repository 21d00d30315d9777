"""Positions and moves as JSON: the STATE and MOVE objects of the `rr-vectors/1` format, both ways.

A position is `{"board", "players", "options", "state"}`. STATE holds everything the rules need; beyond the
format's own fields, `ctx` carries `turn`, `decisions`, `last_player`, `swap_used`, `moved`, `out_turn` and
`reason`, so that a position read back continues exactly as the one written. They may be absent on input.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ringrift.boards import board_name
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.rules import state as st
from ringrift.rules.geometry import HEADER_WORDS, Board, board, cell_from_key, cell_key

CORE_KEYS = (
    "cp",
    "ph",
    "status",
    "winner",
    "must",
    "chain",
    "pend_line_elim",
    "hand",
    "elim",
    "terr",
    "stacks",
    "markers",
    "collapsed",
)


def board_of(s: np.ndarray) -> Board:
    """Board tables of a state."""
    return board(board_name(int(s[st.BOARD])))


def config_of(s: np.ndarray) -> Config:
    """Config of a state."""
    return Config(board_name(int(s[st.BOARD])), int(s[st.PLAYERS]))


def options_of(s: np.ndarray) -> dict[str, int | bool]:
    """Options of a state, as `Config.options` names them."""
    flags = ("swap_rule", "recovery_stack_strike")
    return {k: bool(s[w]) if k in flags else int(s[w]) for k, w in st.OPTION_WORDS.items()}


def position_to_json(s: np.ndarray) -> dict[str, Any]:
    """The whole position as a JSON object."""
    config = config_of(s)
    return {
        "board": config.board,
        "players": config.players,
        "options": options_of(s),
        "state": state_to_json(s),
    }


def state_to_json(s: np.ndarray) -> dict[str, Any]:
    """STATE object of a state array; players count from 1, cells are position keys."""
    name = board_name(int(s[st.BOARD]))
    n = int(s[st.PLAYERS])
    cells = s[board(name).first_cell :]
    over = int(s[st.PHASE]) == st.OVER

    def key(cell: int) -> str | None:
        return cell_key(name, cell) if cell >= 0 else None

    def per_player(word: int) -> list[int]:
        return [int(v) for v in s[word : word + n]]

    def player(seat: int) -> int | None:
        return seat + 1 if seat >= 0 else None

    def bits(word: int) -> list[int]:
        return [p + 1 for p in range(n) if int(s[word]) >> p & 1]

    occupied = [(int(c), int(cells[c])) for c in np.flatnonzero(cells)]
    return {
        "cp": int(s[st.CUR]) + 1,
        "ph": st.PHASES[int(s[st.PHASE])],
        "status": "completed" if over else "active",
        "winner": player(int(s[st.WINNER])),
        "must": key(int(s[st.MUST])),
        "chain": key(int(s[st.CHAIN])),
        "pend_line_elim": bool(s[st.OWES_LINE]),
        "hand": per_player(st.HAND),
        "elim": per_player(st.ELIM),
        "terr": per_player(st.TERR),
        "stacks": {cell_key(name, c): [r + 1 for r in st.stack_rings(v)] for c, v in occupied if v > 0},
        "markers": {cell_key(name, c): -v for c, v in occupied if -5 < v < 0},
        "collapsed": {cell_key(name, c): -4 - v for c, v in occupied if v < -4},
        "lps": {
            "round": int(s[st.LPS_ROUND]),
            "first": player(int(s[st.LPS_FIRST])),
            "real": {str(p): p in bits(st.LPS_REAL) for p in bits(st.LPS_SET)},
            "streak": int(s[st.LPS_STREAK]),
            "streak_player": player(int(s[st.LPS_PLAYER])),
        },
        "ctx": {
            "acted": bool(s[st.ACTED]),
            "recovered": bool(s[st.RECOVERED]),
            "region": bool(s[st.OWES_TERRITORY]) or None,
            "attacker": key(int(s[st.ATTACKER])),
            "turn": int(s[st.TURN]),
            "decisions": int(s[st.DECISIONS]),
            "last_player": player(int(s[st.LAST])),
            "swap_used": bool(s[st.SWAP_USED]),
            "moved": bits(st.MOVED),
            "out_turn": per_player(st.OUT_TURN),
            "reason": st.REASONS[int(s[st.REASON])],
        },
    }


class _Reader:
    """Checked access to one JSON object: every failure names the field, the value and what is allowed."""

    def __init__(self, data: object, where: str):
        if not isinstance(data, Mapping):
            raise InvalidInput(where, data, "use a JSON object")
        self.data, self.where = data, where

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)

    def require(self, key: str) -> Any:
        if key not in self.data:
            raise InvalidInput(f"{self.where}.{key}", None, "the field is missing")
        return self.data[key]

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.require(key) if default is None else self.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidInput(f"{self.where}.{key}", value, f"use an integer from {low} to {high}")
        return value

    def boolean(self, key: str, default: bool | None = None) -> bool:
        value = self.require(key) if default is None else self.get(key, default)
        if not isinstance(value, bool):
            raise InvalidInput(f"{self.where}.{key}", value, "use true or false")
        return value

    def choice(self, key: str, allowed: tuple) -> int:
        value = self.require(key)
        if value not in allowed:
            raise InvalidInput(f"{self.where}.{key}", value, f"use one of {', '.join(map(str, allowed))}")
        return allowed.index(value)

    def seat(self, value: object, key: str, players: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= players:
            raise InvalidInput(f"{self.where}.{key}", value, f"use a player from 1 to {players}")
        return value - 1

    def optional_seat(self, key: str, players: int) -> int:
        value = self.get(key)
        return -1 if value is None else self.seat(value, key, players)

    def seats(self, key: str, players: int) -> int:
        """Bit set of a list of players."""
        values = self.get(key, [])
        if not isinstance(values, list):
            raise InvalidInput(f"{self.where}.{key}", values, "use a list of players")
        return sum({1 << self.seat(v, key, players) for v in values})

    def per_player(self, key: str, players: int, default: list[int] | None = None) -> list[int]:
        values = self.require(key) if default is None else self.get(key, default)
        if not isinstance(values, list) or len(values) != players:
            raise InvalidInput(f"{self.where}.{key}", values, f"use a list of {players} counts")
        if not all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 1 << 31 for v in values):
            raise InvalidInput(f"{self.where}.{key}", values, "use counts of at least 0")
        return values

    def cell(self, key: str, board_name: str) -> int:
        value = self.get(key)
        return -1 if value is None else cell_from_key(board_name, value)

    def cells(self, key: str, board_name: str) -> list[tuple[int, Any]]:
        entries = self.require(key)
        if not isinstance(entries, Mapping):
            raise InvalidInput(f"{self.where}.{key}", entries, "use an object of cells")
        return [(cell_from_key(board_name, k), v) for k, v in entries.items()]


def read_options(data: object, config: Config) -> dict[str, int | bool]:
    """Options of a game: the config's own where `data` is silent. Raises InvalidInput for an unknown or bad one."""
    defaults = config.options()
    reader = _Reader(data if data is not None else {}, "options")
    for key in reader.data:
        if key not in defaults:
            raise InvalidInput("options", key, f"use {', '.join(defaults)}")
    result: dict[str, int | bool] = {}
    for key, value in defaults.items():
        if isinstance(value, bool):
            result[key] = reader.boolean(key, value)
        else:
            result[key] = reader.integer(key, 3 if key == "line_length" else 1, 100_000, value)
    if result["line_length"] > 25:
        raise InvalidInput("options.line_length", result["line_length"], "use an integer from 3 to 25")
    return result


def position_from_json(data: object) -> np.ndarray:
    """State array of a position object. Raises InvalidInput naming the first field that is not acceptable."""
    reader = _Reader(data, "position")
    config = Config(reader.require("board"), reader.require("players"))
    return state_from_json(config, read_options(reader.get("options"), config), reader.require("state"))


def state_from_json(config: Config, options: Mapping[str, int | bool], data: object) -> np.ndarray:
    """State array of a STATE object. Raises InvalidInput naming the first field that is not acceptable."""
    n, name = config.players, config.board
    b = board(name)
    s = st.new_state(b, n, dict(options))
    r = _Reader(data, "state")
    s[st.PHASE] = r.choice("ph", st.PHASES)
    s[st.CUR] = r.seat(r.require("cp"), "cp", n)
    s[st.WINNER] = r.optional_seat("winner", n)
    s[st.MUST], s[st.CHAIN] = r.cell("must", name), r.cell("chain", name)
    s[st.OWES_LINE] = r.boolean("pend_line_elim", False)
    for word, key in ((st.HAND, "hand"), (st.ELIM, "elim"), (st.TERR, "terr")):
        s[word : word + n] = r.per_player(key, n)
    _read_cells(b, name, s, r, n)
    lps = _Reader(r.get("lps", {}), "state.lps")
    s[st.LPS_FIRST] = lps.optional_seat("first", n)
    s[st.LPS_PLAYER] = lps.optional_seat("streak_player", n)
    s[st.LPS_STREAK] = lps.integer("streak", 0, 1 << 31, 0)
    s[st.LPS_ROUND] = lps.integer("round", 0, 1 << 31, 0)
    for player, real in _Reader(lps.get("real", {}), "state.lps.real").data.items():
        seat = lps.seat(int(player) if str(player).isdigit() else player, "real", n)
        s[st.LPS_SET] |= 1 << seat
        s[st.LPS_REAL] |= bool(real) << seat
    _read_context(s, _Reader(r.get("ctx", {}), "state.ctx"), n, name)
    _check_phase(b, s, name)
    return s


def _read_cells(b: Board, name: str, s: np.ndarray, r: _Reader, n: int) -> None:
    words: dict[int, int] = {}
    for cell, owner in r.cells("markers", name):
        words[cell] = -1 - r.seat(owner, "markers", n)
    kinds = [("collapsed", lambda v: -5 - r.seat(v, "collapsed", n))]
    kinds.append(("stacks", lambda v: _read_stack(r, v, n)))
    for key, word_of in kinds:
        for cell, value in r.cells(key, name):
            if cell in words:
                raise InvalidInput(f"state.{key}", cell_key(name, cell), "a cell holds a stack, a marker or territory")
            words[cell] = word_of(value)
    for cell, word in words.items():
        s[b.first_cell + cell] = word
        kind, seat = (st.STACK_PLANE, word >> 61) if word > 0 else divmod(-1 - word, 4)
        plane = kind + seat if word > 0 else (st.COLLAPSED_PLANE if kind else seat)
        s[HEADER_WORDS + plane * b.rows + int(b.row[cell])] |= b.bit[cell]
        counter = st.STACKS if word > 0 else (st.COLLAPSED if kind else st.MARKERS)
        s[counter + seat] += 1
        for ring in st.stack_rings(word) if word > 0 else ():
            s[st.ON_BOARD + ring] += 1


def _read_stack(r: _Reader, value: object, n: int) -> int:
    if not isinstance(value, list):
        raise InvalidInput("state.stacks", value, "use a list of players from the bottom ring to the top")
    return st.stack_word([r.seat(v, "stacks", n) for v in value])


def _read_context(s: np.ndarray, ctx: _Reader, n: int, name: str) -> None:
    s[st.ACTED] = ctx.boolean("acted", False)
    s[st.RECOVERED] = ctx.boolean("recovered", False)
    s[st.OWES_TERRITORY] = ctx.get("region") not in (None, False)
    s[st.ATTACKER] = ctx.cell("attacker", name)
    s[st.TURN] = ctx.integer("turn", 0, 1 << 31, 0)
    s[st.DECISIONS] = ctx.integer("decisions", 0, 1 << 31, 0)
    s[st.LAST] = ctx.optional_seat("last_player", n)
    s[st.SWAP_USED] = ctx.boolean("swap_used", False)
    s[st.MOVED] = ctx.seats("moved", n)
    s[st.OUT_TURN : st.OUT_TURN + n] = ctx.per_player("out_turn", n, [0] * n)
    reason = ctx.get("reason")
    if reason not in st.REASONS:
        raise InvalidInput("state.ctx.reason", reason, f"use one of {', '.join(map(str, st.REASONS))}")
    s[st.REASON] = st.REASONS.index(reason)


def _check_phase(b: Board, s: np.ndarray, name: str) -> None:
    """The cells a phase relies on must be there, or the kernels would read past the board."""
    phase, seat = int(s[st.PHASE]), int(s[st.CUR])
    needs = {st.CAPTURE: (st.ATTACKER, "ctx.attacker"), st.CHAIN_CAPTURE: (st.CHAIN, "chain")}
    word, field = needs.get(phase, (st.MUST, "must"))
    cell = int(s[word])
    if cell < 0 and phase in needs:
        raise InvalidInput(f"state.{field}", None, f"phase {st.PHASES[phase]} needs this cell")
    if cell >= 0 and not (s[b.first_cell + cell] > 0 and s[b.first_cell + cell] >> 61 == seat):
        raise InvalidInput(f"state.{field}", cell_key(name, cell), f"player {seat + 1} must control a stack there")
    if (phase == st.OVER) != (s[st.WINNER] >= 0):
        raise InvalidInput("state.winner", int(s[st.WINNER]) + 1, "a game has a winner exactly when it is over")
