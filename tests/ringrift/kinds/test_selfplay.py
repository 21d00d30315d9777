from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ringrift.config import CONFIG_KEYS, parse_config
from ringrift.errors import InvalidInput
from ringrift.gamesets import schema as games
from ringrift.gamesets.replay_check import verify_rows
from ringrift.jobs.inputs import ModelFile
from ringrift.kinds.selfplay import game_plan
from ringrift.matches import shards
from ringrift.matches.play import play_rows
from ringrift.matches.shards import _batches
from ringrift.planning.incumbent import Champion, baseline_incumbent
from ringrift.planning.pipeline import Pipeline, load_pipeline
from ringrift.planning.selfplay import SelfplayInputs, plan_jobs
from ringrift.players.engines import available_engine_modes
from ringrift.players.heuristic.profiles import DEFAULTS, profile_hash, trained_profile_name
from ringrift.players.participant import Participant, participant
from ringrift.seeds import stream
from ringrift.specs.selfplay import SelfplayParams
from ringrift.strict import parse

SQUARE8 = parse_config("square8_2p")
DOCUMENTED = load_pipeline(Path(__file__).parents[3] / "config" / "documented.yaml")
NETWORK = ModelFile(weights="c" * 64, path="models/c.safetensors", sha256="c" * 64)
CHAMPION = Champion(participant("gumbel", SQUARE8, 9, model=NETWORK.weights), NETWORK)

# The documented tables, written out: (engine, difficulty, randomness, budget, profile). OWN is the config's profile in
# force; a network has no randomness and no profile.
OWN, MEDIUM = "own", "heuristic_v1_medium"
TIERS = {
    "D2": {
        "heuristic-only": ("heuristic", 2, 0.30, 0, OWN),
        "minimax-only": ("minimax", 2, 0.30, 500, OWN),
        "mcts-only": ("mcts", 2, 0.30, 20, OWN),
        "descent-only": ("descent", 2, 0.30, 250, OWN),
        "nn-only": ("gumbel", 9, 0.0, 32, None),
    },
    "D4": {
        "heuristic-only": ("heuristic", 4, 0.08, 0, OWN),
        "minimax-only": ("minimax", 4, 0.08, 4_000, OWN),
        "mcts-only": ("mcts", 4, 0.08, 100, OWN),
        "descent-only": ("descent", 4, 0.08, 1_000, OWN),
        "nn-only": ("gumbel", 9, 0.0, 32, None),
    },
}
SQUARE8_2P_D2 = ("heuristic", 2, 0.10, 0, MEDIUM)  # the tier table's
BOTTOM, TOP = ("random", 1, 0.0, 0, None), [("gumbel", 9, 0.0, 32, None), ("gumbel", 10, 0.0, 96, None)]
LADDERS = {
    "square8_2p": [
        BOTTOM,
        SQUARE8_2P_D2,
        ("heuristic", 3, 0.05, 0, OWN),
        ("minimax", 4, 0.08, 4_000, OWN),
        ("minimax", 5, 0.05, 8_000, OWN),
        ("descent", 6, 0.02, 10_000, OWN),
        ("mcts", 7, 0.0, 1_200, OWN),
        ("mcts", 8, 0.0, 3_000, OWN),
        *TOP,
    ],
    "square8": [
        BOTTOM,
        ("heuristic", 2, 0.30, 0, OWN),
        ("minimax", 3, 0.15, 4_000, OWN),
        ("minimax", 4, 0.08, 16_000, OWN),
        ("mcts", 5, 0.05, 100, OWN),
        ("mcts", 6, 0.02, 200, OWN),
        ("mcts", 7, 0.0, 400, OWN),
        ("mcts", 8, 0.0, 1_600, OWN),
        *TOP,
    ],
    "large": [
        BOTTOM,
        ("heuristic", 2, 0.30, 0, OWN),
        ("descent", 3, 0.15, 4_000, OWN),
        ("descent", 4, 0.08, 16_000, OWN),
        ("descent", 5, 0.05, 32_000, OWN),
        ("descent", 6, 0.02, 64_000, OWN),
        ("mcts", 7, 0.0, 400, OWN),
        ("mcts", 8, 0.0, 1_600, OWN),
        *TOP,
    ],
}


