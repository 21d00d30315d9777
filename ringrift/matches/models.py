"""Which network a job plays with, and where the worker finds its file."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ringrift.jobs.inputs import ModelFile, home_file
from ringrift.matches.plan import GamePlan
from ringrift.players.seats import ValueNetworks, networks, value_networks
from ringrift.specs.participants import by_weights, models_of

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator


def evaluators_of(plan: GamePlan) -> "dict[str, Evaluator]":
    """The policy networks of a plan by weights hash, from this machine's files."""
    if not (files := _files(plan, networks(plan.participants))):
        return {}
    from ringrift.network.evaluator import load_evaluators

    return load_evaluators(files, plan.config)


def values_of(plan: GamePlan) -> ValueNetworks:
    """The value networks of a plan by weights hash, from this machine's files."""
    if not (files := _files(plan, value_networks(plan.participants))):
        return {}
    from ringrift.network.value.files import load_value_networks

    return load_value_networks(files, plan.config)


def _files(plan: GamePlan, wanted: Collection[str]) -> dict[str, Path]:
    """The files of some networks of a plan by weights hash."""
    models = models_of(plan.participants, by_weights(plan.models))
    return {model.weights: find_model(model) for model in models if model.weights in wanted}


def find_model(model: ModelFile) -> Path:
    """The file of a network on this machine; the one place to change when files travel beside a job.

    Raises MissingInput or InvalidInput as home_file does.
    """
    return home_file(model)
