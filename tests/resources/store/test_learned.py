"""Games are counted by what networks learn from."""

import pytest

from resources.store.home import Home
from resources.store.learned import games_of_jobs, learned_games
from resources.store.store import Store
from ringrift.planning.pipeline import Pipeline
from ringrift.strict import parse
from tests.resources.model_makers import put_record
from tests.resources.sample_contents import sample

CONFIG = "square8_2p"
JOBS = [{"name": name, "config": CONFIG, "engine": engine, "games": 5}
        for name, engine in (("quick", "random-only"), ("strong", "champion"))]  # fmt: skip


def pipeline(sources: list[str] | None) -> Pipeline:
    return parse(Pipeline, {"selfplay": {"jobs": JOBS}, "training": {"sources": sources}}, "test")


@pytest.fixture
def store(home: Home) -> Store:
    """Two iterations, each with 30 quick and 7 strong games."""
    store = Store(home.store)
    zero = {"planned": 0, "unique": 0, "capped": 0, "decisions": 0}
    jobs = [{"job": "quick", **zero, "games": 30}, {"job": "strong", **zero, "games": 7}]
    for iteration in (0, 1):
        put_record(store, "selfplay_games", CONFIG, iteration, sample("selfplay_games", jobs=jobs))
        put_record(store, "training_db", CONFIG, iteration, sample("training_db"))
    return store


def test_only_the_games_of_the_sources_count(store):
    assert learned_games(store, pipeline(["champion"]), CONFIG, 1) == 14
    assert learned_games(store, pipeline(["champion"]), CONFIG, 0) == 7
    assert learned_games(store, pipeline(["champion", "random-only"]), CONFIG, 1) == 74
    assert games_of_jobs(store, CONFIG, ["strong"], -1) == 0


def test_without_sources_every_verified_game_counts(store):
    assert (
        learned_games(store, pipeline(None), CONFIG, 1)
        == sum(r.rows for r in store.upto("training_db", CONFIG, 1))
        == 2
    )
