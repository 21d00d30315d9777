"""`ringrift bench players --rates FILE`: how fast searches are, for budgets that take equal CPU time."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ringrift.bench.players import search_speed
from ringrift.bench.report import Measure, Row, machine, report
from ringrift.bench.selfplay import random_network
from ringrift.config import Config
from ringrift.files import write_json
from ringrift.network.lockstep import GameStart, Lockstep
from ringrift.planning.pipeline import Training
from ringrift.planning.rates import network_rate_key, rate_key
from ringrift.players.engines import ENGINES, NETWORK_DIFFICULTY, NETWORK_ENGINE, default_budget, light_default
from ringrift.players.match import play_match_game
from ringrift.players.participant import Participant, participant
from ringrift.players.search.value_net import ValueNetwork, shapes_of
from ringrift.rules.geometry import board

DIFFICULTY = 5  # its budgets take some milliseconds a decision
DECISIONS = 100  # of a game that are played: on the large boards a whole one takes minutes
SPREAD = 0.02  # of random weights: a network of much larger ones has opinions no trained one has
WEIGHTS = "0" * 64  # stands for the hash of random weights


class Search(NamedTuple):
    """A search to measure: what its rate is of, and the player, None for the policy-value network."""

    key: str
    player: Participant | None


def searches(config: Config) -> list[Search]:
    """The searches of a config: each engine plain and with a value network, finishing turns fully and lightly."""
    found = {}
    for engine in (name for name, row in ENGINES.items() if row.judged):
        plain = participant(engine, config, DIFFICULTY, randomness=0.0)
        for value in (False, True):
            for quick in (False,) if light_default(config.board) else (False, True):
                key = rate_key(engine, config, value=value, light_finish=quick)
                found[key] = replace(plain, value_model=WEIGHTS if value else None, light_finish=quick)
    shape = Training()
    return [*(Search(*entry) for entry in found.items()), Search(network_rate_key(shape.blocks, shape.channels), None)]


def bench_rates(
    configs: Sequence[Config], seconds: float, out: Path, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """The benchmark's report; its rates, in positions or simulations a CPU second, are written to `out`.

    Each search plays itself for about `seconds` of CPU time, the first DECISIONS of a game. Networks have random
    weights: a trained one costs the same a position.
    """
    rates: dict[str, dict[str, float]] = {}
    rows: list[Row] = []
    measures: list[Measure] = []
    for config in configs:
        values = {WEIGHTS: random_value_network(config)}
        found = rates.setdefault(config.key, {})
        for key, player in searches(config):
            progress(f"{key}, {config.key}")
            if player is None:
                rate = _network_rate(config, seconds)
            else:
                play_match_game(config, [player] * config.players, 0, ["warm-up"], cap=1, values=values)
                spent, taken = search_speed(config, player, seconds, seed=1, values=values, cap=DECISIONS)
                rate = spent / taken
            found[key] = float(f"{rate:.3g}")
            rows.append({"config": config.key, "search": key, "per s": found[key]})
            measures.append(Measure(f"{config.key}.{key.replace(' ', '_')}.per_s", found[key], "1/s"))
    about = {name: value for name, value in machine().items() if value is not None}
    write_json(out, {"machine": about, "rates": rates})
    return report("rates", rows, measures)


def random_value_network(config: Config) -> ValueNetwork:
    """A value network of random weights."""
    rng = np.random.default_rng(0)
    shapes = shapes_of(board(config.board).cells, config.players)
    tensors = {name: (rng.standard_normal(shape) * SPREAD).astype(np.float32) for name, shape in shapes.items()}
    return ValueNetwork(WEIGHTS, config, tensors)


def _network_rate(config: Config, seconds: float) -> float:
    """Simulations a CPU second of the documented policy-value network, some games side by side."""
    shape, budget = Training(), default_budget(NETWORK_ENGINE, NETWORK_DIFFICULTY)
    with tempfile.TemporaryDirectory(prefix="ringrift-bench-") as folder:
        evaluator = random_network(shape.blocks, shape.channels, Path(folder))
        player = participant(NETWORK_ENGINE, config, NETWORK_DIFFICULTY, model=evaluator.weights)
        table = Lockstep(config, {evaluator.weights: evaluator}, width=evaluator.games, budgets=[budget])
        number = 0
        begin, before = time.process_time(), 0
        for warming in (True, False):
            begin, before = time.process_time(), table.evaluations
            while (taken := time.process_time() - begin) < (seconds / 10 if warming else seconds):
                while table.free:
                    table.start(GameStart(number, number, [player] * config.players, (number,), (number,)))
                    number += 1
                table.step()
        return (table.evaluations - before) / taken
