"""Views: made from the store alone, equal for equal stores, and never from half a file."""

import json
import multiprocessing
import shutil
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.store.home import Home
from resources.store.record import NewVersion, StoreDamaged, digest_of
from resources.store.store import Store
from resources.views.state import read_state, rebuild_state, refresh, state_path
from resources.views.status import flat_name, leaderboard, status, summary_text
from ringrift import names
from ringrift.errors import MissingInput
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, load_profiles
from tests.resources.model_makers import put_model, put_no_model
from tests.resources.sample_contents import RATING, sample

DOCUMENTED_KEYS = {
    "iteration",
    "phase",
    "phase_completed",
    "games_generated",
    "models_trained",
    "last_sync",
    "errors",
    "elo_ratings",
    "elo_history",
    "model_registry",
    "seen_game_hashes",
    "tier_promotions",
}
HISTORY = pa.schema(
    [pa.field(name, pa.string()) for name in ("timestamp", "player_a", "player_b")]
    + [pa.field(name, pa.float64()) for name in ("score_a", "rating_a_before", "rating_b_before")]
    + [pa.field(name, pa.float64()) for name in ("rating_a_after", "rating_b_after")]
)


def put(store: Store, asset: str, config: str, iteration: int, data: dict[str, Any], files=None, **more: Any) -> None:
    with store.draft(asset, config, iteration) as folder:
        for name, content in (files or {}).items():
            if isinstance(content, pa.Table):
                pq.write_table(content, folder / name)
            else:
                (folder / name).write_text(content)
        new = NewVersion(
            code_version="1",
            content_digest=digest_of(data),
            inputs_digest=digest_of(data),
            data=data,
            provenance={},
            **{"rows": 1, **more},
        )
        store.commit(folder, asset, config, iteration, new)


def tuned(config: str) -> dict:
    """square8_2p has a trained profile, other configs play the named one."""
    if config != "square8_2p":
        profile = {"profile": BALANCED, "profile_weights": PROFILES[BALANCED], "metadata": {}}
        return sample(names.HEURISTIC_PROFILES, **profile)
    about = {"heuristic_v1_sq8_2p": {"source": "cmaes", "iteration": 0, "fitness": 0.6}}
    weights = {**PROFILES[BALANCED], "WEIGHT_TERRITORY": 9.0}
    profile = {"profile": "heuristic_v1_sq8_2p", "profile_weights": weights, "metadata": about}
    return sample(names.HEURISTIC_PROFILES, **profile)


def put_iteration(store: Store, config: str, iteration: int, *, tier: str = "D2", promoted: bool = False) -> None:
    """One whole iteration of a config, as its assets would store it."""
    a, b = f"a{config}", f"b{config}"
    change = {"timestamp": f"2026-01-0{iteration + 1}T00:00:00", "player_a": a, "player_b": b, "score_a": 1.0}
    before_after = {f"rating_{x}_{when}": 1500.0 for x in "ab" for when in ("before", "after")}
    incumbent, verdicts = sample(names.INCUMBENT, tier=tier), sample(names.TIER_ASSIGNMENT, tier=tier)
    verdicts["verdicts"]["tier"]["promoted"] = promoted
    ratings = [
        {**RATING, "name": "Heuristic_D5", "key": a, "rating": 1550.0, "low": 1500.0, "high": 1600.0, "elo": 1516.0},
        {**RATING, "name": "Random_D1", "key": b, "rating": 1450.0, "low": 1400.0, "high": 1500.0, "elo": 1484.0},
    ]
    hashes = pa.table({"game_hash": [digest_of([config, iteration])[:16]]})
    search = {"generations.jsonl": '{"b": 2}\n', "convergence.svg": "<svg/>"}
    put(store, "incumbent", config, iteration, incumbent)
    put(store, "selfplay_games", config, iteration, sample(names.SELFPLAY_GAMES), rows=7)
    put(store, "training_db", config, iteration, sample(names.TRAINING_DB), {"games.parquet": hashes}, rows=6)
    put(store, "cmaes_profile", config, iteration, sample(names.CMAES_PROFILE), search)
    if config == "square8_2p" and iteration == 0:
        put_model(store, iteration, seed=1, config=config)
    else:
        put_no_model(store, iteration, config)
    put(store, "heuristic_profiles", config, iteration, tuned(config))
    matches = sample(names.TOURNAMENT_GAMES, participants={})
    put(store, "tournament_games", config, iteration, matches, {"games.jsonl": '{"a": 1}\n'}, rows=5)
    table = pa.Table.from_pylist([change | before_after], schema=HISTORY)
    put(store, "elo_ratings", config, iteration, sample(names.ELO_RATINGS, ratings=ratings), {"history.parquet": table})
    put(store, "tier_assignment", config, iteration, verdicts)
    page = '<a href="../../../../../store/x">x</a>'
    report = sample(names.ITERATION_REPORT, eval={})
    put(store, "iteration_report", config, iteration, report, {"report.html": page})


@pytest.fixture
def full(home: Home) -> Home:
    store = Store(home.store)
    for iteration in (0, 1):
        put_iteration(store, "square8_2p", iteration, tier="D4" if iteration else "D2", promoted=iteration == 0)
        put_iteration(store, "hexagonal_3p", iteration)
    return home


def test_an_empty_store_gives_an_empty_state_with_every_documented_key(home):
    state = rebuild_state(home)
    assert set(state) == DOCUMENTED_KEYS
    assert (state["iteration"], state["phase"], state["last_sync"]) == (0, "selfplay", None)
    assert not any(state["phase_completed"].values())
    assert status(home)["iteration"] is None and status(home)["configs"] == {}


