"""Verification of game sets: every game is replayed through the rules engine before it counts."""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from ringrift import names
from ringrift.config import Config, parse_config
from ringrift.errors import IllegalMove, RingRiftError
from ringrift.gamesets.game_hash import game_dict, hash_game
from ringrift.gamesets.schema import SCHEMA, SEARCH_COLUMNS, SOURCES, options_text
from ringrift.rules.advance import DECISIONS_ONLY
from ringrift.rules.game import Workspace
from ringrift.rules.geometry import board
from ringrift.rules.position_json import read_options
from ringrift.rules.replay import RULES_VERSION, Replayed, replay
from ringrift.rules.state import new_state

REJECT_REASONS = {
    "malformed": "a value is missing, out of range or contradicts another one",
    "rules_version": "recorded under other rules",
    "other_config": "a game of another config than asked for",
    "other_options": "a game with other options than asked for",
    "beyond_cap": "more decisions than the config's cap",
    "illegal_move": "a move is not legal where it was played",
    "unfinished": "not marked as capped, but the game goes on",
    "capped_but_over": "marked as capped, but the moves end the game",
    "capped_with_result": "marked as capped, but claims a winner, ranking or victory",
    "wrong_winner": "the replay has another winner",
    "wrong_ranking": "the replay has another ranking",
    "wrong_victory": "the replay ended for another reason",
    "wrong_plies": "the number of plies is not the number of moves",
    "wrong_hash": "the hash is not that of the game",
    "bad_search": "a search target is misaligned or names a move that is not legal there",
}
REJECT_COLUMNS = ("reject_reason", "reject_detail")
REJECT_SCHEMA = pa.schema([*SCHEMA, *(pa.field(name, pa.string()) for name in REJECT_COLUMNS)])

_BATCH = 4096  # rows held as Python objects at a time


class _Reject(Exception):
    """A row is refused: (one of REJECT_REASONS, detail)."""


def verify_rows(
    table: pa.Table, *, config: Config | None = None, options: Mapping[str, int | bool] | None = None
) -> tuple[pa.Table, pa.Table]:
    """(good rows with SCHEMA, rejected rows with REJECT_SCHEMA), each in the order of `table`.

    A row is good if its moves replay legally and lead to exactly the outcome, plies and hash it claims. With
    `config` or `options` given, rows of another one are rejected too. A bad row never raises.
    """
    wanted_options = None if options is None else options_text(options)
    faults: dict[int, tuple[str, str]] = {}
    for start in range(0, table.num_rows, _BATCH):
        for place, row in enumerate(table.slice(start, _BATCH).to_pylist(), start):
            try:
                _check_row(row, config, wanted_options)
            except _Reject as reject:
                faults[place] = reject.args
            except (RingRiftError, TypeError, ValueError, OverflowError, LookupError) as error:
                faults[place] = ("malformed", f"{type(error).__name__}: {error}")
    good = np.ones(table.num_rows, dtype=bool)
    good[list(faults)] = False
    rejects = table.filter(pa.array(~good))
    for part, name in enumerate(REJECT_COLUMNS):
        texts = [faults[place][part] for place in sorted(faults)]
        rejects = rejects.append_column(name, pa.array(texts, type=pa.string()))
    return table.filter(pa.array(good)), rejects


def _require(condition: bool, reason: str, detail: str) -> None:
    if not condition:
        raise _Reject(reason, detail)


