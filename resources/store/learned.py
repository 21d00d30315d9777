"""How many games of a config a home has that its networks learn from."""

from collections.abc import Collection

from resources.store.contents.base import content_of
from resources.store.contents.games import SelfplayContent
from resources.store.store import Store
from ringrift import names
from ringrift.config import parse_config
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import source_jobs


def learned_games(store: Store, pipeline: Pipeline, config: str, upto: int) -> int:
    """Games of the iterations ≤ `upto` that a network learns from: those of training.sources.

    Where there are none every game is, and unique, verified ones are counted.
    """
    if pipeline.training.sources is None:
        return sum(record.rows for record in store.upto(names.TRAINING_DB, config, upto))
    return games_of_jobs(store, config, source_jobs(pipeline, parse_config(config)), upto)


def games_of_jobs(store: Store, config: str, jobs: Collection[str], upto: int) -> int:
    """Games that some selfplay jobs have played in the iterations ≤ `upto`."""
    records = store.upto(names.SELFPLAY_GAMES, config, upto)
    return sum(job.games for record in records for job in content_of(record, SelfplayContent).jobs if job.job in jobs)
