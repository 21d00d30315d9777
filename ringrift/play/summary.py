"""The results of a series: scores, Elo and a gate's verdict with their intervals."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.participant import Participant
from ringrift.specs.match import DEFAULT_OPENING_PLIES
from ringrift.stats.evidence import Entrant, evidence, gate_games
from ringrift.stats.intervals import standing
from ringrift.stats.results import game_scores
from ringrift.stats.sprt import SequentialTest, judge_blocks

if TYPE_CHECKING:
    pass

Row = dict[str, Any]  # a row of a game set, see schema.make_row, with what play_rows adds of the players' effort


# --- a series -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Games to play: `blocks` of them, with `gate` as many as it needs but no more.

    `players` are player 1, 2 ... as given, `specs` the texts they were given as. Raises InvalidInput for more players
    than seats, and for a gate that is not between two different players or whose openings are all the same.
    """

    config: Config
    specs: Sequence[str]
    players: Sequence[Participant]
    blocks: int
    seed: int = 0
    opening_plies: int = DEFAULT_OPENING_PLIES
    gate: SequentialTest | None = None

    def __post_init__(self) -> None:
        check_seats(len(self.players), self.config)
        if self.gate and (len(self.players) != 2 or self.players[0].key == self.players[1].key):
            raise InvalidInput("players", list(self.specs), "a gate is between two different players, --p1 and --p2")
        if self.gate and not self.opening_plies:
            raise InvalidInput("opening_plies", 0, "the openings of a gate differ: use 1 to 6")


def check_seats(given: int, config: Config) -> None:
    """Raises InvalidInput unless there are from one to as many players as `config` has seats."""
    if not 1 <= given <= config.players:
        raise InvalidInput("players", given, f"{config.key} takes 1 to {config.players} players")


def owner(series: Series, index: int, seat: int) -> int:
    """Which of the series' players (from 0) sits in `seat` (from 0) in game `index`."""
    return min((seat - index) % series.config.players, len(series.players) - 1)


# --- what came out ------------------------------------------------------------------------------------------
def block_score(series: Series, rows: Sequence[Row], player: int) -> float:
    """Mean score in [0, 1] of a player (from 0) over its seats in the `rows` of one block."""
    seats = series.config.players
    total, count = 0.0, 0
    for row in rows:
        scores = game_scores(row["ranking"], seats)
        own = [seat for seat in range(seats) if owner(series, row["game_index"], seat) == player]
        total += sum(scores[seat] for seat in own)
        count += len(own)
    return total / count


def whole_blocks(series: Series, rows: Sequence[Row]) -> list[Row]:
    """The rows without those of a block that was not played to its end."""
    return list(rows[: len(rows) // series.config.players * series.config.players])


def summarize(series: Series, rows: Sequence[Row]) -> dict[str, Any]:
    """What whole blocks of a series gave, ready for JSON: counts, a row a player, the gate's verdict, game hashes.

    Elo is that of the mean score (0.5 is 0), so with two players it is the difference between them; an end of its
    interval is None where the blocks set no bound (`standing`). `effort` has of each player its decisions after the
    openings, those with one legal move included, and the CPU time it took to choose them, in ms a decision; a network
    takes an equal share of what was judged and searched for several games at once. `games_per_s` is in wall time.
    Raises InvalidInput without a whole block.
    """
    if not rows or len(rows) % series.config.players:
        raise InvalidInput("rows", len(rows), f"use whole blocks of {series.config.players} games")
    plies = [row["plies"] for row in rows]
    seconds = sum(row["duration_s"] for row in rows)
    return {
        "config": series.config.key,
        "seed": series.seed,
        "opening_plies": series.opening_plies,
        "games": len(rows),
        "blocks": len(rows) // series.config.players,
        "capped": sum(row["capped"] for row in rows),
        "mean_plies": sum(plies) / len(rows),
        "games_per_s": len(rows) / seconds,
        "victories": dict(Counter(row["victory"] for row in rows if row["victory"]).most_common()),
        "players": [_player_summary(series, rows, player) for player in range(len(series.players))],
        "effort": [_effort(series, rows, player) for player in range(len(series.players))],
        "gate": _gate_summary(series, rows),
        "game_hashes": [row["game_hash"] for row in rows],
    }


def _player_summary(series: Series, rows: Sequence[Row], player: int) -> dict[str, Any]:
    seats, who = series.config.players, series.players[player]
    found = standing(_scores(series, rows, player))
    return {
        "player": player + 1,
        "spec": series.specs[player],
        "label": who.label,
        "key": who.key,
        "participant": who.to_dict(),
        "seats": sum(owner(series, 0, seat) == player for seat in range(seats)),
        "games": len(rows),
        "wins": sum(owner(series, row["game_index"], row["winner"] - 1) == player for row in rows if row["winner"]),
        "capped": sum(row["capped"] for row in rows),
        "score": found.mean,
        "interval": [found.low, found.high],
        "elo": found.elo,
        "elo_interval": [found.elo_low, found.elo_high],
    }


def _effort(series: Series, rows: Sequence[Row], player: int) -> dict[str, Any]:
    cpu_s, decisions = 0.0, 0
    for row in rows:
        for seat in range(series.config.players):
            if owner(series, row["game_index"], seat) == player:
                cpu_s += row["cpu_s"][seat]
                decisions += row["decisions"][seat]
    each = 1000 * cpu_s / decisions if decisions else None
    return {"player": player + 1, "decisions": decisions, "cpu_ms_per_decision": each}


def _scores(series: Series, rows: Sequence[Row], player: int) -> list[float]:
    seats = series.config.players
    return [block_score(series, rows[start : start + seats], player) for start in range(0, len(rows), seats)]


def _gate_summary(series: Series, rows: Sequence[Row]) -> dict[str, Any] | None:
    if series.gate is None:
        return None
    verdict = judge_blocks(_scores(series, rows, 0), series.gate, players=series.config.players)
    about = asdict(verdict) | {"elo_interval": list(verdict.elo_interval)}
    del about["llr_path"]  # it is in the evidence
    return {"params": asdict(series.gate), "bounds": [series.gate.lower, series.gate.upper], "verdict": about}


def gate_evidence(series: Series, rows: Sequence[Row]) -> dict[str, Any]:
    """Evidence of a gate that has ended, as `ringrift gate verify` reads it.

    Raises InvalidInput where `evidence` does, so for a game that stands in two blocks.
    """
    if series.gate is None:
        raise InvalidInput("gate", None, problem="the series has no gate")
    seats = series.config.players
    first, second = series.players
    return evidence(
        purpose="match",
        pool=series.config.key,
        candidate=_entrant(first),
        opponent=_entrant(second),
        gate=series.gate,
        openings=[str(row["seed"]) for row in rows[::seats]],
        games=gate_games(rows, seats),
    )


def _entrant(player: Participant) -> Entrant:
    hashes = {"profile": player.profile_hash, "model": player.model, "value_model": player.value_model}
    return Entrant(key=player.key, hashes={name: value for name, value in hashes.items() if value})
