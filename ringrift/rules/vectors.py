"""Checking the engine against recorded games in the `rr-vectors/1` format (`ringrift rules check-vectors`).

Three kinds of files are known, told apart by their content: games (one object a ply), position lists with
perft counts, and single moves with the state after them. A move that the recordings list twice under two names
(`process_line` and `choose_line_option` over the whole of an exact line) is one move here.
"""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ringrift.config import Config
from ringrift.errors import InvalidInput, MissingInput, RingRiftError
from ringrift.rules import state as st
from ringrift.rules.advance import EVERY_MOVE
from ringrift.rules.game import Workspace
from ringrift.rules.geometry import board
from ringrift.rules.move_json import move_to_json
from ringrift.rules.moves import PROCESS_LINE, TYPE_SHIFT
from ringrift.rules.position_json import CORE_KEYS, read_options, state_from_json, state_to_json

SUFFIXES = (".jsonl", ".jsonl.zst")
SIMPLE = {"place_ring", "move_stack", "overtaking_capture", "continue_capture_segment"}
"""Moves whose arrays are flat and do not depend on the state, most of them all."""
Key = tuple[Any, ...]


@dataclass
class FileResult:
    """What checking one file gave. `difference` is the first one found, None if the file is reproduced."""

    file: str
    kind: str = ""
    games: int = 0
    plies: int = 0
    positions: int = 0
    perft_sequences: int = 0
    difference: str | None = None


@dataclass
class VectorReport:
    """All files below a directory."""

    files: list[FileResult] = field(default_factory=list)

    @property
    def failed(self) -> list[FileResult]:
        """Files with a difference."""
        return [f for f in self.files if f.difference]

    def totals(self) -> dict[str, int]:
        """Sums over all files."""
        keys = ("games", "plies", "positions", "perft_sequences")
        return {"files": len(self.files), "differ": len(self.failed)} | {
            key: sum(getattr(f, key) for f in self.files) for key in keys
        }


class _Difference(Exception):
    """The engine and the recording do not agree; the text says where and how."""


def vector_files(folder: Path) -> list[Path]:
    """All vector files below `folder`, sorted. Raises MissingInput if there is none."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name.endswith(SUFFIXES))
    if not files:
        raise MissingInput(f"no *.jsonl or *.jsonl.zst file below {folder}: give a folder of rr-vectors/1 files")
    return files


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a vector file. Raises InvalidInput if the file is not what its name says."""
    try:
        with pa.input_stream(str(path), compression="zstd" if path.name.endswith(".zst") else None) as stream:
            rows = [json.loads(line) for line in stream.read().decode().splitlines() if line]
    except (OSError, ValueError) as error:
        raise InvalidInput("vector file", path.name, f"not readable as JSON lines ({error})") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("vector file", path.name, "use one JSON object a line")
    return rows


def check_file(path: Path, name: str | None = None) -> FileResult:
    """Reproduce one vector file."""
    result = FileResult(name or path.name)
    try:
        rows = read_lines(path)
        if rows[0].get("k") == "header":
            result.kind = "game"
            _check_game(rows, result)
        elif "perft" in rows[0]:
            result.kind = "perft"
            for row in rows:
                _check_perft(row, result)
        elif "after" in rows[0]:
            result.kind = "contract"
            for row in rows:
                _check_single(row, result)
        else:
            raise InvalidInput("vector file", path.name, "use a game, perft or contract file of rr-vectors/1")
    except (_Difference, RingRiftError) as error:
        result.difference = str(error)
    except (KeyError, TypeError, IndexError) as error:
        result.difference = f"malformed record: {type(error).__name__} {error}"
    return result


def check_folder(folder: Path, workers: int = 1) -> Iterator[FileResult]:
    """Reproduce every vector file below `folder` in `workers` processes; one result a file, in path order."""
    paths = vector_files(folder)
    names = [str(path.relative_to(folder)) for path in paths]
    if workers == 1:
        yield from map(check_file, paths, names)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(check_file, paths, names, chunksize=4)