def one_job(engine: str = "random-only", scale: int = 20, **changes) -> Pipeline:
    job = {"name": "a_job", "config": "square8_2p", "games": scale, "engine": engine, **changes}
    return parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test")


def with_profile(profiles, tier: str = "D2", champion: Champion | None = None) -> SelfplayInputs:
    """The profile in `profiles`, or the baseline one, is in force."""
    incumbent = baseline_incumbent(tier, champion)
    for name, weights in profiles.items():
        incumbent = replace(incumbent, profile=name, profile_hash=profile_hash(weights), profile_weights=weights)
    return SelfplayInputs(incumbent=incumbent)


def params_of(pipeline: Pipeline, iteration: int = 0, **changes) -> SelfplayParams:
    spec = plan_jobs(pipeline, SQUARE8, iteration).jobs[0]
    return parse(SelfplayParams, spec.params | changes, "test")


def content(rows: list[dict]) -> list[dict]:
    return [{name: row[name] for name in games.CONTENT_COLUMNS} for row in rows]


# --- planning ---------------------------------------------------------------------------------------------


def test_every_documented_job_is_planned_or_skipped_with_its_reason():
    plans = [plan_jobs(Pipeline(), parse_config(key), 7) for key in CONFIG_KEYS]
    planned = [spec for plan in plans for spec in plan.jobs]
    skipped = [skip for plan in plans for skip in plan.skipped]
    assert len(planned) + len(skipped) == 22
    assert len({spec.job_id for spec in planned}) == len(planned)
    assert all(skip.engine not in available_engine_modes() for skip in skipped)
    assert all(skip.engine in skip.reason or "not available" in skip.reason for skip in skipped)
    assert {spec.params["job"] for spec in planned} | {skip.job for skip in skipped} == {
        job.name for job in Pipeline().selfplay.jobs
    }


def test_long_jobs_are_cut_in_chunks_that_cover_every_game_once():
    pipeline = one_job(scale=450)
    chunks = [(s.params["first_game"], s.params["games"]) for s in plan_jobs(pipeline, SQUARE8, 0).jobs]
    assert chunks == [(0, 200), (200, 200), (400, 50)]


def test_only_missing_games_are_planned_when_they_are_named():
    missing = {"a_job": [5, 4, 199, 200, 201, 17, 4]}
    specs = plan_jobs(one_job(scale=450), SQUARE8, 0, SelfplayInputs(missing=missing)).jobs
    assert [(s.params["first_game"], s.params["games"]) for s in specs] == [(4, 2), (17, 1), (199, 1), (200, 2)]
    assert plan_jobs(one_job(), SQUARE8, 0, SelfplayInputs(missing={})).jobs == []


def test_equal_work_has_an_equal_id_and_a_salt_forces_a_fresh_one():
    def ids(**changes):
        return {spec.job_id for spec in plan_jobs(one_job(), SQUARE8, 3, SelfplayInputs(**changes)).jobs}

    assert ids() == ids() and not ids() & ids(salt="again")


def test_a_job_takes_the_incumbent_tier_and_profile_unless_it_names_its_own_difficulty():
    trained = {trained_profile_name("square8", 2): DEFAULTS | {"WEIGHT_TERRITORY": 9.0}}

    def seat(tier, **changes):
        plan = plan_jobs(one_job("heuristic-only", **changes), SQUARE8, 0, with_profile(trained, tier))
        return plan.jobs[0].params

    assert seat("D4")["pool"][0]["difficulty"] == 4
    assert seat("D4", difficulty=5)["pool"][0]["difficulty"] == 5
    expected = participant("heuristic", SQUARE8, 4, profiles=trained)
    assert seat("D4")["pool"] == [expected.to_dict()]
    assert seat("D4")["profiles"] == trained
    rows = list(play_rows(game_plan(parse(SelfplayParams, seat("D4"), "test")), [0]))
    assert rows[0]["participants"] == [f"Heuristic_D4#{expected.key}"] * 2


