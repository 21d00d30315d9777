"""Players as people write them, and series of games between computer players, with what came out of them.

A series is played in blocks of all seat rotations from one opening, as matches are (`tournament`): player 1 sits in
seat `game index % seats`, the others follow in order, and the last one given fills the seats that are left. Openings
are balanced (`openings`). Equal seed and players give the equal games.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.game_job import GamePlan, PlannedGame, play_rows
from ringrift.gating import Entrant, Gate, decide, evidence, gate_games
from ringrift.network.files import ModelCard, card_path, load_card
from ringrift.network.value_files import load_value_network
from ringrift.openings import opening_seeds
from ringrift.players import benchmarks
from ringrift.players.ladder import DIFFICULTIES, rung
from ringrift.players.match import ValueNetworks, play_match_game
from ringrift.players.registry import ENGINES, NETWORK_DIFFICULTY, Participant, participant
from ringrift.players.weights import PROFILES, find_profile, profile_hash
from ringrift.ratings import game_scores
from ringrift.rules.record import read_options
from ringrift.standing import standing
from ringrift.tournament import DEFAULT_OPENING_PLIES

if TYPE_CHECKING:
    from ringrift.network.inference import Evaluator

JOB, SOURCE = "play", "tournament"  # how the rows of played games name their origin
HUMAN, MODEL_PREFIX, VALUE_MARK = "human", "model:", "+value:"
_BUDGET = re.compile(r"@\d+$")
DEFAULT_DIFFICULTY = 5
RUNGS = tuple(f"D{n}" for n in DIFFICULTIES)
PROFILE_PREFIX = "heuristic_v1_"  # may be left out in a player's text

Row = dict[str, Any]  # a row of a game set, see games.make_row, with what play_rows adds of the players' effort

# --- players as text ----------------------------------------------------------------------------------------


def read_player(text: str, config: Config) -> Participant | None:
    """The player a text names, None for a human.

    `engine`, `engine:difficulty`, `D5` (a rung of the ladder), `B4` (a benchmark) or `human`; behind it `@N` sets the
    budget (positions or simulations a decision) and `/profile` the weights. A minimax or descent player with
    `+value:FILE` at the end has its positions judged by the value network in a .safetensors file. `model:FILE` plays
    with the policy network in a file, `model:FILE@N` with N simulations. Raises InvalidInput, with what is allowed and
    the nearest known name, and MissingInput if there is no such file.
    """
    if text.startswith(MODEL_PREFIX):
        return _network_player(text, config)
    player, judge = _plain_player(text.partition(VALUE_MARK)[0], config), value_file(text)
    if judge is None:
        return player
    if player is None:
        raise InvalidInput("player", text, "a human judges positions without a file")
    return replace(player, value_model=_card_of(judge, text, config).weights)


def _plain_player(text: str, config: Config) -> Participant | None:
    base, *rest = re.split(r"(?=[:@/])", text)
    parts = {part[0]: part[1:] for part in rest}
    if len(parts) < len(rest):
        raise InvalidInput("player", text, _allowed(base))
    if base == HUMAN and not parts:
        return None
    player = _base_player(text, base, parts.get(":"), config)
    if "/" in parts:
        player = _with_profile(player, parts["/"], text)
    if "@" in parts:
        player = _with_budget(player, parts["@"], text)
    return player


def model_file(text: str) -> Path | None:
    """The file that a player's text `model:FILE` or `model:FILE@N` names, None for other players."""
    if not text.startswith(MODEL_PREFIX):
        return None
    return Path(_BUDGET.sub("", text.removeprefix(MODEL_PREFIX)))


def value_file(text: str) -> Path | None:
    """The file that a player's text `...+value:FILE` names, None for other players."""
    _, mark, judge = text.partition(VALUE_MARK)
    return Path(judge) if mark and not text.startswith(MODEL_PREFIX) else None


def _network_player(text: str, config: Config) -> Participant:
    path, budget = model_file(text), _BUDGET.search(text)
    assert path is not None
    card = _card_of(path, text, config)
    simulations = _number(budget[0][1:], text) if budget else None
    return participant("gumbel", config, NETWORK_DIFFICULTY, budget=simulations, model=card.weights)


def _card_of(path: Path, text: str, config: Config) -> ModelCard:
    card = load_card(card_path(path))
    if card.config != config.key:
        raise InvalidInput("player", text, f"its network is of {card.config}, the games are {config.key}")
    return card


def load_networks(specs: Sequence[str], config: Config) -> "dict[str, Evaluator]":
    """The networks of players' texts by weights hash. Raises MissingInput or InvalidInput naming the file."""
    files = [path for text in specs if (path := model_file(text))]
    if not files:
        return {}
    from ringrift.network.inference import load_evaluator

    return {evaluator.weights: evaluator for evaluator in (load_evaluator(path, config) for path in files)}


def load_values(specs: Sequence[str], config: Config) -> ValueNetworks:
    """The value networks of players' texts by weights hash. Raises MissingInput or InvalidInput naming the file."""
    files = [path for text in specs if (path := value_file(text))]
    return {network.weights: network for network in (load_value_network(path, config) for path in files)}


