"""Is a candidate stronger? A sequential test over blocks of games, and evidence anyone can recompute.

A block is every seat rotation of one opening: the candidate sits once in each seat against copies of its
opponent. The block's score x in [0, 1] is the mean of the candidate's game scores; rotation cancels what the
opening and the seats give, and blocks of different openings are independent while games within one are not.

Generalized sequential probability ratio test with the empirical variance (M. Van den Bergh,
https://www.cantate.be/Fishtest/GSPRT_approximation.pdf; used by Stockfish's fishtest, where two players make
it the pentanomial test). With m and v the mean and variance of N block scores and s(elo) = 1/(1 + 10^(-elo/400)),

    LLR = N (s1 - s0) (2m - s0 - s1) / (2v),  s0 = s(elo0), s1 = s(elo1)

The candidate is promoted when LLR >= ln((1-beta)/alpha), rejected when LLR <= ln(beta/(1-alpha)) (A. Wald,
Sequential Analysis, 1947). m and v are regularised by one virtual block, half of it lost 0 and half won 1:
without it a few equal blocks would have no variance and decide anything.

Elo is that of the expected score in the match as played, at every table size: 0 Elo is a score of 0.5 and
+35 Elo one of 0.55. The cap bounds the cost, so beta holds only well above elo1: `gate_calibration` gives the
rates. The documented floor, a mean score of at least 0.55 over at least 10 games, must hold as well.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.pipeline import Pipeline
from ringrift.ratings import ELO_SCALE, Z95, game_scores
from ringrift.strict import Strict, parse

GATE_VERSION = 1  # raised when the same games may give another verdict
VIRTUAL_BLOCKS = 1.0  # weight of the regularising block, in blocks
ROUNDING = 1e-9  # numbers recomputed on another machine may differ by this much, relatively

Outcome = Literal["promoted", "rejected", "inconclusive", "continue"]
Purpose = Literal["champion", "tier", "profile", "match"]  # match: of two players somebody chose, decides nothing


@dataclass(frozen=True, slots=True)
class Gate:
    """Parameters of a test. Raises InvalidInput for values without a meaning."""

    elo0: float = 0.0  # H0: not stronger
    elo1: float = 35.0  # H1: worth promoting
    alpha: float = 0.05  # chance to promote at elo0, at most
    beta: float = 0.05  # chance to reject at elo1, at most
    min_blocks: int = 16  # no verdict before
    max_blocks: int = 256  # undecided after these: inconclusive, not promoted
    floor_score: float = 0.55  # documented floor on the mean score
    floor_games: int = 10  # and on the games
    version: int = GATE_VERSION

    def __post_init__(self) -> None:
        for field in fields(self):
            value, whole = getattr(self, field.name), field.type is int
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise InvalidInput(field.name, value, "use a whole number" if whole else "use a number")
        if not -1000 <= self.elo0 < self.elo1 <= 1000:
            raise InvalidInput("elo0, elo1", (self.elo0, self.elo1), "use -1000 <= elo0 < elo1 <= 1000")
        if not (0 < self.alpha < 0.5 and 0 < self.beta < 0.5):
            raise InvalidInput("alpha, beta", (self.alpha, self.beta), "use numbers between 0 and 0.5")
        if not 1 <= self.min_blocks <= self.max_blocks:
            allowed = "use 1 <= min_blocks <= max_blocks"
            raise InvalidInput("min_blocks, max_blocks", (self.min_blocks, self.max_blocks), allowed)
        if not 0 <= self.floor_score <= 1 or self.floor_games < 0:
            allowed = "use a score from 0 to 1 and games from 0"
            raise InvalidInput("floor_score, floor_games", (self.floor_score, self.floor_games), allowed)
        if self.version != GATE_VERSION:
            raise InvalidInput("version", self.version, f"this version decides gates of version {GATE_VERSION}")
        for name in ("elo0", "elo1", "alpha", "beta", "floor_score"):
            object.__setattr__(self, name, float(getattr(self, name)))  # 35 and 35.0 are one gate

    @classmethod
    def of(cls, pipeline: Pipeline) -> "Gate":
        """The gate a pipeline file asks for: its `gate`, with the floor of its `tiers`."""
        tiers = pipeline.tiers
        return cls(**pipeline.gate.model_dump(), floor_score=tiers.win_rate, floor_games=tiers.min_games)

    @property
    def lower(self) -> float:
        """LLR at or below which the candidate is rejected."""
        return math.log(self.beta / (1 - self.alpha))

    @property
    def upper(self) -> float:
        """LLR at or above which the candidate is promoted."""
        return math.log((1 - self.beta) / self.alpha)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the blocks say. `blocks` is the number the verdict rests on, `llr_path` the LLR after each of them.

    `mean` and `stderr` are of the block scores; `elo` and its 95 % interval belong to the mean, cut to finite
    values. They take the number of blocks as fixed, which the stopping rule does not allow: the interval holds
    the true Elo in about 90 % of two-player gates, and the Elo of a promoted candidate is somewhat too high.
    """

    outcome: Outcome
    llr: float
    llr_path: tuple[float, ...]
    blocks: int
    mean: float
    stderr: float
    elo: float
    elo_interval: tuple[float, float]

    @property
    def promoted(self) -> bool:
        return self.outcome == "promoted"


