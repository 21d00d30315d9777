"""`ringrift bench memory`: the largest resident memory of one worker, by kind of job, board and size of network.

Each job runs as `python -m ringrift.jobs.worker run` in a process of its own, below a small one that asks the system
for the peak. What a network plays is cut off after a few decisions and a training is stopped after its first epoch:
what they hold no longer grows then.
"""

import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ringrift.bench.report import Measure, report
from ringrift.bench.selfplay import ARCHITECTURES
from ringrift.boards import BOARDS
from ringrift.config import Config
from ringrift.jobs import contract
from ringrift.jobs.contract import JobSpec, file_sha256
from ringrift.jobs.directory import read_state
from ringrift.jobs.inputs import InputFile, ModelFile, input_file
from ringrift.planning.incumbent import Champion, baseline_incumbent
from ringrift.planning.jobs import MatchTerms, match_job, train_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import SelfplayInputs, plan_jobs
from ringrift.planning.tuning import search_params
from ringrift.players.benchmarks import anchor
from ringrift.players.engines import NETWORK_DIFFICULTY, NETWORK_ENGINE
from ringrift.players.heuristic.profiles import BALANCED, PROFILES
from ringrift.players.ladder import rung
from ringrift.players.participant import participant
from ringrift.specs.store_jobs import RATE_VERSION, RateParams
from ringrift.strict import parse

GAMES, HELD_OUT, BLOCKS = 100, 5, 200  # games to train on and to judge by; pairs of games to rate
WINDOW_ROWS = 250_000  # the documented replay window
ROWS_AN_EPOCH = 768  # decisions, of which those without a choice and those of held-out games are no rows
NETWORK_GAMES, NETWORK_DECISIONS = 16, 8  # as many games at once as a processor judges; decisions of each
SEARCH_DECISIONS = 40
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes of one ru_maxrss


