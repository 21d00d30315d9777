"""How many games a job brings home follows from its kind, whatever `games` and `blocks` mean to other kinds."""

import pytest

from resources.hosts.requirements import JOB_BYTES, MIB, OTHER_BYTES, SAFETY, DiskPolicy
from ringrift.config import parse_config
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.worker import JOB_KINDS
from ringrift.kinds import match as tournament
from ringrift.kinds import round_robin, selfplay
from ringrift.planning.jobs import match_job, round_robin_job, search_job, train_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import plan_jobs
from ringrift.planning.tuning import search_params
from ringrift.players.heuristic.profiles import BALANCED, PROFILES
from ringrift.players.ladder import rung
from ringrift.specs.match import MatchParams
from ringrift.specs.planned_games import GAMES_OF, planned_games
from ringrift.specs.round_robin import RoundRobinParams
from ringrift.specs.selfplay import SelfplayParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse

CONFIG = parse_config("square8_3p")
PLAYERS = [rung(difficulty, CONFIG) for difficulty in (2, 3, 4)]
FILE = {"path": "games.parquet", "sha256": "0" * 64}
MATCH = {"config": CONFIG.key, "iteration": 0, "match": "m", "first": PLAYERS[0], "second": PLAYERS[1], "root_seed": 1}
TABLES = [(0, 1, 2), (2, 1, 0)]


def chunk() -> JobSpec:
    jobs = [{"name": "a", "config": CONFIG.key, "games": 5, "engine": "random-only"}]
    [spec] = plan_jobs(parse(Pipeline, {"selfplay": {"jobs": jobs}}, "test"), CONFIG, 0).jobs
    return spec


def training() -> JobSpec:
    return train_job(parse(Pipeline, {"training": {"blocks": 4}}, "test"), CONFIG.key, 0, [FILE])


def search() -> JobSpec:
    pipeline = parse(Pipeline, {"cmaes": {"generations": {CONFIG.key: 2}}}, "test")
    return search_job(search_params(pipeline, CONFIG, 0, BALANCED, PROFILES[BALANCED])[0])


def spec_of(kind: str, **params: object) -> JobSpec:
    return JobSpec(asset="a", config=CONFIG.key, iteration=0, name="n", kind=kind, params=params)


def test_every_kind_of_job_says_whether_it_brings_games_home():
    assert set(GAMES_OF) == set(JOB_KINDS)


@pytest.mark.parametrize(
    ("spec", "games", "module", "params"),
    [
        (chunk(), 5, selfplay, SelfplayParams),
        (match_job(**MATCH, blocks=4), 12, tournament, MatchParams),
        (match_job(**MATCH, gate=SequentialTest(max_blocks=20)), 60, tournament, MatchParams),
        (
            round_robin_job(config=CONFIG, iteration=0, match="m", entrants=PLAYERS, tables=TABLES, root_seed=1),
            6,
            round_robin,
            RoundRobinParams,
        ),
    ],
    ids=["selfplay", "match", "gate", "round robin"],
)
def test_a_job_that_plays_brings_the_games_of_its_own_plan_at_most(spec, games, module, params):
    assert planned_games(spec) == games == len(module.game_plan(parse(params, spec.params, "test")).indices)


@pytest.mark.parametrize(
    "spec",
    [
        training(),  # `blocks` of the network
        search(),
        spec_of("verify", games=FILE, earlier=[]),
        spec_of("rate", games=[FILE]),
        spec_of("match_results", matches=[]),
        spec_of("noop"),
        spec_of("rewrite", games=8),  # kinds that nobody knows
        spec_of("rewrite", blocks=8),
    ],
    ids=lambda spec: f"{spec.kind} {spec.name}",
)
def test_any_other_job_brings_none_and_gets_the_space_of_one_that_reads_files(spec):
    assert planned_games(spec) is None
    assert DiskPolicy(floor_bytes=0).needed(spec) == JOB_BYTES + int(SAFETY * OTHER_BYTES) == 196 * MIB