def test_the_state_says_what_the_store_holds_in_the_documented_form(full):
    state = rebuild_state(full)
    assert set(state) == DOCUMENTED_KEYS and json.loads(json.dumps(state)) == state
    assert (state["iteration"], state["phase"]) == (1, "complete")
    assert state["games_generated"] == {"iter_0": 14, "iter_1": 14}
    done = {phase for phase, complete in state["phase_completed"].items() if complete}
    assert done == {"selfplay", "sync", "cmaes", "training", "profile-sync", "evaluation", "tier-gating"}
    assert state["models_trained"] == ["square8_2p_iter0"]
    entry = state["model_registry"]["square8_2p_iter0"]
    assert (entry["path"], entry["status"], entry["iteration"]) == (
        "models/square8_2p_iter0.safetensors",
        "active",
        0,
    )
    assert {"model_id", "config", "parent_id", "created_at", "metrics", "deprecated_at", "deprecation_reason"} <= {
        *entry
    }
    assert list(state["elo_ratings"].items())[:2] == [("Heuristic_D5", 1516.0), ("hexagonal_3p/Heuristic_D5", 1516.0)]
    assert len(state["elo_history"]) == 4 and set(state["elo_history"][0]) == set(HISTORY.names)
    assert state["elo_history"][0]["player_b"] == "Random_D1"
    assert [row["timestamp"] for row in state["elo_history"]] == sorted(r["timestamp"] for r in state["elo_history"])
    assert state["tier_promotions"] == {"square8_2p": "D4"}
    assert len(state["seen_game_hashes"]) == 4 and state["last_sync"].endswith("Z") and state["errors"] == []
    assert state == rebuild_state(full)


def test_an_iteration_that_has_begun_moves_the_phase_and_partial_partitions_are_errors(full):
    store = Store(full.store)
    put(store, "incumbent", "square8_2p", 2, {"tier": "D4", "champion": None, "profile": "p"})
    put(store, "selfplay_games", "square8_2p", 2, {"jobs": []}, missing={"games": {"job": [1]}})
    state = rebuild_state(full)
    assert (state["iteration"], state["phase"]) == (2, "selfplay") and not state["phase_completed"]["selfplay"]
    assert state["errors"] == ["selfplay_games square8_2p|0002 is partial; materialize it again"]
    assert status(full)["configs"]["square8_2p"]["phase"] == "selfplay"
    assert status(full)["configs"]["hexagonal_3p"]["phase"] == "complete"


def test_a_lost_view_is_made_again_and_is_the_same(full, tmp_path):
    first = refresh(full, tmp_path / "copy.json")
    shutil.rmtree(full.logs)
    shutil.rmtree(full.reports)
    (full.root / "trained_heuristic_profiles.json").unlink()
    assert refresh(full) == first == json.loads((tmp_path / "copy.json").read_text())
    assert read_state(state_path(full)) == first
    assert (full.logs / "tournaments" / "iter1" / "hexagonal_3p.jsonl").read_text() == '{"a": 1}\n'
    assert (full.logs / "cmaes" / "iter1" / "hexagonal_3p.jsonl").read_text() == '{"b": 2}\n'
    assert (full.logs / "cmaes" / "iter0" / "square8_2p.svg").is_file()
    unified = load_profiles(full.root / "trained_heuristic_profiles.json")
    assert unified.profiles == {"heuristic_v1_sq8_2p": tuned("square8_2p")["profile_weights"]}
    assert unified.training_metadata["heuristic_v1_sq8_2p"].fitness == 0.6
    assert (full.reports / "square8_2p" / "iter0001.html").read_text() == '<a href="../../store/x">x</a>'


@pytest.mark.parametrize("text", ["", "{", "[]", '"state"', "null"])
def test_a_state_file_that_does_not_parse_is_never_taken_for_an_empty_state(full, text):
    refresh(full)
    state_path(full).write_text(text)
    with pytest.raises(StoreDamaged, match=r"state.json does not parse; move it aside, it is made again"):
        refresh(full)
    assert state_path(full).read_text() == text
    state_path(full).unlink()
    assert refresh(full)["iteration"] == 1


def many(root: str) -> None:
    for _ in range(3):
        refresh(Home(root))


def test_several_processes_may_refresh_at_once(full):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=many, args=(str(full.root),)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert read_state(state_path(full)) == rebuild_state(full)


def test_the_leaderboard_is_the_newest_one_and_names_are_flat_for_one_config_only(full):
    assert [row["name"] for row in leaderboard(full, "square8_2p")] == ["Heuristic_D5", "Random_D1"]
    assert leaderboard(full, "square8_2p")[0]["iteration"] == 1
    with pytest.raises(MissingInput, match=r"ringrift run -c square19_2p"):
        leaderboard(full, "square19_2p")
    assert (flat_name("square8_2p", "MCTS_D6"), flat_name("hexagonal_2p", "MCTS_D6")) == (
        "MCTS_D6",
        "hexagonal_2p/MCTS_D6",
    )


def test_the_summary_covers_every_config_that_has_reported(full):
    text = summary_text(full, 1)
    assert "Selfplay:    {'dispatched': 2, 'total': 2}" in text
    assert "=== Elo Leaderboard ===\n  1. Heuristic_D5: 1516" in text and "(hexagonal_3p) ===" in text
