"""A game's identity: the documented hash of what was played and how it ended."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ringrift.config import Config, parse_config
from ringrift.errors import InvalidInput
from ringrift.rules.moves import to_notation

HASHED_KEYS = ("board_type", "moves", "num_players", "outcome")


def hash_game(game: Mapping[str, Any]) -> str:
    """First 16 hex digits of SHA-256 over the compact JSON, keys sorted, of the four HASHED_KEYS of `game`.

    `moves` are notation strings of the decisions in order, `outcome` is `{"ranking", "winner"}`; other keys
    of the dict are ignored. Raises InvalidInput if a key is missing or its value is not JSON.
    """
    if not isinstance(game, Mapping):
        raise InvalidInput("game", game, f"use a dict with the keys {', '.join(HASHED_KEYS)}")
    for key in HASHED_KEYS:
        if key not in game:
            raise InvalidInput("game", sorted(map(str, game)), problem=f"missing key {key!r}")
    try:
        text = json.dumps(
            {key: game[key] for key in HASHED_KEYS}, sort_keys=True, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError, RecursionError) as error:
        kinds = {key: type(game[key]).__name__ for key in HASHED_KEYS}
        raise InvalidInput("game", kinds, f"use values that JSON can hold ({error})") from error
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(maxsize=1 << 17)
def _notation(board: str, code: int) -> str:
    return to_notation(board, code)


def notation(board: str, codes: Sequence[int]) -> list[str]:
    """Notation strings of move codes (cached, games repeat them). Raises InvalidInput on a bad code."""
    return [_notation(board, code) for code in codes]


def game_of(config: Config, codes: Sequence[int], ranking: Sequence[int] | None, winner: int | None) -> dict[str, Any]:
    """The dict `hash_game` reads, from decision codes and an outcome (both None for a capped game)."""
    return {
        "board_type": config.board,
        "moves": notation(config.board, codes),
        "num_players": config.players,
        "outcome": {"ranking": None if ranking is None else list(ranking), "winner": winner},
    }


def game_dict(row: Mapping[str, Any]) -> dict[str, Any]:
    """The dict `hash_game` reads, from a game set's row (keys config, moves, ranking, winner)."""
    return game_of(parse_config(row["config"]), row["moves"], row["ranking"], row["winner"])