def _base_player(text: str, base: str, difficulty: str | None, config: Config) -> Participant:
    if base in ENGINES and not ENGINES[base].network:
        usual = 1 if base == "random" else DEFAULT_DIFFICULTY
        return participant(base, config, usual if difficulty is None else _number(difficulty, text))
    if difficulty is None and base in RUNGS:
        return rung(int(base[1:]), config)
    if difficulty is None and base in benchmarks.BENCHMARKS:
        return benchmarks.benchmark(base, config)
    raise InvalidInput("player", text, _allowed(base))


def _allowed(base: str) -> str:
    engines = [name for name, engine in ENGINES.items() if not engine.network]
    names = (*engines, *RUNGS, *benchmarks.BENCHMARKS, HUMAN)
    near = difflib.get_close_matches(base, names, n=1, cutoff=0)[0]
    return (
        f"use ENGINE or ENGINE:DIFFICULTY with {', '.join(engines)} and 1 to 11, {RUNGS[0]} to {RUNGS[-1]}, "
        f"{', '.join(benchmarks.BENCHMARKS)}, model:FILE.safetensors or {HUMAN}, then @BUDGET, /PROFILE or "
        f"{VALUE_MARK}FILE.safetensors; "
        f"the nearest known name is {near!r}"
    )


def _number(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidInput("player", text, f"{digits!r} is no number; write for example heuristic:5 or descent:6@5000")
    return int(digits)


def _with_profile(player: Participant, name: str, text: str) -> Participant:
    if player.profile is None:
        raise InvalidInput("player", text, f"{player.engine} has no profile")
    full = name if name in PROFILES else PROFILE_PREFIX + name
    if full not in PROFILES:
        near = difflib.get_close_matches(full, PROFILES, n=1, cutoff=0)[0]
        raise InvalidInput("profile", name, f"use one of {', '.join(PROFILES)}; the nearest is {near!r}")
    return replace(player, profile=full, profile_hash=profile_hash(find_profile(full)))


def _with_budget(player: Participant, digits: str, text: str) -> Participant:
    if not ENGINES[player.engine].searches:
        raise InvalidInput("player", text, f"{player.engine} does not search, it has no budget")
    return replace(player, budget=_number(digits, text))


def with_ceiling(player: Participant | None, time_ms: int) -> Participant | None:
    """The player with a ceiling of CPU time a decision, in milliseconds, if it is one that searches."""
    if player is None or not ENGINES[player.engine].searches or player.model:
        return player  # a network's games are played in lock-step, with budgets only
    return replace(player, time_ms=time_ms)


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
    gate: Gate | None = None

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


def game_plan(series: Series) -> GamePlan:
    """The games of a series, in block order; game index = block * seats + the first player's seat."""
    config = series.config
    indices = range(series.blocks * config.players)
    options = read_options({}, config)
    seed_of = opening_seeds(config, series.seed, (JOB, config.key), plies=series.opening_plies, options=options)

    def game(index: int) -> PlannedGame:
        block, seat = divmod(index, config.players)
        seats = [series.players[owner(series, index, other)] for other in range(config.players)]
        return PlannedGame(seed_of(block), seats, key=("rotation", seat))

    return GamePlan(
        config=config,
        iteration=0,
        source=SOURCE,
        job=JOB,
        options=options,
        opening_plies=series.opening_plies,
        decision_cap=None,
        profiles={},
        participants=list(series.players),
        indices=indices,
        game=game,
    )


def warm_up(series: Series) -> None:
    """Load the kernels, so that no player's time is that of compiling."""
    anybody = participant("random", series.config, 1)
    play_match_game(series.config, [anybody] * series.config.players, 0, ["warm-up"], cap=0)
    if any(player.model for player in series.players):
        from ringrift.network.lockstep import compile_search

        compile_search()


def play_series(series: Series) -> Iterator[Row]:
    """Play a series, one row (games.make_row) a game as it is asked for; a gate ends after the block that decides."""
    plan, seats = game_plan(series), series.config.players
    rows: list[Row] = []

    def wanted() -> Iterator[int]:
        scores: list[float] = []
        for block in range(series.blocks):
            yield from plan.indices[block * seats : (block + 1) * seats]
            scores.append(block_score(series, rows[-seats:], 0))
            if series.gate and decide(scores, series.gate, players=seats).outcome != "continue":
                return

    networks, values = load_networks(series.specs, series.config), load_values(series.specs, series.config)
    for row in play_rows(plan, wanted(), evaluators=networks, values=values, ahead=plan.indices, timed=True):
        rows.append(row)
        yield row


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
    verdict = decide(_scores(series, rows, 0), series.gate, players=series.config.players)
    about = asdict(verdict) | {"elo_interval": list(verdict.elo_interval)}
    del about["llr_path"]  # it is in the evidence
    return {"params": asdict(series.gate), "bounds": [series.gate.lower, series.gate.upper], "verdict": about}


def gate_evidence(series: Series, rows: Sequence[Row]) -> dict[str, Any]:
    """Evidence of a gate that has ended, as `ringrift gate verify` reads it.

    Raises InvalidInput where `gating.evidence` does, so for a game that stands in two blocks.
    """
    if series.gate is None:
        raise InvalidInput("gate", None, "the series has no gate")
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
