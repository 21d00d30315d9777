"""The gate a pipeline file asks for."""

from ringrift.planning.pipeline import Pipeline
from ringrift.stats.sprt import SequentialTest


def gate_of(pipeline: Pipeline) -> SequentialTest:
    """The sequential test of the pipeline's `gate`, with the documented floor of its `tiers`."""
    tiers = pipeline.tiers
    return SequentialTest(**pipeline.gate.model_dump(), floor_score=tiers.win_rate, floor_games=tiers.min_games)
