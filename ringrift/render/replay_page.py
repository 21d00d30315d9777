"""The replay page: one HTML file, without any outside resource, in which a game can be stepped through.

The page draws the board itself from one text token a cell (`frame_of`); only the cells a move changed are
stored for each ply, so that a game of 300 plies on square19 takes well under 200 KB.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.render.position import COLORS, bound_cell, read_position, status_text
from ringrift.render.svg import PILE, RING_THICK, RING_TILT, SVG_STYLE, WIDTH, board_art
from ringrift.rules import moves
from ringrift.rules.geometry import board, cell_name
from ringrift.rules.state import CUR, ELIM, HAND, OVER, PHASE, PHASES, TERR, TERRITORY_MIN, VICTORY, WINNER

_TOKEN = re.compile("[1-4]{0,25}|[a-dA-D]")


def frame_of(state: np.ndarray, code: int | None) -> dict[str, Any]:
    """One frame of a replay: a state and the move that led to it (None for the first frame).

    Keys: `board` its name; `cells` one token a cell (`""` empty, `a`-`d` a marker of player 1-4, `A`-`D`
    collapsed for player 1-4, digits the rings of a stack from bottom to top); `text` the move's notation;
    `path` the cells a moving stack or marker left, jumped over and reached (or the one cell concerned);
    `phase`, `player` to move, `status` text and `winner` (0 without one) of the state; `bound` the one cell
    that may act, or -1; `hand`, `elim`, `terr` a number each player; `goals` the rings and cells that win.
    All of it can be written as JSON. Raises InvalidInput for a state or code of another layout or board.
    """
    at = read_position(state)
    cells = [""] * board(at.name).cells
    for cell, seat in at.marks.items():
        cells[cell] = "abcd"[seat]
    for cell, seat in at.land.items():
        cells[cell] = "ABCD"[seat]
    for cell, rings in at.stacks.items():
        cells[cell] = "".join(str(seat + 1) for seat in rings)
    return {
        "board": at.name,
        "cells": cells,
        "text": "start" if code is None else moves.to_notation(at.name, int(code)),
        "path": [] if code is None else _path(int(code)),
        "phase": PHASES[int(state[PHASE])],
        "player": int(state[CUR]) + 1,
        "status": status_text(state),
        "winner": int(state[WINNER]) + 1,
        "bound": bound_cell(state),
        **{
            key: [int(n) for n in state[word : word + at.players]]
            for key, word in (("hand", HAND), ("elim", ELIM), ("terr", TERR))
        },
        "goals": [int(state[VICTORY]), int(state[TERRITORY_MIN])],
    }


def _path(code: int) -> list[int]:
    kind, a, b, c = moves.decode(code)
    if kind == moves.MOVE:
        return [a, c]
    if kind in (moves.OVERTAKE, moves.CONTINUE):
        return [a, b, c]
    if kind == moves.SLIDE:
        return [a, b]
    return [a] if kind in (moves.PLACE, moves.ELIMINATE, moves.FORCE) else []


def replay_page(title: str, frames: Sequence[Mapping[str, Any]], meta: Mapping[str, Any]) -> str:
    """HTML page that replays `frames` (made by `frame_of`, first to last, one board and player count).

    `meta` is shown under the title as `key value`, except `players`, a list of names in seat order, and
    `result`, a text that replaces the one derived from the last frame. Everything is escaped. A move's player
    is the one to move in the frame before it. Raises InvalidInput for no frames or frames that do not fit.
    """
    if not frames:
        raise InvalidInput("frames", [], "pass at least the starting position", problem="no frames")
    first = frames[0]
    name, n = first["board"], len(first["hand"])
    art = board_art(name)
    names = [str(text) for text in meta.get("players", [f"Player {seat + 1}" for seat in range(n)])]
    if len(names) != n:
        raise InvalidInput("meta players", names, f"give {n} names")
    over = frames[-1]["phase"] == PHASES[OVER]
    data = {
        "names": names,
        "cellNames": [cell_name(name, cell) for cell in range(len(art.centers))],
        "centers": art.centers,
        "pile": {"tilt": RING_TILT, "thick": RING_THICK, "room": PILE},
        "goals": first["goals"],
        "phases": [phase.replace("_", " ") for phase in PHASES],
        "result": str(meta.get("result", frames[-1]["status"] if over else "")),
        "winner": int(frames[-1]["winner"]),
        "start": first["cells"],
        "plies": [_ply(frames, i) for i in range(len(frames))],
    }
    facts = "".join(
        f"<span>{escape(str(key))} <b>{escape(str(value))}</b></span>"
        for key, value in meta.items()
        if key not in ("players", "result")
    )
    return _fill(
        {
            "title": escape(title),
            "facts": facts,
            "colors": "".join(f"--p{seat + 1}:{color};" for seat, color in enumerate(COLORS)),
            "svg_style": SVG_STYLE,
            "view": f"0 0 {WIDTH} {art.height}",
            "defs": art.defs,
            "backdrop": art.backdrop,
            "transform": art.transform,
            # "<" is written as an escape, so that no text can end the script element.
            "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        }
    )


def _ply(frames: Sequence[Mapping[str, Any]], i: int) -> list[Any]:
    """[notation, mover or 0, player to move, phase, [hand, elim, terr], changed cells, path, bound cell].

    The changed cells are cell, token, cell, token and so on.
    """
    frame, before = frames[i], frames[max(0, i - 1)]
    cells = frame["cells"]
    if frame["board"] != before["board"] or len(frame["hand"]) != len(before["hand"]):
        raise InvalidInput(f"frame {i}", frame["board"], "use frames of one game")
    n = board(frame["board"]).cells
    if len(cells) != n or any(_TOKEN.fullmatch(token) is None for token in cells):
        raise InvalidInput(f"frame {i} cells", cells, "use frames made by frame_of")
    marked = [*frame["path"], frame["bound"]]
    if frame["phase"] not in PHASES or any(not -1 <= cell < n for cell in marked):
        raise InvalidInput(f"frame {i} phase and cells", (frame["phase"], marked), "use frames made by frame_of")
    changed: list[int | str] = []
    for cell, (now, was) in enumerate(zip(cells, before["cells"], strict=True)):
        if now != was:
            changed += [cell, now]
    return [
        str(frame["text"]),
        int(before["player"]) if i else 0,
        int(frame["player"]),
        PHASES.index(frame["phase"]),
        [[int(number) for number in frame[key]] for key in ("hand", "elim", "terr")],
        changed,
        [int(cell) for cell in frame["path"]],
        int(frame["bound"]),
    ]


@cache
def _template() -> str:
    return files("ringrift.render").joinpath("replay_page.html").read_text(encoding="utf-8")


def _fill(parts: dict[str, str]) -> str:
    # One pass, so that text put in is never searched for placeholders.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _template())
