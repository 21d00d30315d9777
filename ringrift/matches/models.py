"""Which network a job plays with, and where the worker finds its file."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ringrift.jobs.inputs import home_file
from ringrift.matches.plan import GamePlan
from ringrift.players.seats import ValueNetworks, networks, value_networks
from ringrift.specs.participants import by_weights, models_of

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator


def evaluators_of(plan: GamePlan, root: Path | None = None) -> "dict[str, Evaluator]":
    """The policy networks of a plan by weights hash, from the files below `root` (default: RINGRIFT_HOME)."""
    if not (files := _files(plan, networks(plan.participants), root)):
        return {}
    from ringrift.network.evaluator import load_evaluators

    return load_evaluators(files, plan.config)


def values_of(plan: GamePlan, root: Path | None = None) -> ValueNetworks:
    """The value networks of a plan by weights hash, from the files below `root` (default: RINGRIFT_HOME)."""
    if not (files := _files(plan, value_networks(plan.participants), root)):
        return {}
    from ringrift.network.value.files import load_value_networks

    return load_value_networks(files, plan.config)


def _files(plan: GamePlan, wanted: Collection[str], root: Path | None) -> dict[str, Path]:
    """The files of some networks of a plan by weights hash. Raises MissingInput or InvalidInput as home_file does."""
    models = models_of(plan.participants, by_weights(plan.models))
    return {model.weights: home_file(model, root) for model in models if model.weights in wanted}
