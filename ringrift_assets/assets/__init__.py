"""The assets of the graph, each in a file of its name; resources/store/phases.py says which an iteration has."""

from collections.abc import Sequence
from importlib import import_module

import dagster as dg

from resources.store.phases import STEP_TABLE, Step
from ringrift import names


def assets_of(steps: Sequence[Step]) -> tuple[dg.AssetsDefinition, ...]:
    """The asset of each step, from the module of its name in this package."""
    return tuple(_asset(step.asset) for step in steps)


def _asset(name: str) -> dg.AssetsDefinition:
    asset = getattr(import_module(f"{__name__}.{name}"), name)
    assert isinstance(asset, dg.AssetsDefinition)
    return asset


ASSETS = (*assets_of(STEP_TABLE), _asset(names.WORKER_RESOURCES))  # the last one belongs to no iteration