def peak_mb(home: Path, spec: JobSpec, *, first_epoch: bool = False) -> float:
    """Largest resident memory in MB (10^6 bytes) of the worker of a job, whose folder is made in `home`.

    With `first_epoch` the worker is told to stop at its first sign of progress. Raises RuntimeError if it ends
    otherwise than it should.
    """
    folder = home / spec.job_id
    (folder / contract.OUT).mkdir(parents=True)
    (folder / contract.SPEC).write_text(spec.canonical())
    command = [sys.executable, "-c", PEAK, sys.executable, "-m", "ringrift.jobs.worker", "run", str(folder)]
    environment = {**os.environ, "RINGRIFT_HOME": str(home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        told = False
        while process.poll() is None:
            time.sleep(0.1)
            messages = folder / contract.MESSAGES
            if first_epoch and not told and messages.is_file() and '"progress"' in messages.read_text():
                state = read_state(folder)
                assert state is not None  # it has sent messages
                os.kill(state.pid, signal.SIGTERM)
                told = True
        assert process.stdout is not None
        peak = int(process.stdout.read())
    state = read_state(folder)
    if state is None or state.status not in ("done", *(["cancelled"] if told else [])):
        raise RuntimeError(f"{spec.job_id}: {state.error if state else 'the worker did not start'}")
    return peak * UNIT / 1e6


def random_games(home: Path, config: Config, games: int) -> tuple[list[InputFile], int]:
    """Game sets of random play as a job wants them named, and their decisions in all."""
    from ringrift.gamesets.shards import read_shard

    found, plies = [], 0
    for spec in plan(config, "random-only", games):
        peak_mb(home, spec)
        for path in sorted((home / spec.job_id / contract.OUT).glob("*.parquet")):
            found.append(input_file(home, path))
            plies += sum(read_shard(path)["plies"].to_pylist())
    return found, plies


def plan(config: Config, mode: str, games: int, model: ModelFile | None = None) -> list[JobSpec]:
    """The chunks of a selfplay job of one engine mode, as the pipeline plans it; `model` is the champion's network."""
    job = {"name": "bench", "config": config.key, "games": games, "engine": mode}
    champion = None
    if model is not None:
        player = participant(NETWORK_ENGINE, config, NETWORK_DIFFICULTY, model=model.weights)
        champion = Champion(player, model)
    inputs = SelfplayInputs(incumbent=baseline_incumbent(champion=champion))
    return plan_jobs(parse(Pipeline, {"selfplay": {"jobs": [job]}}, "bench"), config, 0, inputs).jobs


def random_model(home: Path, config: Config, blocks: int, channels: int) -> ModelFile:
    """A network of random weights with its card, in `home`."""
    import torch

    from ringrift.network.card import POLICY_VALUE, ModelCard, save_card, save_weights, weights_hash
    from ringrift.network.layout import ENCODER_VERSION
    from ringrift.network.model import Architecture, PolicyValueNet
    from ringrift.network.tensors import weights_of
    from ringrift.rules.replay import RULES_VERSION

    torch.manual_seed(0)
    weights = weights_of(PolicyValueNet(Architecture(blocks, channels)))
    path = home / f"{blocks}x{channels}.safetensors"
    save_weights(path, weights)
    card = ModelCard(
        kind=POLICY_VALUE,
        architecture={"blocks": blocks, "channels": channels},
        encoder=ENCODER_VERSION,
        rules_version=RULES_VERSION,
        config=config.key,
        iteration=0,
        weights=weights_hash(weights),
        seed=0,
        window={},
        training={},
        metrics={},
        code_version="bench",
    )
    save_card(path.with_suffix(".json"), card)
    return ModelFile(weights=card.weights, path=path.name, sha256=file_sha256(path))


def training(
    config: Config, games: Sequence[InputFile], rows: int, held_out_share: float, size: tuple[int, int] | None = None
) -> JobSpec:
    """A training with the documented batch and window, of a value network or of a tower of `size` (blocks, channels).

    An epoch has a whole batch or more.
    """
    epochs = max(1, rows // ROWS_AN_EPOCH)
    numbers: dict[str, Any] = {
        "kind": "policy_value" if size else "value",
        "max_row_uses": 1,
        "device": "cpu",
        "held_out_share": held_out_share,
        "epochs": {config.key: epochs},
        "value": {"max_row_uses": 1, "epochs": epochs},
    }
    if size:
        numbers |= {"blocks": size[0], "channels": size[1]}
    return train_job(parse(Pipeline, {"training": numbers}, "bench"), config.key, 0, games)


def with_cap(spec: JobSpec, decisions: int) -> JobSpec:
    """The job, with games that are cut off after so many decisions."""
    return spec.model_copy(update={"params": {**spec.params, "decision_cap": decisions}})


def rating(home: Path, config: Config) -> JobSpec:
    """A rating of real games, which are played now: the anchor against the second rung."""
    first, second = anchor(config), rung(2, config)
    match = match_job(MatchTerms(config=config, iteration=0, root_seed=1), "bench", first, second, blocks=BLOCKS)
    peak_mb(home, match)
    params = RateParams(
        version=RATE_VERSION,
        config=config.key,
        iteration=0,
        games=[input_file(home, path) for path in sorted((home / match.job_id / contract.OUT).glob("*.parquet"))],
        known={first.key: "anchor", second.key: "D2"},
        anchor=first.key,
        frozen=[],
        elo_start=1500.0,
        elo_k=32.0,
    )
    return params.spec(asset="bench", config=config.key, iteration=0, name="rate")


def bench_memory(configs: Sequence[Config], progress: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """The benchmark's report: MB of one worker for each kind of job, in this order. Warm the kernels before."""
    rows: list[dict[str, Any]] = []
    for config in configs:
        progress(config.key)
        with tempfile.TemporaryDirectory(prefix="ringrift-bench-") as home:
            for job, peak in _peaks(Path(home), config):
                rows.append({"config": config.key, "job": job, "MB": round(peak)})
    measures = [Measure(f"{row['config']}.{row['job']}", row["MB"], "MB", better="lower") for row in rows]
    return report("memory", rows, measures)


def _peaks(home: Path, config: Config) -> Iterator[tuple[str, float]]:
    """What is measured of a config, and its MB."""
    for mode in ("heuristic-only", "descent-only"):
        [spec] = plan(config, mode, 1)
        yield f"selfplay {mode}", peak_mb(home, spec)
    yield "cmaes", peak_mb(home, _search(config))
    if not BOARDS[config.board].light:  # elsewhere the games to rate take long; only their number counts
        yield f"rate, {BLOCKS * config.players} games", peak_mb(home, rating(home, config))
    games, plies = random_games(home, config, GAMES)
    yield "train value", peak_mb(home, training(config, games, plies, HELD_OUT / GAMES), first_epoch=True)
    for shape in ARCHITECTURES:
        size = "x".join(map(str, shape))
        [spec] = plan(config, "nn-only", NETWORK_GAMES, random_model(home, config, *shape))
        yield f"selfplay nn-only {size}", peak_mb(home, with_cap(spec, NETWORK_DECISIONS))
        spec = training(config, games, plies, HELD_OUT / GAMES, shape)
        yield f"train {size}", peak_mb(home, spec, first_epoch=True)
    many = math.ceil(WINDOW_ROWS * GAMES / plies)
    games, plies = random_games(home, config, many)
    for name, last in (("value", None), (size, ARCHITECTURES[-1])):
        spec = training(config, games, plies, HELD_OUT / many, last)
        yield f"train {name}, {WINDOW_ROWS} rows", peak_mb(home, spec, first_epoch=True)


def _search(config: Config) -> JobSpec:
    """One small generation of a search from the default weights."""
    from ringrift.planning.jobs import search_job

    numbers = {"cmaes": {"population": 4, "games_per_evaluation": 2, "replicas": 1, "generations": {config.key: 1}}}
    [params] = search_params(parse(Pipeline, numbers, "bench"), config, 0, BALANCED, PROFILES[BALANCED])
    return search_job(params.model_copy(update={"decision_cap": SEARCH_DECISIONS}))