def score_of_elo(elo: float) -> float:
    """Expected score in (0, 1) of a player `elo` points stronger."""
    return 1 / (1 + 10 ** (-elo / 400))


def elo_of_score(score: float) -> float:
    """Elo difference of an expected score in (0, 1)."""
    return ELO_SCALE * math.log(score / (1 - score))


def statistics(scores: np.ndarray, gate: Gate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(LLR, mean, variance of one block) after each block, each float[..., B]; `scores` float[..., B].

    Variance and LLR are regularised by the virtual block, the mean is that of the scores alone.
    """
    n = np.arange(1, scores.shape[-1] + 1)
    total, squares = scores.cumsum(-1), (scores**2).cumsum(-1)
    m = (total + 0.5 * VIRTUAL_BLOCKS) / (n + VIRTUAL_BLOCKS)
    v = (squares + 0.5 * VIRTUAL_BLOCKS) / (n + VIRTUAL_BLOCKS) - m**2
    s0, s1 = score_of_elo(gate.elo0), score_of_elo(gate.elo1)
    return n * (s1 - s0) * (2 * m - s0 - s1) / (2 * v), total / n, v


def decisions(llr: np.ndarray, mean: np.ndarray, gate: Gate, players: int) -> np.ndarray:
    """int8[..., B]: 1 where the gate promotes after that block, -1 where it rejects, 0 where it plays on.

    The LLR may pass its bound below the floor on the mean: the match then goes on until both agree.
    """
    n = np.arange(1, llr.shape[-1] + 1)
    floor = (mean >= gate.floor_score - ROUNDING) & (n * players >= gate.floor_games)
    decided = np.where((llr >= gate.upper) & floor, 1, np.where(llr <= gate.lower, -1, 0))
    return np.where((n >= gate.min_blocks) & (n <= gate.max_blocks), decided, 0).astype(np.int8)


def decide(block_scores: Sequence[float], gate: Gate, *, players: int = 2) -> Verdict:
    """Verdict on the block scores (each in [0, 1]) in the order of the openings; a block has `players` games.

    The first block that decides ends the test: what follows is not looked at, so a verdict never changes as
    blocks are added. A job calls this after each block and stops when the outcome is not "continue".
    Raises InvalidInput without blocks or for a score outside [0, 1].
    """
    scores = np.asarray(block_scores, dtype=float)
    if scores.ndim != 1 or not len(scores) or not np.all((scores >= 0) & (scores <= 1)):
        raise InvalidInput("block_scores", list(block_scores), "use at least one score, each from 0 to 1")
    llr, mean, variance = statistics(scores, gate)
    says = decisions(llr, mean, gate, players)
    used = int(says.astype(bool).argmax()) + 1 if says.any() else min(len(says), gate.max_blocks)
    last = used - 1
    outcome: Outcome = "continue" if used < gate.max_blocks else "inconclusive"
    if says[last]:
        outcome = "promoted" if says[last] > 0 else "rejected"
    center, stderr = float(mean[last]), math.sqrt(float(variance[last]) / used)
    edge = 0.5 / (used + VIRTUAL_BLOCKS)  # keeps the Elo of an all-won match finite
    elos = [elo_of_score(min(max(center + z * stderr, edge), 1 - edge)) for z in (-Z95, 0, Z95)]
    path = tuple(float(value) for value in llr[:used])
    return Verdict(outcome, path[-1], path, used, center, stderr, elos[1], (elos[0], elos[2]))


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
    """The games of a gate from rows of a game set (games.make_row), blocks of `players` games by their index."""
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
    gate: Gate,
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
        raise InvalidInput("games", f"{len(games)} games", problem)
    return held


def _assemble(
    purpose: Purpose,
    pool: str,
    candidate: Entrant,
    opponent: Entrant,
    gate: Gate,
    openings: Sequence[str],
    games: Sequence[GateGame],
) -> dict[str, Any]:
    """`evidence` of games that need not be the whole match."""
    if candidate.key == opponent.key:
        raise InvalidInput("candidate", candidate.key, "it is its own opponent; identical players need no gate")
    config = parse_config(pool)
    blocks = _blocks(openings, games, candidate.key, opponent.key, config.players)
    verdict = decide([block["score"] for block in blocks], gate, players=config.players)
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
    who renews it: compare it with the digest stored elsewhere, and replay the games by their hashes. Bad input
    is a difference too.
    """
    try:
        held = parse(_Evidence, stored, "evidence")
        players = held.candidate, held.opponent
        renewed = _assemble(held.purpose, held.pool, *players, _gate(held.params), held.openings, held.games)
    except InvalidInput as error:
        return [str(error)]
    unfinished = _unfinished(renewed)
    return ([f"games: {unfinished}"] if unfinished else []) + _differences(stored, renewed, "")


def _gate(params: dict[str, Any]) -> Gate:
    names = [field.name for field in fields(Gate)]
    if sorted(params) != sorted(names):
        raise InvalidInput("params", sorted(params), f"use exactly {', '.join(names)}")
    return Gate(**params)


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
