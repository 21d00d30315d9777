"""An iteration whose processes are killed at random moments has the result of one that nobody disturbed."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from resources.store.home import Home
from ringrift_assets.bench import chaos
from ringrift_assets.bench.chaos import Calm, bench_chaos, compare_games, run_calmly
from ringrift_assets.devtools.kills import Disturbance, workers

SMALLER = """
configs: [hex8_2p, hex8_3p]
selfplay:
  min_games: 1
  chunk_games: 30
  jobs:
    - {name: hex8_2p_heuristic, config: hex8_2p, engine: heuristic-only, games: 60, difficulty: 2}
    - {name: hex8_3p_heuristic, config: hex8_3p, engine: heuristic-only, games: 20, difficulty: 2}
evaluation:
  matchups: []
  round_robin: {players: [Random_D1, Heuristic_D2, Heuristic_D3, Heuristic_D7], blocks: 1}
  anchor_blocks: 1
search: {decision_ms: 0.5}
cmaes:
  {population: 4, games_per_evaluation: 2, replicas: 1, proofs: 1, panel: [],
   generations: {hex8_2p: 2, hex8_3p: 1}}
training: {value: {epochs: 2, max_row_uses: 1}, min_games: {hex8_2p: 30, hex8_3p: 1000}}
gate: {min_blocks: 2, max_blocks: 4}
tiers: {ladder: [D2]}
polling: {first_s: 0.1, interval_s: 0.3}
"""  # the jobs of the benchmark's iteration, each with fewer and shorter games


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chaos, "CONFIGS", ("hex8_2p", "hex8_3p"))
        patch.setattr(chaos, "PIPELINE", SMALLER)
        yield run_calmly(tmp_path_factory.mktemp("calm"))


@pytest.mark.slow
def test_three_kills_change_nothing_and_planted_games_are_caught(calm):
    result = bench_chaos(kills=3, seed=1, calm=calm)
    values = {measure["name"]: measure["value"] for measure in result["measures"]}
    assert values == {
        "kills": 3,
        "hash_equal": 1,
        "games_lost": 0,
        "games_duplicated": 0,
        "forged_caught_share": 1.0,
        "false_rejects": 0,
    }
    assert {row["victim"] for row in result["rows"]} == {"worker", "child", "run"}


@pytest.mark.slow
def test_kills_over_ssh_change_nothing_either(sshd, calm):
    result = bench_chaos(kills=4, seed=2, ssh=True, calm=calm)
    values = {measure["name"]: measure["value"] for measure in result["measures"]}
    assert (values["hash_equal"], values["games_lost"], values["games_duplicated"]) == (1, 0, 0)
    assert {row["victim"] for row in result["rows"]} == {"worker", "child", "run", "connection"}


def test_lost_and_duplicated_games_are_counted():
    games = [("selfplay_games", "square8_2p", "a", index, f"{index:016x}") for index in range(4)]
    assert compare_games(games, games[::-1]) == (0, 0)
    assert compare_games(games, games[1:]) == (1, 0)
    assert compare_games(games, [*games, games[2]]) == (0, 1)
    changed = (*games[0][:-1], "f" * 16)
    assert compare_games(games, [changed, *games[1:]]) == (1, 0)


def test_in_three_kills_each_kind_of_victim_has_its_turn():
    from ringrift_assets.devtools.kills import Kill

    disturbance = Disturbance(6, random.Random(1), (0.0, 1.0))
    seen = []
    while disturbance.left:
        seen.append(disturbance.next_victim())
        disturbance.killed(Kill(seen[-1], 1, 0.0))
    assert len(set(seen[:3])) == len(set(seen[3:])) == 3 and len(disturbance.done) == 6


def test_only_a_process_that_works_on_the_homes_own_job_is_taken_for_its_worker(tmp_path):
    home = Home(tmp_path)
    folder = tmp_path / "jobs-v1" / "job"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(f'{{"pid": {os.getpid()}}}')  # a number that a stranger has by now
    assert workers(home) == []
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(folder)])
    try:
        (folder / "state.json").write_text(f'{{"pid": {process.pid}}}')
        assert [found.pid for found in workers(home)] == [process.pid]
    finally:
        process.kill()
        process.wait()
