"""Fixtures of the asset tests: a tiny pipeline on hex8, and one call that runs the graph for a partition."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from resources.runner.events import JobEvent
from resources.runtime import Runtime
from resources.store.home import Home
from resources.store.locks import locked
from resources.store.partition_keys import open_iteration, partition_key
from resources.store.record import NewVersion, Record
from ringrift import names
from ringrift.gamesets.digest import content_digest
from ringrift.gamesets.shards import write_shard
from ringrift_assets.assets import ASSETS
from ringrift_assets.definitions import COLLECT
from ringrift_assets.runs.iteration import run_iteration
from ringrift_assets.steps.checks import CHECKS
from tests.resources.model_makers import put_no_model, put_record
from tests.resources.sample_contents import sample

CONFIG = "hex8_2p"
PIPELINE = """
configs: [hex8_2p]
selfplay:
  min_games: 6
  chunk_games: 4
  jobs:
    - {name: hex8_2p_random, config: hex8_2p, engine: random-only, games: 6}
    - {name: hex8_2p_heuristic, config: hex8_2p, engine: heuristic-only, games: 3, difficulty: 2}
    - {name: hex8_2p_nn, config: hex8_2p, engine: nn-only, games: 5}
search: {decision_ms: 0.5}
evaluation:
  anchor_blocks: 1
  matchups:
    - {first: Heuristic_D2, second: Heuristic_D3, config: hex8_2p, games: 3}
    - {first: Heuristic_D5, second: NN_D6, config: hex8_2p, games: 4}
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
cmaes: {population: 4, games_per_evaluation: 4, generations: {hex8_2p: 1}, replicas: 1, proofs: 1, panel: []}
gate: {max_blocks: 16}
tiers: {ladder: [D2]}  # at the top, so that no tier match is played
training: {min_games: {hex8_2p: 1000}, epochs: {hex8_2p: 1}}
polling: {first_s: 0.1, interval_s: 0.3}
retry: {base_delay_s: 0.05}
"""
MATCH_GAMES = 4 + 12
PLAYED, SKIPPED = 9, "hex8_2p_nn"


@dataclass
class Graph:
    """The graph over one home. `events` are those of all jobs so far."""

    home: Home
    pipeline: Path
    instance: dg.DagsterInstance
    events: list[JobEvent] = field(default_factory=list)

    def runtime(self) -> Runtime:
        return Runtime(self.home, self.pipeline, listener=self.events.append)

    def run(
        self,
        iteration: int = 0,
        assets: Sequence[str] = COLLECT,
        runtime: Runtime | None = None,
        **options: Any,
    ) -> dg.ExecuteInProcessResult:
        """Materialize some assets of one partition; a failure is in the result."""
        open_iteration(self.instance, iteration)
        config = {"ops": {name: {"config": options} for name in assets if options and name != "incumbent"}}
        return dg.materialize(
            [*ASSETS, *CHECKS],
            partition_key=partition_key(CONFIG, iteration),
            instance=self.instance,
            selection=dg.AssetSelection.assets(*assets),
            resources={"runtime": runtime or self.runtime()},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config},
            raise_on_error=False,
        )

    def record(self, asset: str, iteration: int = 0) -> Record:
        return self.runtime().store.need(asset, CONFIG, iteration)

    def started(self) -> list[str]:
        return [event.job for event in self.events if event.kind == "started"]

    def start(self, iteration: int = 0) -> None:
        """What the matches of an iteration are made from, quickly: an untuned profile, and no model."""
        assert self.run(iteration, ["incumbent"]).success
        store = self.runtime().store
        put_record(
            store, names.HEURISTIC_PROFILES, CONFIG, iteration, untuned(self.record("incumbent", iteration).data)
        )
        put_no_model(store, iteration, CONFIG)

    def put_games(self, iteration: int, games: pa.Table) -> None:
        """Store a game set as the selfplay games of an iteration, as if it had been played."""
        store, key = self.runtime().store, ("selfplay_games", CONFIG, iteration)
        with store.claim(*key, run="test"), store.draft(*key) as folder:
            write_shard(folder / "games.parquet", games)
            new = NewVersion(
                code_version="test",
                content_digest=content_digest(games),
                inputs_digest="0" * 64,
                rows=games.num_rows,
                data=sample(names.SELFPLAY_GAMES),
                provenance={},
            )
            store.commit(folder, *key, new, allow_fewer_rows=True)


def untuned(incumbent: dict[str, Any]) -> dict[str, Any]:
    """What heuristic_profiles holds where no candidate was proved better than the incumbent's profile."""
    profile = {name: incumbent[name] for name in ("profile", "profile_hash", "profile_weights")}
    nothing = {"source": "incumbent", "fitness": None, "proof": None, "over": None, "promoted": False, "metadata": {}}
    return sample(names.HEURISTIC_PROFILES, **profile, **nothing)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def failed(result: dg.ExecuteInProcessResult) -> set[str]:
    """The checks that did not pass, but for the word that the tiny pipelines have too few games for a model."""
    return {name for name, check in checks(result).items() if not check.passed} - {"enough_games"}


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    [event] = [event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The words of the step that failed."""
    from ringrift_assets.runs.iteration import _error

    assert not result.success
    return _error(result) or ""


@pytest.fixture
def graph_of(tmp_path: Path) -> Iterator[Callable[[Home], Graph]]:
    """Makes graphs over homes, all with the tiny pipeline."""
    path = tmp_path / "pipeline.yaml"
    path.write_text(PIPELINE)
    instances: list[dg.DagsterInstance] = []

    def make(home: Home) -> Graph:
        instances.append(dg.DagsterInstance.ephemeral())
        return Graph(home, path, instances[-1])

    yield make
    for instance in instances:
        instance.dispose()


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Graph], None]) -> Home:
    """A home that is built by the first of all test processes that needs it. Copy it, do not touch it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    home, done = Home(folder / "home"), folder / "done"
    with locked(folder.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            home.prepare()
            (folder / "pipeline.yaml").write_text(PIPELINE)
            with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
                patch.setenv("RINGRIFT_HOME", str(home.root))
                build(Graph(home, folder / "pipeline.yaml", instance))
            done.touch()
    return home


@pytest.fixture(scope="session")
def played_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which iterations 0 and 1 have played."""

    def build(graph: Graph) -> None:
        assert all(graph.run(iteration).success for iteration in (0, 1))

    return built_once(tmp_path_factory, "played", build)


@pytest.fixture
def played(home: Home, played_home: Home, graph_of: Callable[[Home], Graph]) -> Graph:
    """The graph over a copy of that home."""
    shutil.copytree(played_home.root, home.root, dirs_exist_ok=True)
    return graph_of(home)


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the whole iterations 0 and 1 were run, one after the other, as `ringrift run` does it."""

    def build(graph: Graph) -> None:
        for iteration in (0, 1):
            [outcome] = run_iteration([CONFIG], iteration, graph.pipeline, graph.home)
            assert outcome.ok and set(outcome.reused.values()) == {False}, outcome.error

    return built_once(tmp_path_factory, "finished", build)


@pytest.fixture
def finished(home: Home, finished_home: Home, graph_of: Callable[[Home], Graph]) -> Graph:
    """The graph over a copy of that home."""
    shutil.copytree(finished_home.root, home.root, dirs_exist_ok=True)
    return graph_of(home)


@pytest.fixture
def graph(home: Home, graph_of: Callable[[Home], Graph]) -> Graph:
    return graph_of(home)
