"""`ringrift bench players`: speed of the heuristic player, and its score against random play."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ringrift import names
from ringrift.bench.engine import cold_compile_cpu_s
from ringrift.bench.report import Measure, report
from ringrift.boards import BOARDS
from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.matches.plan import GamePlan, PlannedGame
from ringrift.matches.play import play_rows
from ringrift.players.engines import ENGINES
from ringrift.players.match import MatchGame, play_match_game
from ringrift.players.participant import Participant, participant
from ringrift.players.seats import ValueNetworks
from ringrift.rules.game import ranking_of
from ringrift.rules.position_json import read_options

SCORE_BAR = 0.95  # of the nine pipeline configs; hex8 is for experiments and has none
GAMES = {"square8": 200}
OTHER_GAMES = 40  # games against random play on the larger boards and hex8
MAIN_CONFIG = "square8_2p"
SPEED_BARS = {"minimax": 100_000.0, "mcts": 25_000.0, "descent": 100_000.0}  # of MAIN_CONFIG
BYTES_BARS = {"heuristic": 400.0, "mcts": 6_000.0}
COLD_COMPILE_BAR = 120.0
_COMPILE_PLAYERS = "from ringrift.cli.warmup import STEPS; STEPS['players']()"
ALL_CONFIGS = tuple(Config(name, n) for name in BOARDS for n in (2, 3, 4))


def score(game: MatchGame, seat: int) -> float:
    """Share of the opponents that `seat` out-ranked, ties half: 0 to 1; 0.5 in a game without a winner."""
    ranks = ranking_of(game.state)
    if ranks is None:
        return 0.5
    others = [rank for other, rank in enumerate(ranks) if other != seat]
    return sum(1.0 if ranks[seat] < rank else 0.5 * (ranks[seat] == rank) for rank in others) / len(others)


def score_against_random(config: Config, player: Participant, games: int, seed: int = 0) -> tuple[float, float]:
    """Mean score and share of wins of `player` at tables of random players, its seat rotating game by game."""
    random = participant("random", config, 1)
    total = wins = 0.0
    for index in range(games):
        seat = index % config.players
        table = [player if other == seat else random for other in range(config.players)]
        game = play_match_game(config, table, seed, ["bench", config.key, index])
        total += score(game, seat)
        wins += game.winner == seat
    return total / games, wins / games


def selfplay_speed(config: Config, player: Participant, seconds: float, seed: int = 0) -> tuple[int, int, float]:
    """Let `player` play itself for about `seconds` of CPU time. Returns (games, decisions, CPU seconds)."""
    games = decisions = 0
    begin = time.process_time()
    while (spent := time.process_time() - begin) < seconds:
        table = [player] * config.players
        decisions += play_match_game(config, table, seed, ["bench speed", config.key, games]).plies
        games += 1
    return games, decisions, spent


def search_speed(
    config: Config,
    player: Participant,
    seconds: float,
    seed: int = 0,
    values: ValueNetworks | None = None,
    cap: int | None = None,
) -> tuple[int, float]:
    """Let a searching `player` play itself for about `seconds` of CPU time, one game at least, of `cap` decisions.

    Returns (positions of minimax and descent or simulations of mcts, CPU seconds).
    """
    spent = games = 0
    begin = time.process_time()
    while True:
        game = play_match_game(
            config,
            [player] * config.players,
            seed,
            ["bench search", config.key, games],
            opening_plies=4,
            values=values,
            cap=cap,
        )
        spent += int(game.searched.spent[: game.plies].sum())
        games += 1
        if (taken := time.process_time() - begin) >= seconds:
            return spent, taken


def bytes_a_game(engine: str, games: int) -> float:
    """Bytes of a square8 game by `engine` in a game set of `games`, with search targets if it searches."""
    config = parse_config(MAIN_CONFIG)
    player = participant(engine, config, 5)
    plan = GamePlan(
        config=config,
        iteration=0,
        source="selfplay",
        job="bench",
        options=read_options({}, config),
        opening_plies=4,
        decision_cap=None,
        profiles={},
        participants=[player],
        indices=range(games),
        game=lambda index: PlannedGame(index, [player] * config.players),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, names.GAMES_FILE)
        write_shard(path, table_of(play_rows(plan, plan.indices)))
        return path.stat().st_size / games


def _bench_search(config: Config, engine: str, seconds: float) -> tuple[dict[str, Any], Measure]:
    """Row and measure of a searching engine at difficulty 7 in one config."""
    player = participant(engine, config, 7)
    spent, taken = search_speed(config, player, seconds)
    unit = ENGINES[engine].unit
    bar = SPEED_BARS.get(engine) if config.key == MAIN_CONFIG else None
    row = {"config": config.key, "engine": engine, "budget": player.budget, "unit": unit, "per s": spent / taken}
    return row, Measure(f"{config.key}.{engine}.{unit}_per_s", spent / taken, "1/s", bar)


def bench_players(
    configs: Sequence[Config] = ALL_CONFIGS,
    seconds: float = 1.0,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The benchmark's report: on each config the heuristic without randomness (difficulty 7), and the search players.

    `seconds` of CPU time of play against itself each, and games of the heuristic against random players: 200 on
    square8, 40 on the other boards, the same at every call. Then bytes a game and what compiling costs.
    """
    rows, measures = [], []
    for config in configs:
        progress(f"heuristic, {config.key}")
        player = participant("heuristic", config, 7)
        play_match_game(config, [player] * config.players, 0, ["warm-up"], cap=1)
        games, decisions, spent = selfplay_speed(config, player, seconds)
        against = GAMES.get(config.board, OTHER_GAMES)
        mean, wins = score_against_random(config, player, against)
        rows.append(
            {
                "config": config.key,
                "evaluation": "light" if player.light else "full",
                "moves/s": decisions / spent,
                "games/s": games / spent,
                "decisions/game": decisions / games,
                "games vs random": against,
                "score": mean,
                "wins": wins,
            }
        )
        prefix = f"{config.key}.heuristic"
        measures.append(Measure(f"{prefix}.moves_per_s", decisions / spent, "1/s"))
        measures.append(Measure(f"{prefix}.games_per_s", games / spent, "1/s"))
        measures.append(
            Measure(f"{prefix}.score_vs_random", mean, "share", SCORE_BAR if config.key in CONFIG_KEYS else None)
        )
        for engine in (name for name, row in ENGINES.items() if row.searches and not row.network):
            progress(f"{engine}, {config.key}")
            row, measure = _bench_search(config, engine, seconds)
            rows.append(row)
            measures.append(measure)
    progress("bytes a game")
    for engine, bar in BYTES_BARS.items():
        name = "bytes_per_game" if engine == "heuristic" else f"bytes_per_game_{engine}"
        measures.append(Measure(name, bytes_a_game(engine, 100), "bytes", bar, "lower"))
    progress("cold compile")
    measures.append(Measure("cold_compile_cpu_s", cold_compile_cpu_s(_COMPILE_PLAYERS), "s", COLD_COMPILE_BAR, "lower"))
    return report("players", rows, measures)
