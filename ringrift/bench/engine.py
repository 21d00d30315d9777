"""`ringrift bench engine`: speed of the rules engine in uniform random play, and what starting it costs."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from ringrift.bench.report import Measure, Row, report
from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.rules.advance import RANDOM
from ringrift.rules.game import Game, Workspace
from ringrift.rules.geometry import board
from ringrift.seeds import stream

SPEED_BARS = {"square8_2p": 250_000.0, "square19_2p": 80_000.0, "hexagonal_2p": 50_000.0}
COLD_COMPILE_BAR, WARM_START_BAR, TWO_PROCESS_BAR = 45.0, 3.0, 1.85
ALL_CONFIGS = tuple(Config(name, n) for name in BOARDS for n in (2, 3, 4))

# Prints the CPU seconds of a first move (compiling), or the wall seconds from interpreter start to it.
_FIRST_MOVE = "from ringrift.rules.game import Game; g = Game('square8_2p'); g.play(g.legal_moves()[0])"


def random_play(config: Config, seconds: float, seed: int = 0) -> tuple[int, int, float]:
    """Play uniform random games for about `seconds` of CPU time. Returns (games, decisions, CPU seconds)."""
    start = Game(config).state
    table = Workspace(board(config.board), stream(seed, "bench", config.key))
    codes = np.empty(config.decision_cap, dtype=np.uint32)
    state = start.copy()
    table.advance(state, codes, RANDOM)
    games = decisions = 0
    begin = time.process_time()
    while (spent := time.process_time() - begin) < seconds:
        state[:] = start
        decisions += table.advance(state, codes, RANDOM)[0]
        games += 1
    return games, decisions, spent


def _rate(seconds: float, seed: int) -> float:
    _, decisions, spent = random_play(Config("square8", 2), seconds, seed)
    return decisions / spent


def two_process_ratio(seconds: float) -> float:
    """Decisions per CPU second of two processes at once, over that of one alone."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_rate, (0.1, 0.1), (0, 1)))  # both processes have loaded the kernels
        alone = pool.submit(_rate, seconds, 0).result()
        return sum(pool.map(_rate, (seconds, seconds), (1, 2))) / alone


def cold_compile_cpu_s(code: str = _FIRST_MOVE) -> float:
    """CPU seconds of `code`, by default a first move, from an empty kernel cache in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return float(_python(f"import time; {code}; print(time.process_time())", NUMBA_CACHE_DIR=folder))


def warm_start_s() -> float:
    """Wall seconds from starting the interpreter to a first move with compiled kernels, best of three."""
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        _python(_FIRST_MOVE)
        best = min(best, time.perf_counter() - begin)
    return best


def _python(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    return done.stdout


def bench_engine(
    configs: Sequence[Config] = ALL_CONFIGS,
    seconds: float = 2.0,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The benchmark's report: `seconds` of CPU time a config, cold compile, warm start, two processes."""
    rows: list[Row] = []
    measures: list[Measure] = []
    for config in configs:
        progress(f"random play, {config.key}")
        games, decisions, spent = random_play(config, seconds)
        rate = decisions / spent
        rows.append(
            {
                "config": config.key,
                "games": games,
                "decisions/game": decisions / games,
                "decisions/s": rate,
                "games/s": games / spent,
            }
        )
        measures.append(Measure(f"{config.key}.decisions_per_s", rate, "1/s", SPEED_BARS.get(config.key)))
        measures.append(Measure(f"{config.key}.games_per_s", games / spent, "1/s"))
    progress("two processes")
    measures.append(Measure("two_process_ratio", two_process_ratio(seconds), "x", TWO_PROCESS_BAR))
    progress("warm start")
    measures.append(Measure("warm_start_s", warm_start_s(), "s", WARM_START_BAR, "lower"))
    progress("cold compile")
    measures.append(Measure("cold_compile_cpu_s", cold_compile_cpu_s(), "s", COLD_COMPILE_BAR, "lower"))
    return report("engine", rows, measures)