@pytest.mark.parametrize(("tier", "tuned"), [("D2", False), ("D2", True), ("D4", True)])
@pytest.mark.parametrize("job", DOCUMENTED.selfplay.jobs, ids=lambda job: job.name)
def test_every_documented_job_plays_as_documented_at_a_tier_with_the_profile_in_force(job, tier, tuned):
    config = parse_config(job.config)
    own = trained_profile_name(config.board, config.players) if tuned else "heuristic_v1_balanced"
    profiles = {own: DEFAULTS | {"WEIGHT_TERRITORY": 9.0}} if tuned else {}
    if job.engine == "mixed":
        large = config.board in ("square19", "hexagonal")
        expected = LADDERS["large" if large else "square8" if config.players > 2 else "square8_2p"]
    else:
        expected = [TIERS[tier][job.engine]]
        if (job.name, tier) == ("square8_2p_heuristic", "D2"):
            expected = [SQUARE8_2P_D2]
    plan = plan_jobs(DOCUMENTED, config, 0, with_profile(profiles, tier, CHAMPION))
    [params] = [spec.params for spec in plan.jobs if spec.params["job"] == job.name]
    pool = [Participant.from_dict(seat) for seat in params["pool"]]
    found = [(seat.engine, seat.difficulty, seat.randomness, seat.budget, seat.profile) for seat in pool]
    assert found == [(*rest, own if profile == OWN else profile) for *rest, profile in expected]
    plays_own = any(profile == OWN for *_, profile in expected)
    assert params["profiles"] == (profiles if plays_own else {}), "the weights travel with the job"
    assert params["engine"] == job.engine and params["games"] == job.games


# --- playing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["minimax-only", "mcts-only", "descent-only"])
def test_a_search_decides_by_the_profile_in_force_at_the_first_tier(engine):
    name, changed = trained_profile_name("square8", 2), dict.fromkeys(DEFAULTS, 0.0) | {"WEIGHT_ELIMINATED_RINGS": 1.0}
    chunks = [
        plan_jobs(one_job(engine), SQUARE8, 0, with_profile(profiles)).jobs[0].params
        for profiles in ({}, {name: dict(DEFAULTS)}, {name: changed})
    ]
    plans = [game_plan(parse(SelfplayParams, chunk, "test")) for chunk in chunks]
    default, same, other = (next(play_rows(plan, [0])) for plan in plans)
    assert same["moves"] == default["moves"] != other["moves"]


@pytest.mark.parametrize("engine", ["random-only", "heuristic-only", "mixed"])
def test_a_game_depends_on_nothing_but_params_and_index(engine):
    params = params_of(one_job(engine))
    together = list(play_rows(game_plan(params), range(3)))
    apart = [row for index in (2, 0) for row in play_rows(game_plan(params), [index])]
    assert content(apart) == content([together[2], together[0]])
    assert verify_rows(games.table_of(together))[1].num_rows == 0


def test_games_differ_between_indices_iterations_jobs_and_root_seeds():
    variants = [params_of(one_job(), iteration) for iteration in (0, 1)]
    variants += [params_of(one_job(), job="b_job"), params_of(one_job(), root_seed=2)]
    rows = [row for params in variants for row in play_rows(game_plan(params), range(10))]
    assert len({row["game_hash"] for row in rows}) == len({row["seed"] for row in rows}) == 40


def test_heuristic_games_are_unique():
    rows = list(play_rows(game_plan(params_of(one_job("heuristic-only", scale=100))), range(100)))
    assert len({row["game_hash"] for row in rows}) >= 98


