"""Compiling every kernel ahead of its first use."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from ringrift.kernels import cache_dir


def _engine() -> None:
    from ringrift.rules.game import Game

    game = Game("square8_2p")
    game.play(game.legal_moves()[0])


def _players() -> None:
    from ringrift.config import Config
    from ringrift.players.match import play_match_game
    from ringrift.players.participant import participant

    random = participant("random", Config("square8", 2), 1)
    play_match_game(Config("square8", 2), [random, random], 0, ["warmup"], cap=1)


def _openings() -> None:
    from ringrift.players.heuristic.appraise import seat_values
    from ringrift.rules.game import Game

    seat_values(Game("square8_2p").state)


def _network() -> None:
    import numpy as np

    from ringrift.config import Config
    from ringrift.gamesets.random_games import random_games
    from ringrift.network.training.rows import Batches, make_rows

    config = Config("square8", 2)
    Batches(make_rows(random_games(config, 1), config)).make(np.zeros(1, dtype=np.int64))


def _network_search() -> None:
    from ringrift.network.lockstep import compile_search

    compile_search()


STEPS: dict[str, Callable[[], None]] = {
    "rules engine": _engine,
    "players": _players,
    "openings": _openings,
    "network": _network,
    "network search": _network_search,
}


def warm_up(step: Callable[[str], None]) -> None:
    """Compile all kernels, calling `step` with the name of each part as it begins."""
    for name, compile_part in STEPS.items():
        step(f"compiling {name}")
        compile_part()
    if cache_dir().is_dir():
        _mark().touch()


def is_warm() -> bool:
    """Whether everything was compiled once on this machine, so that `warm_up` takes seconds."""
    return _mark().is_file()


def _mark() -> Path:
    """A file that is made when everything is compiled. Numba keeps the kernels of each checkout apart."""
    return cache_dir() / f"warm-{hashlib.sha256(__file__.encode()).hexdigest()[:8]}"
