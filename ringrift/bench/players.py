"""`ringrift bench players`: speed of the heuristic player, and its score against random play."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from ringrift.bench.report import Measure, report
from ringrift.config import CONFIG_KEYS, Config
from ringrift.players.match import MatchGame, play_match_game
from ringrift.players.registry import Participant, participant
from ringrift.rules.game import ranking_of
from ringrift.rules.geometry import BOARDS

SCORE_BAR = 0.95  # of the nine pipeline configs; hex8 is for experiments and has none
GAMES = {"square8": 200}
OTHER_GAMES = 40  # games against random play on the larger boards and hex8
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


def bench_players(
    configs: Sequence[Config] = ALL_CONFIGS,
    seconds: float = 1.0,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The benchmark's report: the heuristic without randomness (difficulty 7) on each config.

    `seconds` of CPU time of play against itself, then games against random players: 200 on square8, 40 on the
    other boards, the same at every call.
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
    return report("players", rows, measures)