def _key(move: list[Any]) -> Key:
    """A move as something to compare; the whole-line option of a line is the same as processing it."""
    if move[0] in SIMPLE:
        return tuple(move)
    if move[0] == "process_line":
        move = ["choose_line_option", move[1], move[1]]
    elif move[0] == "choose_territory_option":
        move = [move[0], sorted(move[1])]
    return (repr(move),)


def _show(moves: set[Key]) -> str:
    shown = sorted(key[0] if len(key) == 1 else repr(list(key)) for key in moves)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


@cache
def _keys(board_number: int) -> dict[int, Key]:
    """Keys of the simple moves of a board by their codes, as they are met."""
    return {}


def _engine_keys(table: Workspace, s: np.ndarray, codes: list[int]) -> list[Key]:
    """The keys of some legal moves of `s`."""
    known = _keys(int(s[st.BOARD]))
    new = [code for code in codes if code not in known]
    if not new:
        return [known[code] for code in codes]
    regions = table.regions(s)
    found = {code: _key(move_to_json(s, code, regions)) for code in new}
    keys = [known.get(code) or found[code] for code in codes]
    known.update((code, key) for code, key in found.items() if key[0] in SIMPLE)
    return keys


def _legal(where: str, expected: list[list[Any]], table: Workspace, s: np.ndarray) -> dict[Key, int]:
    """The legal moves of `s`, key → code, which are exactly the expected ones."""
    codes = table.legal(s)
    have = dict(zip(_engine_keys(table, s, codes), codes, strict=True))
    if len(codes) != len(have):
        raise _Difference(f"{where}: the engine lists a move twice")
    want = set(map(_key, expected))
    if want != have.keys():
        missing, extra = want - have.keys(), have.keys() - want
        raise _Difference(f"{where}: legal moves differ; missing: {_show(missing)}; not expected: {_show(extra)}")
    return have


def _compare_state(where: str, expected: dict[str, Any], s: np.ndarray) -> None:
    actual = state_to_json(s)
    over = expected["status"] == "completed"
    for key in CORE_KEYS:
        if over and key in ("cp", "ph", "must", "chain", "pend_line_elim"):
            continue
        if expected[key] != actual[key]:
            raise _Difference(f"{where}: {key} is {actual[key]}, expected {expected[key]}")
    if not over and "lps" in expected:
        for key in ("first", "real", "streak", "streak_player"):
            if expected["lps"][key] != actual["lps"][key]:
                raise _Difference(f"{where}: lps.{key} is {actual['lps'][key]}, expected {expected['lps'][key]}")
    if not over and "ctx" in expected:
        for key in ("acted", "recovered", "attacker"):
            if expected["ctx"][key] != actual["ctx"][key]:
                raise _Difference(f"{where}: ctx.{key} is {actual['ctx'][key]}, expected {expected['ctx'][key]}")
        if (expected["ctx"]["region"] is None) != (actual["ctx"]["region"] is None):
            raise _Difference(f"{where}: ctx.region is {actual['ctx']['region']}, expected {expected['ctx']['region']}")


def _play(where: str, row: dict[str, Any], table: Workspace, s: np.ndarray) -> None:
    """Compare the legal moves of `s` with the row's, then play the one that was chosen there."""
    codes, move = _legal(where, row["legal"], table, s), row["legal"][row["c"]]
    done, _ = table.advance(s, np.array([codes[_key(move)]], dtype=np.uint32), EVERY_MOVE)
    if done != 1:
        raise _Difference(f"{where}: the engine refuses its own legal move {move}")


def _setup(row: dict[str, Any], state: dict[str, Any]) -> tuple[Workspace, np.ndarray]:
    config = Config(row["board"], row["players"])
    s = state_from_json(config, read_options(row.get("options"), config), state)
    return Workspace(board(config.board)), s


