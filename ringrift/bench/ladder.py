"""`ringrift bench ladder`: each available rung of the ladder against the one below it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from ringrift.bench.report import Measure, report
from ringrift.config import CONFIG_KEYS, Config, parse_config
from ringrift.matches.play import play_rows
from ringrift.play.player_text import EXPORT_PREFIX, load_networks, load_values, profiles_of, read_player
from ringrift.play.series import game_plan
from ringrift.play.summary import Series, block_score
from ringrift.players.ladder import available, rung
from ringrift.players.participant import Participant
from ringrift.stats.intervals import standing

SCORE_BAR = 0.5  # a rung that scores no more than this is none
MAIN_CONFIG, MAIN_GAMES = "square8_2p", 200
OTHER_GAMES, OTHER_TOP = 40, 4


class Pair(NamedTuple):
    """A rung against the one below, in blocks of all seat rotations of one opening.

    `champion` is the player's text of the exported champion that plays the highest rungs, None without one.
    """

    config: Config
    difficulty: int
    below: int
    blocks: int
    champion: str | None = None


def pairs(
    configs: Sequence[Config], games: int | None, top: int | None, champion: Path | None = None, bottom: int = 1
) -> Iterator[Pair]:
    """The pairs of adjacent rungs from `bottom` on; without `games` and `top` the documented ones of each config.

    `champion` is the folder of an exported champion: its config's rungs then go up to D10.
    """
    for config in configs:
        text = f"{EXPORT_PREFIX}{champion}" if champion else None
        main = config.key == MAIN_CONFIG
        wanted = games or (MAIN_GAMES if main else OTHER_GAMES)
        highest = top or (10 if main or champion else OTHER_TOP)
        player = read_player(text, config) if text else None
        there = [difficulty for difficulty in available(config, player) if bottom <= difficulty <= highest]
        for below, difficulty in pairwise(there):
            yield Pair(config, difficulty, below, ceil(wanted / config.players), text)


def _player(pair: Pair, difficulty: int) -> Participant:
    champion = read_player(pair.champion, pair.config) if pair.champion else None
    profiles = profiles_of([pair.champion], pair.config) if pair.champion else {}
    return rung(difficulty, pair.config, profiles, champion)


def _series(pair: Pair) -> Series:
    """The series of a pair; the champion's text brings its network and profile, whoever plays."""
    players = [_player(pair, difficulty) for difficulty in (pair.difficulty, pair.below)]
    specs = [pair.champion or f"D{pair.difficulty}", f"D{pair.below}"]
    return Series(config=pair.config, specs=specs, players=players, blocks=pair.blocks)


def _play_block(pair: Pair, block: int) -> tuple[float, float, int]:
    """(score of the upper rung, seconds, plies) of one block."""
    series = _series(pair)
    seats = pair.config.players
    networks, values = load_networks(series.specs, pair.config), load_values(series.specs, pair.config)
    indices = range(block * seats, (block + 1) * seats)
    rows = list(play_rows(game_plan(series), indices, evaluators=networks, values=values))
    return block_score(series, rows, 0), sum(row["duration_s"] for row in rows), sum(row["plies"] for row in rows)


def bench_ladder(
    configs: Sequence[Config] | None = None,
    games: int | None = None,
    top: int | None = None,
    workers: int = 1,
    champion: Path | None = None,
    bottom: int = 1,
    progress: Callable[[str], None] = lambda text: None,
    found: Callable[[dict[str, Any]], None] = lambda row: None,
) -> dict[str, Any]:
    """The benchmark's report: one row and one measure (score of the upper rung, bar 0.5) for each pair of rungs.

    `configs` default to the nine of the pipeline, `games` a pair to 200 on square8_2p and 40 elsewhere, `top` to the
    highest available rung on square8_2p and with a `champion` (a folder that `models export` wrote) and D4 elsewhere;
    `bottom` is the lowest rung that plays. Intervals are 95 %, over blocks. `found` hears each row as it
    is there: the whole takes an hour or more.
    """
    chosen = [parse_config(key) for key in CONFIG_KEYS] if configs is None else configs
    rows, measures = [], []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for pair in pairs(chosen, games, top, champion, bottom):
            name = f"{pair.config.key}.D{pair.difficulty}_over_D{pair.below}"
            progress(name)
            played = list(pool.map(_play_block, [pair] * pair.blocks, range(pair.blocks), chunksize=2))
            measured = standing([score for score, _, _ in played])
            count = pair.blocks * pair.config.players
            player = _player(pair, pair.difficulty)
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
