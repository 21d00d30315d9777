"""`ringrift bench selfplay`: games a core-hour of each engine mode, and how near network play is to bare inference.

Bare inference is the same evaluator on batches that the games themselves asked for, in turns with the games in one run.
All times are CPU times of this process.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ringrift.bench.report import Measure, report
from ringrift.config import Config, parse_config
from ringrift.jobs.inputs import ModelFile
from ringrift.kinds.selfplay import game_plan
from ringrift.matches.plan import GamePlan
from ringrift.matches.play import play_rows
from ringrift.network.encoding import Encoded
from ringrift.network.evaluator import Evaluator, Judged, OnnxEvaluator, export_onnx, load_evaluator
from ringrift.network.lockstep import GameStart, Lockstep
from ringrift.planning.incumbent import Champion, baseline_incumbent
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import SelfplayInputs, plan_jobs
from ringrift.players.engines import NETWORK_DIFFICULTY, NETWORK_ENGINE, NETWORK_MODE, available_engine_modes
from ringrift.players.participant import participant
from ringrift.specs.selfplay import SelfplayParams
from ringrift.strict import parse

CONFIG = "square8_2p"
ARCHITECTURES = ((2, 32), (4, 64), (6, 64))  # blocks, channels
MAIN_ARCHITECTURE = "4x64"  # whose games stand for the mode nn-only
RATIO_BAR = 0.85  # from 4x64 on; a smaller network leaves the search a larger share
SMALL = {"2x32"}
TURN_S = 0.5  # CPU seconds of a turn of games or of bare inference
KEPT_BATCHES, KEEP_EVERY = 32, 37
MOST_GAMES = 200  # of a job's chunk


class NetworkSpeed(NamedTuple):
    """What games with one network came to, in CPU seconds."""

    games: int
    plies: int
    seconds: float
    evaluations: int
    calls: int
    network_s: float
    bare_per_s: float  # evaluations by the network alone

    @property
    def ratio(self) -> float:
        """Evaluations a second of the games, as a share of bare inference."""
        return self.evaluations / self.seconds / self.bare_per_s


class _Keeping:
    """An evaluator that keeps copies of some batches it judges, from all over the games: of their mean size, too."""

    def __init__(self, evaluator: Evaluator):
        self.weights, self.games = evaluator.weights, evaluator.games
        self.kept: list[Encoded] = []
        self._evaluator, self._calls = evaluator, 0

    def __call__(self, encoded: Encoded) -> Judged:
        if self._calls % KEEP_EVERY == 0:
            self.kept = [*self.kept[1 - KEPT_BATCHES :], Encoded(*(part.copy() for part in encoded))]
        self._calls += 1
        return self._evaluator(encoded)


def random_network(blocks: int, channels: int, folder: Path) -> Evaluator:
    """A network of random weights with so many blocks and channels, exported into `folder`."""
    import torch

    from ringrift.network.model import Architecture, PolicyValueNet

    torch.manual_seed(0)
    path = folder / f"{blocks}x{channels}.onnx"
    export_onnx(PolicyValueNet(Architecture(blocks, channels)), path)
    return OnnxEvaluator(path, f"{blocks:032x}{channels:032x}")


def network_speed(evaluator: Evaluator, games: int) -> NetworkSpeed:
    """Play `games` selfplay games with a network, in turns with its bare inference."""
    keeping = _Keeping(evaluator)
    plan = _plan(NETWORK_MODE, games, evaluator.weights)
    [player] = plan.participants
    table = Lockstep(
        plan.config,
        {evaluator.weights: keeping},
        width=evaluator.games,
        budgets=[player.budget],
        opening_plies=plan.opening_plies,
    )
    starts = (GameStart(i, p.seed, p.seats, p.key, p.opening_key) for i in plan.indices for p in [plan.game(i)])
    ended = plies = bare = 0
    seconds = bare_s = 0.0
    while ended < games:
        begin = time.process_time()
        while ended < games and time.process_time() - begin < TURN_S:
            while table.free and (start := next(starts, None)):
                table.start(start)
            for played in table.step():
                ended, plies = ended + 1, plies + played.game.plies
        seconds += time.process_time() - begin
        count, taken = _bare(evaluator, keeping.kept)
        bare, bare_s = bare + count, bare_s + taken
    return NetworkSpeed(ended, plies, seconds, table.evaluations, table.calls, table.network_s, bare / bare_s)


def _bare(evaluator: Evaluator, batches: Sequence[Encoded]) -> tuple[int, float]:
    """(evaluations, CPU seconds) of a turn of inference alone."""
    count, begin = 0, time.process_time()
    while (taken := time.process_time() - begin) < TURN_S:
        for batch in batches:
            evaluator(batch)
            count += len(batch.planes)
    return count, taken


def _plan(mode: str, games: int, weights: str) -> GamePlan:
    """The games of a selfplay job of one engine mode at the first tier, as the pipeline plans it."""
    job = {"name": "bench", "config": CONFIG, "games": games, "engine": mode}
    pipeline = parse(Pipeline, {"selfplay": {"jobs": [job]}}, "bench")
    champion = None
    if mode == NETWORK_MODE:
        player = participant(NETWORK_ENGINE, parse_config(CONFIG), NETWORK_DIFFICULTY, model=weights)
        champion = Champion(player, ModelFile(weights=weights, path="bench", sha256="0" * 64))
    [spec] = plan_jobs(
        pipeline, parse_config(CONFIG), 0, SelfplayInputs(incumbent=baseline_incumbent(champion=champion))
    ).jobs
    return game_plan(parse(SelfplayParams, spec.params, "bench"))


def mode_speed(mode: str, seconds: float) -> tuple[int, int, float]:
    """(games, plies, CPU seconds) of a mode without a network: whole games for about `seconds`, at least one."""
    plan = _plan(mode, MOST_GAMES, "")
    rows = play_rows(plan, plan.indices)
    games = plies = 0
    begin = time.process_time()
    while (taken := time.process_time() - begin) < seconds and (row := next(rows, None)):
        games, plies = games + 1, plies + row["plies"]
    return games, plies, taken


def _networks(model: Path | None, folder: Path) -> Iterator[tuple[str, Evaluator]]:
    if model is not None:
        from ringrift.network.card import card_path, load_card

        shape = load_card(card_path(model)).architecture
        yield f"{shape['blocks']}x{shape['channels']}", load_evaluator(model, Config("square8", 2))
        return
    for blocks, channels in ARCHITECTURES:
        yield f"{blocks}x{channels}", random_network(blocks, channels, folder)


def bench_selfplay(
    games: int = 32,
    seconds: float = 5.0,
    model: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The benchmark's report on square8_2p: `games` games with each network, `seconds` of each other mode.

    Without a `model` the networks have random weights, which costs as much as trained ones a position.
    """
    rows: list[Mapping[str, Any]] = []
    measures: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="ringrift-bench-") as folder:
        for name, evaluator in _networks(model, Path(folder)):
            progress(f"network {name}")
            network_speed(evaluator, 1)  # compiles
            found = network_speed(evaluator, games)
            hourly = 3600 * found.games / found.seconds
            rows.append(
                {
                    "plays": f"{NETWORK_MODE} {name}",
                    "games": found.games,
                    "plies/game": found.plies / found.games,
                    "games/core-hour": hourly,
                    "evaluations/s": found.evaluations / found.seconds,
                    "bare/s": found.bare_per_s,
                    "batch": found.evaluations / found.calls,
                }
            )
            bar = None if name in SMALL else RATIO_BAR
            measures.append(Measure(f"{name}.games_per_core_hour", hourly, "1/h"))
            measures.append(Measure(f"{name}.evaluations_per_s", found.evaluations / found.seconds, "1/s"))
            measures.append(Measure(f"{name}.inference_ratio", found.ratio, "share", bar))
            measures.append(Measure(f"{name}.network_time_share", found.network_s / found.seconds, "share"))
            if model is not None or name == MAIN_ARCHITECTURE:
                measures.append(Measure(f"{NETWORK_MODE}.games_per_core_hour", hourly, "1/h"))
    for mode in available_engine_modes():
        progress(mode)
        mode_speed(mode, 0.01)  # compiles
        count, plies, taken = mode_speed(mode, seconds)
        hourly = 3600 * count / taken
        rows.append({"plays": mode, "games": count, "plies/game": plies / count, "games/core-hour": hourly})
        measures.append(Measure(f"{mode}.games_per_core_hour", hourly, "1/h"))
    return report("selfplay", rows, measures)
