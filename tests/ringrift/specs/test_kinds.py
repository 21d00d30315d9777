"""What follows from a job's kind and parameters: its files, its games, and what its host must have."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from resources.hosts.requirements import JOB_BYTES, MIB, OTHER_BYTES, SAFETY, DiskPolicy
from ringrift import kinds
from ringrift.config import parse_config
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile, ModelFile
from ringrift.jobs.worker import job_kinds
from ringrift.planning.incumbent import Champion, baseline_incumbent
from ringrift.planning.jobs import MatchTerms, match_job, round_robin_job, search_job, train_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import SelfplayInputs, plan_jobs
from ringrift.planning.tuning import import_candidate, search_params
from ringrift.players.heuristic.profiles import BALANCED, PROFILES
from ringrift.players.ladder import rung
from ringrift.players.participant import participant
from ringrift.players.search.leaf_values import SCALE
from ringrift.specs.kinds import PARAMS, inputs_of, params_of, planned_games
from ringrift.specs.noop import NoopParams
from ringrift.specs.openings import SPREAD
from ringrift.specs.store_jobs import RATE_VERSION, RateParams, ResultsParams, VerifyParams, match_input
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse

CONFIG = parse_config("square8_3p")
PLAYERS = [rung(difficulty, CONFIG) for difficulty in (2, 3, 4)]
FILE, OTHER, THIRD = (InputFile(path=f"{c}.parquet", sha256=c * 64) for c in "abc")
MODEL = ModelFile(weights="d" * 64, path="models/d.safetensors", sha256="e" * 64)
TERMS = MatchTerms(config=CONFIG, iteration=0, root_seed=1)
RATING = {
    "version": RATE_VERSION,
    "config": CONFIG.key,
    "iteration": 0,
    "games": [FILE, OTHER],
    "known": {},
    "anchor": "a",
    "frozen": [],
    "elo_start": 1500.0,
    "elo_k": 32.0,
}


def chunk(engine: str = "random-only", model: ModelFile | None = None) -> JobSpec:
    champion = model and Champion(participant("gumbel", CONFIG, 9, model=model.weights), model)
    jobs = [{"name": "a", "config": CONFIG.key, "games": 5, "engine": engine}]
    pipeline = parse(Pipeline, {"selfplay": {"jobs": jobs}}, "test")
    [spec] = plan_jobs(pipeline, CONFIG, 0, SelfplayInputs(incumbent=baseline_incumbent(champion=champion))).jobs
    return spec


def training(start: InputFile | None = None, kind: str = "policy_value") -> JobSpec:
    pipeline = parse(Pipeline, {"training": {"kind": kind}}, "test")
    return train_job(pipeline, CONFIG.key, 0, [FILE], parent="f" * 64 if start else None, start=start)


def search() -> JobSpec:
    pipeline = parse(Pipeline, {"cmaes": {"generations": {CONFIG.key: 2}}}, "test")
    return search_job(search_params(pipeline, CONFIG, 0, BALANCED, PROFILES[BALANCED])[0])


def match(**options) -> JobSpec:
    return match_job(TERMS, "m", PLAYERS[0], PLAYERS[1], **options)


def round_robin() -> JobSpec:
    return round_robin_job(TERMS, "m", PLAYERS, [(0, 1, 2), (2, 1, 0)])


def spec_of(params) -> JobSpec:
    return params.spec(asset="a", config=CONFIG.key, iteration=0, name="n")


def unknown(**params: object) -> JobSpec:
    return JobSpec(asset="a", config=CONFIG.key, iteration=0, name="n", kind="rewrite", params=params)


def results(stored: InputFile | None = None) -> JobSpec:
    content = {"matches": [match_input(match(blocks=1), [FILE, OTHER], None)]} | ({"stored": stored} if stored else {})
    return spec_of(ResultsParams(config=CONFIG.key, iteration=0, **content))


def verification() -> JobSpec:
    return spec_of(VerifyParams(config=CONFIG.key, games=FILE, more=[OTHER], earlier=[THIRD]))


def test_every_kind_of_job_has_its_parameters_here_and_in_its_own_file(monkeypatch):
    monkeypatch.setattr(kinds, "__path__", [str(Path(kinds.__file__).parent)])  # without those that other tests add
    ours = {kind: params for kind, params in PARAMS.items() if params.__module__.startswith("ringrift.")}
    assert set(ours) == set(job_kinds())
    for kind, params in ours.items():
        assert importlib.import_module(f"ringrift.kinds.{kind}").Params is params


def test_planning_and_the_list_of_kinds_load_nothing_heavy():
    program = (
        "import sys; from ringrift.planning import matches, selfplay, tuning; from ringrift.specs import kinds; "
        "from ringrift.jobs import worker; worker.hello(); "
        "print(sorted({'numba', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_bound_of_openings_is_a_fifth_of_the_scale_of_the_evaluation():
    assert SPREAD == 0.2 * SCALE


@pytest.mark.parametrize(
    ("spec", "games"),
    [
        (chunk(), 5),
        (match(blocks=4), 12),
        (match(gate=SequentialTest(max_blocks=20)), 60),
        (round_robin(), 6),
    ],
    ids=["selfplay", "match", "gate", "round robin"],
)
def test_a_job_that_plays_brings_the_games_of_its_own_plan_at_most(spec, games):
    module = importlib.import_module(f"ringrift.kinds.{spec.kind}")
    assert planned_games(spec) == games == len(module.game_plan(params_of(spec)).indices)


@pytest.mark.parametrize(
    "spec",
    [
        training(),  # its architecture has `blocks`
        search(),
        verification(),  # `games` is a file
        spec_of(RateParams(**RATING)),
        results(),
        spec_of(NoopParams()),
        unknown(games=8),
        unknown(blocks=8),
    ],
    ids=lambda spec: f"{spec.kind} {spec.name}",
)
def test_any_other_job_brings_none_and_gets_the_space_of_one_that_reads_files(spec):
    assert planned_games(spec) is None
    assert DiskPolicy(floor_bytes=0).needed(spec) == JOB_BYTES + int(SAFETY * OTHER_BYTES) == 196 * MIB


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        (chunk(), []),
        (chunk("nn-only", MODEL), [MODEL]),
        (training(), [FILE]),
        (training(OTHER), [FILE, OTHER]),
        (training(OTHER, "value"), [FILE]),
        (results(THIRD), [FILE, OTHER, THIRD]),
        (verification(), [FILE, OTHER, THIRD]),
        (spec_of(RateParams(**RATING)), [FILE, OTHER]),
        (unknown(games={"path": "a", "sha256": "a" * 64}), []),
    ],
    ids=["selfplay", "network", "training", "child", "value child", "results", "verify", "rate", "unknown"],
)
def test_a_job_names_every_file_that_it_reads(spec, files):
    assert inputs_of(spec) == files


def test_a_spec_holds_what_the_planner_gave_and_reads_back_as_the_same_parameters():
    assert results().params["matches"][0] == {
        "kind": "tournament",
        "params": match(blocks=1).params,
        "shards": [FILE.model_dump(), OTHER.model_dump()],
        "purpose": None,
    }
    assert "stored" not in results().params and training().params["parent"] is None
    for spec in (
        chunk("nn-only", MODEL),
        training(),
        training(kind="value"),
        search(),
        match(gate=SequentialTest()),
        results(),
        verification(),
    ):
        params = params_of(spec)
        assert params is not None and params.content() == spec.params


def test_bad_parameters_are_refused_with_their_field():
    spec = training().model_copy(update={"params": {**training().params, "held_out_share": 2}})
    with pytest.raises(InvalidInput, match="params of train: held_out_share"):
        inputs_of(spec)


def profile_names(folder, *names: str, board: str | None = None) -> str:
    """A file of trained profiles with these names, the first by board in its metadata if there is one."""
    path, weights = folder / "elsewhere.json", {"WEIGHT_MOBILITY": 1.25}
    about = {names[0]: {"board": board}} if board else {}
    content = {"version": 1, "profiles": dict.fromkeys(names, weights), "training_metadata": about}
    path.write_text(json.dumps(content))
    return str(path)


def test_a_profile_named_by_players_alone_is_a_candidate_of_its_configs(tmp_path):
    path = profile_names(tmp_path, "heuristic_v1_3p", board="square8")
    found = import_candidate(path, parse_config("square8_3p"))
    assert found and found["weights"]["WEIGHT_MOBILITY"] == 1.25
    assert import_candidate(path, parse_config("hexagonal_3p")) is None, "its metadata name another board"
    assert import_candidate(path, parse_config("square8_2p")) is None
    assert import_candidate(profile_names(tmp_path, "heuristic_v1_3p"), parse_config("hexagonal_3p"))


def test_an_import_file_without_a_profile_of_any_config_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no profile of a config among mine; name it heuristic_v1_sq8_3p"):
        import_candidate(profile_names(tmp_path, "mine"), CONFIG)