def _check_game(rows: list[dict[str, Any]], result: FileResult) -> None:
    header, *plies, end = rows
    table, s = _setup(header, header["initial"])
    result.games = 1
    for row in plies:
        where = f"ply {row['i']}"
        if (row["p"], row["ph"]) != (int(s[st.CUR]) + 1, st.PHASES[int(s[st.PHASE])]):
            raise _Difference(f"{where}: player {int(s[st.CUR]) + 1} in {st.PHASES[int(s[st.PHASE])]} is to move")
        _play(where, row, table, s)
        _compare_state(where, row["state"], s)
        result.plies += 1
    winner = int(s[st.WINNER]) + 1 if s[st.WINNER] >= 0 else None
    status = "active" if winner is None else "completed"
    if (end["status"], end["winner"]) != (status, winner):
        raise _Difference(f"end: {status}, winner {winner}; expected {end['status']}, winner {end['winner']}")
    reason = st.REASONS[int(s[st.REASON])] or "capped"
    if end.get("reason", reason) != reason:
        raise _Difference(f"end: reason {reason}; expected {end['reason']}")


def _check_single(row: dict[str, Any], result: FileResult) -> None:
    table, s = _setup(row, row["state"])
    _play(row["id"], row, table, s)
    _compare_state(row["id"], row["after"], s)
    result.positions += 1


def _core(s: np.ndarray) -> bytes:
    """The part of a state that perft compares, as bytes: all but the round and turn bookkeeping."""
    core = s.copy()
    for word in (st.LAST, st.ACTED, st.RECOVERED, st.OWES_TERRITORY, st.ATTACKER, st.REASON, st.MOVED):
        core[word] = 0
    for word in (st.LPS_FIRST, st.LPS_SET, st.LPS_REAL, st.LPS_STREAK, st.LPS_PLAYER, st.LPS_ROUND):
        core[word] = 0
    core[st.TURN] = core[st.DECISIONS] = 0
    core[st.OUT_TURN : st.OUT_TURN + 4] = 0
    if core[st.PHASE] == st.OVER:
        core[st.MUST] = core[st.CHAIN] = -1
    return core.tobytes()


def perft(table: Workspace, s: np.ndarray, depth: int) -> list[tuple[int, int]]:
    """(distinct states, move sequences) after 1 to `depth` moves, bookkeeping moves counting as moves.

    A line of exactly the needed length counts as two sequences, as the recordings list it under two names.
    """
    layer: dict[bytes, int] = {s.tobytes(): 1}
    counts = []
    for _ in range(depth):
        after: Counter[bytes] = Counter()
        for packed, ways in layer.items():
            parent = np.frombuffer(packed, dtype=np.int64)
            for code in table.legal(parent.copy()):
                child = parent.copy()
                table.advance(child, np.array([code], dtype=np.uint32), EVERY_MOVE)
                after[child.tobytes()] += ways * (2 if code >> TYPE_SHIFT == PROCESS_LINE else 1)
        layer = dict(after)
        distinct = {_core(np.frombuffer(packed, dtype=np.int64)) for packed in layer}
        counts.append((len(distinct), sum(layer.values())))
    return counts


def _check_perft(row: dict[str, Any], result: FileResult) -> None:
    table, s = _setup(row, row["state"])
    _legal(row["id"], row["legal"], table, s)
    depths = sorted(int(d) for d in row["perft"])
    for depth, (states, sequences) in enumerate(perft(table, s, depths[-1]), start=1):
        want = row["perft"].get(str(depth))
        if want is None:
            continue
        if (states, sequences) != (want["states"], want["sequences"]):
            raise _Difference(
                f"{row['id']}: perft({depth}) is {states} states, {sequences} sequences;"
                f" expected {want['states']}, {want['sequences']}"
            )
        result.perft_sequences += sequences
    result.positions += 1
