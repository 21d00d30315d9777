"""Evidence of a gate: games, blocks and LLR path, from which anyone can recompute the verdict."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field

from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.stats.results import game_scores
from ringrift.stats.sprt import ROUNDING, SequentialTest, judge_blocks
from ringrift.strict import Strict, parse

Purpose = Literal["champion", "tier", "profile", "match"]  # match: of two players somebody chose, decides nothing


# --- evidence ---------------------------------------------------------------------------------------------
class Entrant(Strict):
    """A participant of a gate: its content key and the hashes of what was loaded (weights, profile, ...)."""

    key: str = Field(min_length=1)
    hashes: dict[str, str] = Field(default_factory=dict)


class GateGame(Strict):
    """One game of a gate: its block from 0, the key of the participant that really sat in each seat, the ranks."""

    block: Annotated[int, Field(ge=0)]
    game_hash: str = Field(pattern="^[0-9a-f]{16}$")
    seats: list[str]
    ranking: list[int] | None  # None: capped


def gate_games(rows: Iterable[Mapping[str, Any]], players: int) -> list[GateGame]:
    """The games of a gate from rows of a game set (schema.make_row), blocks of `players` games by their index."""
    return [
        GateGame(
            block=row["game_index"] // players,
            game_hash=row["game_hash"],
            seats=[name.partition("#")[2] for name in row["participants"]],
            ranking=row["ranking"],
        )
        for row in rows
    ]


class _Evidence(Strict):
    """The shape of a stored evidence; derived fields are compared with what the games give."""

    format: Literal["ringrift-gate/1"]
    purpose: Purpose
    pool: str
    candidate: Entrant
    opponent: Entrant
    params: dict[str, Any]
    openings: list[str]
    games: list[GateGame]
    blocks: list[dict[str, Any]]
    llr_path: list[float]
    verdict: dict[str, Any]
    digest: str


def evidence(
    *,
    purpose: Purpose,
    pool: str,
    candidate: Entrant,
    opponent: Entrant,
    gate: SequentialTest,
    openings: Sequence[str],
    games: Sequence[GateGame],
) -> dict[str, Any]:
    """All a stranger needs to recompute a verdict, ready for JSON.

    `openings` identifies the opening of each block, `games` are all games of all blocks. The result holds
    these, the table of blocks (opening, games by number, score), the LLR path, the verdict, and a SHA-256
    of what was not derived. Raises InvalidInput if the games are no whole gate: blocks that are not one
    rotation of the candidate through the seats, an opening or a game used in two blocks, players other than
    the two, a match that had not ended or went on after its end.
    """
    held = _assemble(purpose, pool, candidate, opponent, gate, openings, games)
    if problem := _unfinished(held):
        raise InvalidInput("games", len(games), problem=f"{len(games)} games: {problem}")
    return held


def _assemble(
    purpose: Purpose,
    pool: str,
    candidate: Entrant,
    opponent: Entrant,
    gate: SequentialTest,
    openings: Sequence[str],
    games: Sequence[GateGame],
) -> dict[str, Any]:
    """`evidence` of games that need not be the whole match."""
    if candidate.key == opponent.key:
        raise InvalidInput("candidate", candidate.key, "it is its own opponent; identical players need no gate")
    config = parse_config(pool)
    blocks = _blocks(openings, games, candidate.key, opponent.key, config.players)
    verdict = judge_blocks([block["score"] for block in blocks], gate, players=config.players)
    given = {
        "format": "ringrift-gate/1",
        "purpose": purpose,
        "pool": config.key,
        "candidate": candidate.model_dump(),
        "opponent": opponent.model_dump(),
        "params": asdict(gate),
        "openings": list(openings),
        "games": [game.model_dump() for game in games],
    }
    text = json.dumps(given, sort_keys=True, separators=(",", ":"))
    about = asdict(verdict) | {"elo_interval": list(verdict.elo_interval)}
    path = list(about.pop("llr_path"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return given | {"blocks": blocks, "llr_path": path, "verdict": about, "digest": digest}


def _unfinished(held: dict[str, Any]) -> str | None:
    """Why the games are not those of a match that stopped itself, None if they are."""
    if held["verdict"]["outcome"] == "continue":
        return "the gate had not ended; play on"
    used, played = held["verdict"]["blocks"], len(held["blocks"])
    return f"the gate ended after block {used} of {played}" if used < played else None


def _blocks(
    openings: Sequence[str], games: Sequence[GateGame], candidate: str, opponent: str, players: int
) -> list[dict[str, Any]]:
    """The table of blocks. Raises InvalidInput where it is not the one `evidence` describes."""
    if len(set(openings)) != len(openings):
        raise InvalidInput("openings", list(openings), "each block has an opening of its own")
    if sorted({game.block for game in games}) != list(range(len(openings))):
        raise InvalidInput("games", f"blocks of {len(games)} games", f"give games of {len(openings)} blocks, from 0")
    owner: dict[str, int] = {}
    blocks = []
    for number, opening in enumerate(openings):
        numbers = [i for i, game in enumerate(games) if game.block == number]
        taken, score = [], 0.0
        for i in numbers:
            game = games[i]
            seat = game.seats.index(candidate) if candidate in game.seats else -1
            others = game.seats[:seat] + game.seats[seat + 1 :]
            if seat < 0 or len(game.seats) != players or any(key != opponent for key in others):
                allowed = f"{players} seats: the candidate {candidate} once, else the opponent {opponent}"
                raise InvalidInput(f"games.{i}.seats", game.seats, allowed)
            # Within a block two alike players may well play one game twice; another opening is another game.
            if owner.setdefault(game.game_hash, number) != number:
                raise InvalidInput(f"games.{i}.game_hash", game.game_hash, "this game stands in two blocks")
            taken.append(seat)
            score += game_scores(game.ranking, players)[seat]
        if sorted(taken) != list(range(players)):
            seats = [seat + 1 for seat in taken]
            raise InvalidInput(f"block {number}", seats, f"the candidate sits once in each seat from 1 to {players}")
        blocks.append({"opening": opening, "games": numbers, "score": score / players})
    return blocks


def verify_evidence(stored: dict[str, Any]) -> list[str]:
    """Differences between a stored evidence and what its own games give; empty if it holds.

    Everything derived is computed again from openings, games and parameters. What cannot be derived (hashes,
    openings, names, the parameters themselves) is covered by the digest, which shows a change but not a forger
    who renews it: `ringrift gate verify` therefore looks at the games themselves where it finds them
    (ringrift.cli.gate_games). Bad input is a difference too.
    """
    try:
        held = parse(_Evidence, stored, "evidence")
        players = held.candidate, held.opponent
        renewed = _assemble(
            held.purpose, held.pool, *players, SequentialTest.from_dict(held.params), held.openings, held.games
        )
    except InvalidInput as error:
        return [str(error)]
    unfinished = _unfinished(renewed)
    return ([f"games: {unfinished}"] if unfinished else []) + differences(stored, renewed)


def differences(stored: dict[str, Any], renewed: dict[str, Any]) -> list[str]:
    """One line for each place where two evidences differ, floats beyond rounding."""
    return _differences(stored, renewed, "")


def _differences(held: Any, renewed: Any, path: str) -> list[str]:
    """One line for each place below `path` where the two differ, floats beyond rounding."""
    if isinstance(held, dict) and isinstance(renewed, dict):
        lines = [f"{path}{key}: it stands in one of the two only" for key in sorted(held.keys() ^ renewed.keys())]
        shared = [key for key in renewed if key in held]
        return lines + [line for key in shared for line in _differences(held[key], renewed[key], f"{path}{key}.")]
    if isinstance(held, list) and isinstance(renewed, list):
        sizes = f"{path.rstrip('.')}: stored {len(held)} entries, the games give {len(renewed)}"
        lines = [] if len(held) == len(renewed) else [sizes]
        pairs = enumerate(zip(held, renewed, strict=False))
        return lines + [line for i, (a, b) in pairs for line in _differences(a, b, f"{path}{i}.")]
    same = held == renewed
    if isinstance(held, float) and isinstance(renewed, float):
        same = math.isclose(held, renewed, rel_tol=ROUNDING, abs_tol=ROUNDING)
    return [] if same else [f"{path.rstrip('.')}: stored {held!r}, the games give {renewed!r}"]