class Idle:
    """A job nobody cancels."""

    def check(self) -> None:
        pass


def test_a_game_slower_than_the_flush_interval_is_saved_before_the_next_begins(monkeypatch):
    monkeypatch.setattr(shards, "FLUSH_S", 0.0)
    begun: list[int] = []

    def slow():
        for index in range(3):
            begun.append(index)
            yield {"game_index": index}

    batches = _batches(Idle(), slow())  # type: ignore[arg-type]
    assert [row["game_index"] for row in next(batches)] == [0] and begun == [0]


def test_a_batch_holds_consecutive_games_and_comes_out_before_a_failure():
    def rows():
        yield from ({"game_index": index} for index in (0, 1, 5))
        raise ZeroDivisionError

    batches, seen = _batches(Idle(), rows()), []  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        for batch in batches:
            seen.append([row["game_index"] for row in batch])
    assert seen == [[0, 1], [5]]


def test_mixed_draws_each_seat_from_the_whole_pool():
    params = params_of(one_job("mixed"))
    plan = game_plan(params)
    lineups = [tuple(player.key for player in plan.game(index).seats) for index in range(1000)]
    for seat in (0, 1):
        drawn = Counter(lineup[seat] for lineup in lineups)
        assert len(drawn) == len(params.pool) == 8 and min(drawn.values()) >= 90
    assert len(set(lineups)) == 64


def test_the_cap_stops_a_game_without_a_winner():
    row = next(play_rows(game_plan(params_of(one_job(), decision_cap=9)), [0]))
    assert (row["capped"], row["plies"], row["winner"], row["ranking"], row["victory"]) == (True, 9, None, None, None)


def test_opening_plies_are_random_decisions_common_to_no_two_games():
    rows = list(play_rows(game_plan(params_of(one_job("heuristic-only", scale=50, opening_plies=6))), range(50)))
    assert {row["opening_plies"] for row in rows} == {6}
    assert len({tuple(row["moves"][:6]) for row in rows}) == 50


def test_a_row_alone_says_how_to_play_its_game_again():
    from ringrift.players.match import play_match_game

    row = next(play_rows(game_plan(params_of(one_job("heuristic-only"))), [3]))
    seat = participant("heuristic", SQUARE8, 2)
    again = play_match_game(SQUARE8, [seat, seat], row["seed"], (), opening_plies=row["opening_plies"])
    assert again.codes.tolist() == row["moves"]


def test_no_two_streams_of_an_iteration_are_the_same():
    numbers = []
    for key in CONFIG_KEYS:
        config = parse_config(key)
        for spec in plan_jobs(Pipeline(games_scale=5), config, 4).jobs:
            params = parse(SelfplayParams, spec.params, "test")
            for index in range(params.first_game, params.first_game + params.games):
                seed = game_plan(params).game(index).seed
                purposes = [("opening",), *(p for s in range(config.players) for p in (("seat", s), ("lineup", s)))]
                numbers += [seed, *(int(stream(seed, *purpose)[0]) for purpose in purposes)]
    assert len(numbers) > 8_000 and len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"game": 3}, "'games'"),
        ({"games": 201}, "200"),
        ({"opening_plies": 7}, "6"),
        ({"pool": []}, "pool"),
        ({"pool": [{"engine": "oracle", "difficulty": 1}]}, "oracle"),
        ({"pool": [{"engine": [], "difficulty": 1}]}, "pool[0]"),
        ({"pool": [{"engine": "random", "difficulty": 1, "hat": 1}]}, "hat"),
        ({"engine": "hybrid"}, "mixed"),
        ({"config": "square9_2p"}, "square8_2p"),
    ],
)
def test_bad_params_are_refused_by_field(change, said):
    with pytest.raises(InvalidInput) as caught:
        params_of(one_job(), **change)
    assert said in str(caught.value) and "\n" not in str(caught.value)
