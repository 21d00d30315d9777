"""`ringrift bench ladder`: each available rung of the ladder against the one below it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from math import ceil
from multiprocessing import get_context
from typing import Any, NamedTuple

from ringrift.bench.report import Measure, report
from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.matches.play import play_rows
from ringrift.play.series import game_plan
from ringrift.play.summary import Series, block_score
from ringrift.players.ladder import available, rung
from ringrift.stats.intervals import standing

SCORE_BAR = 0.5  # a rung that scores no more than this is none
MAIN_CONFIG, MAIN_GAMES = "square8_2p", 200
OTHER_GAMES, OTHER_TOP = 40, 4


class Pair(NamedTuple):
    """A rung against the one below, in blocks of all seat rotations of one opening."""

    config: Config
    difficulty: int
    below: int
    blocks: int


def pairs(configs: Sequence[Config], games: int | None, top: int | None) -> Iterator[Pair]:
    """The pairs of adjacent rungs; without `games` and `top` the documented ones of each config."""
    for config in configs:
        main = config.key == MAIN_CONFIG
        wanted = games or (MAIN_GAMES if main else OTHER_GAMES)
        highest = top or (10 if main else OTHER_TOP)
        there = [difficulty for difficulty in available(config) if difficulty <= highest]
        for below, difficulty in pairwise(there):
            yield Pair(config, difficulty, below, ceil(wanted / config.players))


def _series(pair: Pair) -> Series:
    specs = (f"D{pair.difficulty}", f"D{pair.below}")
    players = [rung(pair.difficulty, pair.config), rung(pair.below, pair.config)]
    return Series(config=pair.config, specs=specs, players=players, blocks=pair.blocks)


def _play_block(pair: Pair, block: int) -> tuple[float, float, int]:
    """(score of the upper rung, seconds, plies) of one block."""
    series = _series(pair)
    seats = pair.config.players
    rows = list(play_rows(game_plan(series), range(block * seats, (block + 1) * seats)))
    return block_score(series, rows, 0), sum(row["duration_s"] for row in rows), sum(row["plies"] for row in rows)


def bench_ladder(
    configs: Sequence[Config] | None = None,
    games: int | None = None,
    top: int | None = None,
    workers: int = 1,
    progress: Callable[[str], None] = lambda text: None,
    found: Callable[[dict[str, Any]], None] = lambda row: None,
) -> dict[str, Any]:
    """The benchmark's report: one row and one measure (score of the upper rung, bar 0.5) for each pair of rungs.

    `configs` default to the nine of the pipeline, `games` a pair to 200 on square8_2p and 40 elsewhere, `top` to the
    highest available rung on square8_2p and D4 elsewhere. Intervals are 95 %, over blocks. `found` hears each row as it
    is there: the whole takes an hour or more.
    """
    chosen = [parse_config(key) for key in CONFIG_KEYS] if configs is None else configs
    rows, measures = [], []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for pair in pairs(chosen, games, top):
            name = f"{pair.config.key}.D{pair.difficulty}_over_D{pair.below}"
            progress(name)
            played = list(pool.map(_play_block, [pair] * pair.blocks, range(pair.blocks), chunksize=2))
            measured = standing([score for score, _, _ in played])
            count = pair.blocks * pair.config.players
            player = rung(pair.difficulty, pair.config)
            row = {
                "config": pair.config.key,
                "rung": f"D{pair.difficulty}",
                "engine": player.engine,
                "budget": player.budget or None,
                "randomness": player.randomness,
                "below": f"D{pair.below}",
                "games": count,
                "score": measured.mean,
                "low": measured.low,
                "high": measured.high,
                "plies/game": sum(plies for _, _, plies in played) / count,
                "s/game": sum(seconds for _, seconds, _ in played) / count,
            }
            rows.append(row)
            found(row)
            measures.append(Measure(f"{name}.score", measured.mean, "share", SCORE_BAR))
    return report("ladder", rows, measures)