def _check_row(row: dict[str, Any], wanted_config: Config | None, wanted_options: str | None) -> None:
    """Raise _Reject, or an error that means the row is malformed."""
    rules = row["rules_version"]
    _require(rules == RULES_VERSION, "rules_version", f"{rules}, not {RULES_VERSION}")
    config = parse_config(row["config"])
    _require(config.key == row["config"], "malformed", f"config is written {config.key}")
    _require(wanted_config in (None, config), "other_config", row["config"])
    options = _options(config, row["options"])
    _require(wanted_options in (None, row["options"]), "other_options", row["options"])
    _check_fields(row, config)
    moves, cap = row["moves"], config.decision_cap
    _require(len(moves) <= cap, "beyond_cap", f"{len(moves)} of at most {cap}")
    try:
        result = replay(config, options, np.array(moves, dtype=np.uint32), _table(config.board))
    except IllegalMove as error:
        raise _Reject("illegal_move", str(error)) from error
    _check_outcome(row, result)
    claimed, real = row["game_hash"], hash_game(game_dict(row))
    _require(claimed == real, "wrong_hash", f"{claimed}, not {real}")
    if any(row[name] is not None for name in SEARCH_COLUMNS):
        _check_search(row, config, options)


@lru_cache(maxsize=256)
def _options(config: Config, text: str) -> dict[str, int | bool]:
    options = read_options(json.loads(text), config)
    _require(options_text(options) == text, "malformed", "options lack a key or are not in canonical form")
    return options


@lru_cache(maxsize=8)
def _table(board_name: str) -> Workspace:
    return Workspace(board(board_name))


def _check_fields(row: dict[str, Any], config: Config) -> None:
    _require(row["source"] in SOURCES, "malformed", f"source {row['source']}")
    _require(0 <= row["iteration"] <= names.LAST_ITERATION, "malformed", f"iteration {row['iteration']}")
    _require(0 < len(row["job"]) <= 120, "malformed", "job name")
    _require(row["game_index"] >= 0 and row["seed"] >= 0, "malformed", "game_index or seed")
    seats = row["participants"]
    _require(len(seats) == config.players and all(seats), "malformed", f"{len(seats)} participants")
    plies = len(row["moves"])
    _require(row["plies"] == plies, "wrong_plies", f"{row['plies']} for {plies} moves")
    _require(0 <= row["opening_plies"] <= plies, "malformed", f"opening_plies {row['opening_plies']}")
    _require(isinstance(row["capped"], bool), "malformed", "capped is missing")


def _check_outcome(row: dict[str, Any], result: Replayed) -> None:
    if row["capped"]:
        _require(not result.over, "capped_but_over", f"player {result.winner} has won")
        claims = [name for name in ("winner", "ranking", "victory") if row[name] is not None]
        _require(not claims, "capped_with_result", ", ".join(claims))
        return
    _require(result.over, "unfinished", f"after {result.decisions} decisions")
    _require(row["winner"] == result.winner, "wrong_winner", f"{row['winner']}, not {result.winner}")
    _require(row["ranking"] == result.ranking, "wrong_ranking", f"{row['ranking']}, not {result.ranking}")
    _require(row["victory"] == result.reason, "wrong_victory", f"{row['victory']}, not {result.reason}")


def _check_search(row: dict[str, Any], config: Config, options: dict[str, int | bool]) -> None:
    """Each searched ply is in the game, and what was searched there are distinct legal moves with visits."""
    plies, codes, visits, values = (row[name] for name in SEARCH_COLUMNS)
    try:
        _require(len(plies) == len(codes) == len(visits) == len(values), "bad_search", "lengths differ")
        _require(all(a < b for a, b in pairwise(plies)), "bad_search", "plies do not ascend")
        _require(not plies or plies[-1] < row["plies"], "bad_search", f"ply {plies[-1:]} is after the end")
        _require(all(isinstance(value, int) for value in values), "bad_search", "a value is missing")
        table, moves, played = _table(config.board), np.array(row["moves"], dtype=np.uint32), 0
        state = new_state(table.board, config.players, options)
        for ply, searched, counts in zip(plies, codes, visits, strict=True):
            _, legal = table.advance(state, moves[played:ply], DECISIONS_ONLY)
            fits = len(set(searched)) == len(searched) == len(counts) and sum(counts) > 0
            _require(fits and set(searched) <= set(legal.tolist()), "bad_search", f"ply {ply}")
            played = ply
    except TypeError as error:
        raise _Reject("bad_search", f"a part is missing: {error}") from error
