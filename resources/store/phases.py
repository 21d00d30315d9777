"""The documented phases of an iteration, the assets each of them makes, and how far the store has come."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from resources.store.store import Store
from ringrift import names
from ringrift.errors import InvalidInput, RingRiftError


class Step(NamedTuple):
    """One asset of an iteration: the phase it belongs to (None: it closes the iteration) and the job that makes it.

    The rows of `counted` assets count: they take `allow_fewer_rows`.
    """

    asset: str
    phase: str | None
    job: Literal["collect", "improve"]
    counted: bool = False


STEP_TABLE = (
    Step(names.INCUMBENT, "selfplay", "collect"),
    Step(names.SELFPLAY_GAMES, "selfplay", "collect", counted=True),
    Step(names.TRAINING_DB, "sync", "collect", counted=True),
    Step(names.CMAES_PROFILE, "cmaes", "improve"),
    Step(names.TRAINED_MODEL, "training", "improve", counted=True),
    Step(names.HEURISTIC_PROFILES, "profile-sync", "improve"),
    Step(names.TOURNAMENT_GAMES, "evaluation", "improve", counted=True),
    Step(names.ELO_RATINGS, "evaluation", "improve", counted=True),
    Step(names.TIER_ASSIGNMENT, "tier-gating", "improve"),
    Step(names.ITERATION_REPORT, None, "improve"),
)
"""The assets of an iteration in their order; each has a file of its name in ringrift_assets/assets."""


def phases_of(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """Phase → its assets, in the order of the steps."""
    found: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if step.phase is not None:
            found[step.phase] = (*found.get(step.phase, ()), step.asset)
    return found


PHASES = phases_of(STEP_TABLE)
"""Phases of one config in one iteration, in order. `iteration_report` closes the iteration."""

REPORT = names.ITERATION_REPORT
RESOURCES, PARITY = "resources", "parity-validation"  # phases that belong to no single partition
NOT_BUILT = ("npz-export",)
STEPS = tuple(step.asset for step in STEP_TABLE)
COUNTED = tuple(step.asset for step in STEP_TABLE if step.counted)
COMPLETE = "complete"


class PhaseNotBuilt(RingRiftError):
    """A documented phase that this version cannot run."""


def check_phase(name: str) -> str:
    """Return the name of a phase that can be run.

    Raises PhaseNotBuilt for a documented one that is not there yet, InvalidInput for any other text.
    """
    there = [*PHASES, RESOURCES, PARITY]
    if name in NOT_BUILT:
        raise PhaseNotBuilt(f"the phase {name} is not built yet; there are {', '.join(there)}")
    if name not in there:
        raise InvalidInput("phase", name, f"use one of {', '.join(there)}")
    return name


def phase_done(store: Store, config: str, iteration: int, phase: str) -> bool:
    """Whether every asset of the phase is in the store, and whole."""
    records = [store.get(asset, config, iteration) for asset in PHASES[phase]]
    return all(record is not None and not record.missing for record in records)


def current_phase(store: Store, configs: Sequence[str], iteration: int) -> str:
    """The first phase that some of the configs have not finished, COMPLETE when all have their report."""
    for phase in PHASES:
        if not all(phase_done(store, config, iteration, phase) for config in configs):
            return phase
    reported = all(store.get(REPORT, config, iteration) for config in configs)
    return COMPLETE if reported else REPORT


def remaining(store: Store, config: str, iteration: int) -> tuple[str, ...]:
    """The assets from the first unfinished phase of a config on, none when the iteration is complete."""
    phase = current_phase(store, [config], iteration)
    return () if phase == COMPLETE else steps_from(phase)


def steps_from(phase: str) -> tuple[str, ...]:
    """The assets of `phase` and of those after it, with the report; all that is left of an iteration."""
    names = list(PHASES)
    later = names[names.index(phase) :] if phase in names else []
    return (*(asset for name in later for asset in PHASES[name]), REPORT)
