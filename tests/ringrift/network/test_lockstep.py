"""Games in lock-step: the same whatever plays beside them, in order, resumable; gates stop at the same block."""

import time
from dataclasses import replace

import pytest

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.gamesets.replay_check import verify_rows
from ringrift.gamesets.schema import CONTENT_COLUMNS, table_of
from ringrift.gamesets.shards import read_shard
from ringrift.jobs import contract
from ringrift.jobs.directory import read_manifest
from ringrift.jobs.worker import run_job
from ringrift.kinds.selfplay import game_plan
from ringrift.kinds.tournament import game_plan as match_plan
from ringrift.matches import shards
from ringrift.matches.blocks import block_scores, verdict_of
from ringrift.matches.models import evaluators_of
from ringrift.matches.plan import participant_name
from ringrift.matches.play import play_rows
from ringrift.network import evaluator as inference
from ringrift.network.evaluator import GAMES_AT_ONCE, load_evaluator
from ringrift.network.gumbel.memory import RECORDED
from ringrift.network.gumbel.targets import TARGET_SCALE
from ringrift.planning.incumbent import Champion, baseline_incumbent
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import SelfplayInputs, plan_jobs
from ringrift.players.participant import participant
from ringrift.specs.match import MatchParams
from ringrift.specs.selfplay import SelfplayParams
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import parse
from tests.ringrift.network.nets import save_model

