"""`ringrift bench network`: speed of encoding, of networks of several sizes in torch, and of training.

Then of the value network, alone and in a search. On the CPU a figure is of one thread and its CPU time; networks on a
GPU are measured in wall time, since they compute beside the processor.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from ringrift.bench.players import search_speed
from ringrift.bench.report import Measure, report
from ringrift.config import Config
from ringrift.gamesets.random_games import random_games
from ringrift.network.encoder import Encoder
from ringrift.network.model import Architecture, Inference, PolicyValueNet, parameters_of
from ringrift.network.tensors import net_inputs
from ringrift.network.training.loop import choose_device
from ringrift.network.training.losses import losses_of
from ringrift.network.training.rows import Batches, make_rows
from ringrift.network.training.window import WindowShape, select_window
from ringrift.network.value.model import ValueModel
from ringrift.players.participant import participant
from ringrift.players.search.value_net import ValueNetwork, judge_states
from ringrift.rules.geometry import board

SIZES = (Architecture(2, 32), Architecture(4, 64), Architecture(6, 64))
BATCH, TRAINING_BATCH, GAMES = 64, 256, 20
GPU_BATCH = 1024  # at which a GPU has enough to do
SEARCH_DIFFICULTY = 5


def rate(work: Callable[[], object], units: int, seconds: float, device: str = "cpu") -> float:
    """Units a second of `work`, which does `units` of them, called for about `seconds`: of CPU time, or on a GPU of
    wall time until the last result is there.
    """
    clock = time.process_time if device == "cpu" else time.perf_counter
    work()
    _finish(device)
    begin, done = clock(), 0
    while (spent := clock() - begin) < seconds:
        work()
        _finish(device)
        done += units
    return done / spent


def _finish(device: str) -> None:
    """Wait for what the GPU was told to do."""
    if device != "cpu":
        getattr(torch, device).synchronize()


def bench_network(
    config: Config, seconds: float, step: Callable[[str], None], device: str = "cpu"
) -> dict[str, object]:
    """The report; `step` is called with the name of each part as it begins.

    Policy-value networks run on `device` (cpu, cuda, mps, auto). Raises InvalidInput if it is not there.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _bench(config, seconds, step, choose_device(device).type)
    finally:
        torch.set_num_threads(threads)


def _bench(config: Config, seconds: float, step: Callable[[str], None], device: str) -> dict[str, object]:
    step("games")
    rows = make_rows(select_window([random_games(config, GAMES)], config, WindowShape()).games, config)
    batches, encoder = Batches(rows), Encoder(config.board)
    states = rows.snapshots[np.random.default_rng(0).integers(len(rows.snapshots), size=BATCH)]
    many = rows.snapshots[np.random.default_rng(0).integers(len(rows.snapshots), size=GPU_BATCH)]
    sizes = (states[:1], states) if device == "cpu" else (states[:1], states, many)
    chosen = np.random.default_rng(1).integers(len(rows), size=TRAINING_BATCH)
    step("encoding")
    measures = [
        Measure(f"{config.key}.encode.positions_per_s", rate(lambda: encoder.states(states), BATCH, seconds), "1/s"),
        Measure(f"{config.key}.replay.rows_per_s", rate(lambda: batches.make(chosen), TRAINING_BATCH, seconds), "1/s"),
    ]
    lines = []
    for size in SIZES:
        step(f"{size}")
        lines.append(
            {"network": str(size), "device": device, **_speeds(size, encoder, batches, sizes, chosen, seconds, device)}
        )
        for name, value in lines[-1].items():
            if isinstance(value, float):
                measures.append(Measure(f"{config.key}.{size}.{name}", value, "1/s"))
    step("value network")
    return report("network", lines, measures + _value_speeds(config, states, seconds))


def _value_speeds(config: Config, states: np.ndarray, seconds: float) -> list[Measure]:
    """Positions a second of a value network of random weights, and of minimax without and with it."""
    torch.manual_seed(0)
    network = ValueNetwork("0" * 64, config, ValueModel(config).tensors())
    b, net, out = board(config.board), network.net(), np.empty((len(states), config.players), dtype=np.float32)
    alone = rate(lambda: judge_states(b, states, net, out), len(states), seconds)
    measures = [Measure(f"{config.key}.value.positions_per_s", alone, "1/s")]
    plain = participant("minimax", config, SEARCH_DIFFICULTY)
    for name, player in (("minimax", plain), ("minimax_value", replace(plain, value_model=network.weights))):
        search_speed(config, player, 0.0, values={network.weights: network})  # loads the kernels
        spent, taken = search_speed(config, player, seconds, values={network.weights: network})
        measures.append(Measure(f"{config.key}.{name}.positions_per_s", spent / taken, "1/s"))
    return measures


def _speeds(
    size: Architecture,
    encoder: Encoder,
    batches: Batches,
    sizes: Sequence[np.ndarray],
    chosen: np.ndarray,
    seconds: float,
    device: str,
) -> dict[str, str | int | float | None]:
    """Parameters, positions a second at each batch of `sizes`, and rows a second of training."""
    net = PolicyValueNet(size).to(device)
    infer, found = Inference(net).eval(), {}
    for states in sizes:
        inputs = [part.to(device) for part in net_inputs(encoder.states(states))]
        with torch.inference_mode():
            speed = rate(lambda: infer(*inputs), len(states), seconds, device)  # noqa: B023
        found[f"torch_{len(states)}.positions_per_s"] = speed
    optimizer = torch.optim.AdamW(net.train().parameters())

    def learn() -> None:
        batch = batches.make(chosen)
        optimizer.zero_grad()
        inputs = (part.to(device) for part in net_inputs(batch.encoded))
        losses_of(net(*inputs), batch, device).total().backward()
        optimizer.step()

    return {
        "parameters": parameters_of(net),
        **found,
        "training.rows_per_s": rate(learn, TRAINING_BATCH, seconds, device),
    }