SQUARE8 = Config("square8", 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def models(folder):
    return [save_model(folder / f"m{seed}.safetensors", SQUARE8, seed) for seed in (1, 2)]


@pytest.fixture(autouse=True)
def _home(folder, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(folder))
    monkeypatch.setattr(inference, "user_cache_dir", lambda app: str(folder / "cache"))


def networks(folder):
    found = [load_evaluator(folder / f"m{seed}.safetensors", SQUARE8) for seed in (1, 2)]
    return {evaluator.weights: evaluator for evaluator in found}


def terms(models, root_seed: int = 1) -> MatchTerms:
    return MatchTerms(config=SQUARE8, iteration=0, root_seed=root_seed, models=models)


def selfplay(models, games=6, **changes):
    job = {"name": "nn", "config": "square8_2p", "games": games, "engine": "nn-only", "difficulty": 1}
    pipeline = parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test")
    champion = Champion(participant("gumbel", SQUARE8, 9, model=models[0].weights), models[0])
    [spec] = plan_jobs(pipeline, SQUARE8, 3, SelfplayInputs(incumbent=baseline_incumbent(champion=champion))).jobs
    return spec.model_copy(update={"params": {**spec.params, "decision_cap": 60, **changes}})


def content(rows):
    return [{name: row[name] for name in CONTENT_COLUMNS} for row in rows]


def run_in(path, spec, shard=None):
    (path / contract.OUT).mkdir(parents=True)
    (path / contract.SPEC).write_text(spec.canonical())
    if shard is not None:
        (path / contract.OUT / shard.name).write_bytes(shard.read_bytes())
    assert run_job(path) == 0
    return read_manifest(path, spec.job_id)


def test_games_do_not_depend_on_the_games_beside_them(folder, models):
    plan = game_plan(parse(SelfplayParams, selfplay(models).params, "test"))
    nets = networks(folder)
    together = list(play_rows(plan, plan.indices, evaluators=nets))
    assert [row["game_index"] for row in together] == list(range(6))
    assert len({row["game_hash"] for row in together}) == 6
    alone = [row for index in plan.indices for row in play_rows(plan, [index], evaluators=nets)]
    assert content(alone) == content(together)
    good, bad = verify_rows(table_of(together), config=SQUARE8, options=plan.options)
    assert good.num_rows == 6 and not bad.num_rows


def test_a_quarter_of_the_decisions_is_searched_in_full_and_recorded(folder, models):
    plan = game_plan(parse(SelfplayParams, selfplay(models, games=10).params, "test"))
    assert plan.participants[0].full_share == 0.25 and plan.participants[0].temperature == 1.0
    rows = list(play_rows(plan, plan.indices, evaluators=networks(folder)))
    recorded = sum(len(row["search_plies"] or []) for row in rows)
    assert 0.1 < recorded / sum(row["plies"] - row["opening_plies"] for row in rows) < 0.4
    for row in rows:
        for shares in row["search_visits"] or []:
            assert shares == sorted(shares, reverse=True)
            assert len(shares) == RECORDED or sum(shares) == pytest.approx(TARGET_SCALE, abs=len(shares) / 2 + 20)


def test_a_job_that_goes_on_after_a_kill_makes_the_same_games(tmp_path, models, monkeypatch):
    monkeypatch.setattr(shards, "FLUSH_GAMES", 2)
    spec = selfplay(models)
    whole = run_in(tmp_path / "a", spec)
    assert whole.result["games"] == 6
    resumed = run_in(tmp_path / "b", spec, tmp_path / "a" / contract.OUT / whole.shards[0].name)
    assert resumed.result["content_digest"] == whole.result["content_digest"]
    assert resumed.result["played_now"] == 6 - whole.shards[0].rows


def test_networks_meet_each_other_and_players_without_one(folder, models):
    first, second = (participant("gumbel", SQUARE8, 9, model=model.weights, budget=4) for model in models)
    for rival in (second, participant("heuristic", SQUARE8, 2), participant("minimax", SQUARE8, 1, budget=20)):
        spec = match_job(terms(models), "m", first, rival, blocks=2)
        plan = match_plan(parse(MatchParams, spec.params, "test"))
        rows = list(play_rows(plan, plan.indices, evaluators=networks(folder)))
        assert [row["game_index"] for row in rows] == [0, 1, 2, 3]
        good, bad = verify_rows(table_of(rows), config=SQUARE8, options=plan.options)
        assert good.num_rows == 4 and not bad.num_rows
        assert rows[0]["moves"][:4] == rows[1]["moves"][:4] != rows[2]["moves"][:4]
        alone = [row for index in (3, 1) for row in play_rows(plan, [index], evaluators=networks(folder))]
        assert content(alone) == content([rows[3], rows[1]])


def test_the_time_of_a_network_goes_to_the_player_whose_it_is(folder, models):
    first, second = (participant("gumbel", SQUARE8, 9, model=model.weights, budget=4) for model in models)
    nets, busy, slept = networks(folder), [], []

    class Busy:
        weights, games = first.model, 2

        def __call__(self, encoded):
            begin = time.process_time()
            while time.process_time() - begin < 0.01:
                pass
            busy.append(time.process_time() - begin)
            return nets[self.weights](encoded)

    class Asleep:
        weights, games = second.model, 2

        def __call__(self, encoded):
            time.sleep(0.02)
            slept.append(0.02)
            return nets[self.weights](encoded)

    spec = match_job(terms(models), "m", first, second, blocks=1)
    plan = match_plan(parse(MatchParams, spec.params, "test"))
    for evaluators in (nets, {first.model: Busy(), second.model: Asleep()}):  # loaded and warm the second time
        rows = list(play_rows(plan, plan.indices, evaluators=evaluators, timed=True))
    seat = [row["participants"].index(participant_name(first)) for row in rows]
    ours = sum(row["cpu_s"][at] for row, at in zip(rows, seat, strict=True))
    theirs = sum(row["cpu_s"][1 - at] for row, at in zip(rows, seat, strict=True))
    assert ours >= sum(busy) > 0.1 and theirs < 0.5 * sum(slept)
    assert all(sum(row["decisions"]) == row["plies"] - row["opening_plies"] for row in rows)
    assert all(min(row["decisions"]) > 0 for row in rows)


def test_a_gate_stops_at_the_same_block_however_many_games_run_at_once(tmp_path, models, monkeypatch):
    candidate = participant("gumbel", SQUARE8, 9, model=models[0].weights, budget=2)
    gate = SequentialTest(min_blocks=2, max_blocks=8)
    spec = match_job(terms(models, 2), "gate", candidate, participant("random", SQUARE8, 1), gate=gate)
    digests = set()
    for width in (1, 3, 16):
        monkeypatch.setitem(GAMES_AT_ONCE, "cpu", width)
        manifest = run_in(tmp_path / str(width), spec)
        shards = [read_shard(tmp_path / str(width) / contract.OUT / shard.name) for shard in manifest.shards]
        rankings = {row["game_index"]: row["ranking"] for shard in shards for row in shard.to_pylist()}
        assert len(block_scores(rankings, 2)) == len(rankings) // 2
        assert verdict_of(rankings, gate, 2).outcome != "continue"
        digests.add(manifest.result["content_digest"])
    assert len(digests) == 1


def test_a_network_that_is_missing_or_changed_is_refused(folder, models, tmp_path):
    player = participant("gumbel", SQUARE8, 9, model=models[0].weights)
    with pytest.raises(InvalidInput, match=r"models.*give the file"):
        match_job(terms(models[1:]), "m", player, participant("random", SQUARE8, 1), blocks=1)
    plan = game_plan(parse(SelfplayParams, selfplay(models).params, "test"))
    with pytest.raises(InvalidInput, match="give the file of this network"):
        next(play_rows(plan, plan.indices, evaluators={w: e for w, e in networks(folder).items() if w != player.model}))
    wrong = replace(plan, models=[models[1].model_copy(update={"weights": models[0].weights})])
    with pytest.raises(InvalidInput, match="the participant plays with"):
        evaluators_of(wrong)
