"""Weights of the heuristic evaluation: names, defaults, named profiles, and files of trained profiles.

A profile is one number for each name of `NAMES`. Kernels take it as float64[len(NAMES)] in that order, and
read it with the index constants below (`STACK_CONTROL` is the index of `WEIGHT_STACK_CONTROL`, and so on).
Defaults and profiles are those of RingRift's `heuristic_v1_*` family.
"""

import difflib
import hashlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ringrift.boards import BOARDS
from ringrift.errors import InvalidInput
from ringrift.files import write_json
from ringrift.strict import Strict, parse, read_document

STACK_CONTROL, STACK_HEIGHT, CAP_HEIGHT, NO_STACKS_PENALTY, SINGLE_STACK_PENALTY = range(5)
STACK_DIVERSITY_BONUS, TERRITORY, RINGS_IN_HAND, CENTER_CONTROL, OPPONENT_THREAT = range(5, 10)
MOBILITY, ELIMINATED_RINGS, MARKER_COUNT, VICTORY_PROXIMITY, VICTORY_THRESHOLD_BONUS = range(10, 15)
RINGS_PROXIMITY_FACTOR, TERRITORY_PROXIMITY_FACTOR, OPPONENT_VICTORY_THREAT, STACK_MOBILITY = range(15, 19)
BLOCKED_STACK_PENALTY, MULTI_LEADER_THREAT, LINE_POTENTIAL, TWO_IN_ROW, THREE_IN_ROW = range(19, 24)
FOUR_IN_ROW, LINE_CONNECTIVITY, CONNECTED_NEIGHBOR, GAP_POTENTIAL, VULNERABILITY = range(24, 29)
OVERTAKE_POTENTIAL, TERRITORY_CLOSURE, TERRITORY_SAFETY, FORCED_ELIMINATION_RISK = range(29, 33)
LPS_ACTION_ADVANTAGE, RECOVERY_POTENTIAL, RECOVERY_ELIGIBILITY, BURIED_RING_VALUE = range(33, 37)

DEFAULTS: dict[str, float] = {
    "WEIGHT_STACK_CONTROL": 10.0,
    "WEIGHT_STACK_HEIGHT": 5.0,
    "WEIGHT_CAP_HEIGHT": 6.0,
    "WEIGHT_NO_STACKS_PENALTY": 50.0,
    "WEIGHT_SINGLE_STACK_PENALTY": 10.0,
    "WEIGHT_STACK_DIVERSITY_BONUS": 2.0,
    "WEIGHT_TERRITORY": 8.0,
    "WEIGHT_RINGS_IN_HAND": 3.0,
    "WEIGHT_CENTER_CONTROL": 4.0,
    "WEIGHT_OPPONENT_THREAT": 6.0,
    "WEIGHT_MOBILITY": 4.0,
    "WEIGHT_ELIMINATED_RINGS": 12.0,
    "WEIGHT_MARKER_COUNT": 1.5,
    "WEIGHT_VICTORY_PROXIMITY": 20.0,
    "WEIGHT_VICTORY_THRESHOLD_BONUS": 1000.0,
    "WEIGHT_RINGS_PROXIMITY_FACTOR": 50.0,
    "WEIGHT_TERRITORY_PROXIMITY_FACTOR": 50.0,
    "WEIGHT_OPPONENT_VICTORY_THREAT": 6.0,
    "WEIGHT_STACK_MOBILITY": 4.0,
    "WEIGHT_BLOCKED_STACK_PENALTY": 5.0,
    "WEIGHT_MULTI_LEADER_THREAT": 2.0,
    "WEIGHT_LINE_POTENTIAL": 7.0,
    "WEIGHT_TWO_IN_ROW": 1.0,
    "WEIGHT_THREE_IN_ROW": 2.0,
    "WEIGHT_FOUR_IN_ROW": 5.0,
    "WEIGHT_LINE_CONNECTIVITY": 6.0,
    "WEIGHT_CONNECTED_NEIGHBOR": 1.0,
    "WEIGHT_GAP_POTENTIAL": 0.5,
    "WEIGHT_VULNERABILITY": 8.0,
    "WEIGHT_OVERTAKE_POTENTIAL": 8.0,
    "WEIGHT_TERRITORY_CLOSURE": 10.0,
    "WEIGHT_TERRITORY_SAFETY": 5.0,
    "WEIGHT_FORCED_ELIMINATION_RISK": 4.0,
    "WEIGHT_LPS_ACTION_ADVANTAGE": 2.0,
    "WEIGHT_RECOVERY_POTENTIAL": 6.0,
    "WEIGHT_RECOVERY_ELIGIBILITY": 8.0,
    "WEIGHT_BURIED_RING_VALUE": 3.0,
}
NAMES = tuple(DEFAULTS)

# Documented weights that no component of the sum reads: accepted in files, and ignored.
_UNUSED = (
    "CHAIN_CAPTURE_RISK CHAIN_CAPTURE_POTENTIAL TEMPO_ADVANTAGE FORCING_MOVE_VALUE ENDGAME_AGGRESSION "
    "PHASE_TRANSITION_BONUS STACK_SYNERGY MUTUAL_DEFENSE EXPANSION_POTENTIAL FRONTIER_STRENGTH "
    "RECOVERY_THREAT ADJACENCY SAFE_MOVE_BONUS NO_SAFE_MOVES_PENALTY "
    "SWAP_OPENING_CENTER SWAP_OPENING_ADJACENCY SWAP_OPENING_HEIGHT SWAP_CORNER_PENALTY SWAP_EDGE_BONUS "
    "SWAP_DIAGONAL_BONUS SWAP_OPENING_STRENGTH SWAP_EXPLORATION_TEMPERATURE"
)
UNUSED_NAMES = tuple(f"WEIGHT_{name}" for name in _UNUSED.split())

BALANCED = "heuristic_v1_balanced"

_AGGRESSIVE = {
    "ELIMINATED_RINGS": 1.25,
    "OVERTAKE_POTENTIAL": 1.25,
    "VICTORY_PROXIMITY": 1.15,
    "LINE_POTENTIAL": 1.1,
    "VULNERABILITY": 0.85,
    "TERRITORY_SAFETY": 0.85,
    "OPPONENT_VICTORY_THREAT": 1.1,
    "FORCED_ELIMINATION_RISK": 0.85,
    "MULTI_LEADER_THREAT": 0.8,
}
# Profile: (factor of every weight, factors of single weights), applied to the defaults.
_FACTORS: dict[str, tuple[float, dict[str, float]]] = {
    BALANCED: (1.0, {}),
    "heuristic_v1_weak": (0.5, {}),
    "heuristic_v1_medium": (0.75, {}),
    "heuristic_v1_strong": (1.0, {}),
    "heuristic_v1_aggressive": (1.0, _AGGRESSIVE),
    "heuristic_v1_territorial": (
        1.0,
        {
            "TERRITORY": 1.25,
            "TERRITORY_CLOSURE": 1.25,
            "TERRITORY_SAFETY": 1.2,
            "LINE_POTENTIAL": 1.15,
            "LINE_CONNECTIVITY": 1.15,
            "MARKER_COUNT": 1.1,
            "ELIMINATED_RINGS": 0.9,
            "OPPONENT_VICTORY_THREAT": 1.15,
            "LPS_ACTION_ADVANTAGE": 1.1,
            "MULTI_LEADER_THREAT": 1.25,
        },
    ),
    "heuristic_v1_defensive": (
        1.0,
        {
            "STACK_CONTROL": 1.15,
            "STACK_MOBILITY": 1.2,
            "MOBILITY": 1.1,
            "VULNERABILITY": 1.25,
            "TERRITORY_SAFETY": 1.15,
            "OVERTAKE_POTENTIAL": 0.9,
            "ELIMINATED_RINGS": 0.9,
            "OPPONENT_VICTORY_THREAT": 1.05,
            "FORCED_ELIMINATION_RISK": 1.3,
            "LPS_ACTION_ADVANTAGE": 1.2,
            "MULTI_LEADER_THREAT": 1.1,
        },
    ),
    "heuristic_v1_expert": (1.0, _AGGRESSIVE),
}
PROFILES: dict[str, dict[str, float]] = {
    name: {
        weight: value * overall * single.get(weight.removeprefix("WEIGHT_"), 1.0) for weight, value in DEFAULTS.items()
    }
    for name, (overall, single) in _FACTORS.items()
}
"""The named profiles: profile name -> weight name -> value."""


def trained_profile_name(board: str, players: int) -> str:
    """Name under which the trained profile of a config is stored, for example `heuristic_v1_sq8_2p`."""
    return f"heuristic_v1_{BOARDS[board].short}_{players}p"


def complete_weights(given: Mapping[str, float], field: str = "weights") -> dict[str, float]:
    """All weights in the order of `NAMES`: the finite numbers of `given`, defaults where it has none.

    Names that the sum does not read are dropped. Raises InvalidInput for an unknown name (saying which known
    one is nearest) or a value that is no finite number; `field` starts the message.
    """
    for name, value in given.items():
        if name not in DEFAULTS and name not in UNUSED_NAMES:
            nearest = difflib.get_close_matches(str(name), NAMES + UNUSED_NAMES, n=1, cutoff=0.0)[0]
            raise InvalidInput(field, name, f"unknown weight; the nearest known one is {nearest}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InvalidInput(f"{field}.{name}", value, "use a finite number")
    return {name: float(given.get(name, default)) for name, default in DEFAULTS.items()}


def weight_vector(weights: Mapping[str, float]) -> np.ndarray:
    """float64[len(NAMES)] for the kernels. Raises InvalidInput like `complete_weights`."""
    return np.array(list(complete_weights(weights).values()), dtype=np.float64)


def profile_hash(weights: Mapping[str, float]) -> str:
    """First 16 hex digits of the SHA-256 of the complete weights as JSON: sorted keys, no spaces, floats."""
    text = json.dumps(complete_weights(weights), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def find_profile(name: str, profiles: Mapping[str, Mapping[str, float]] | None = None) -> dict[str, float]:
    """Complete weights of a profile, looked up in `profiles`, then among the named ones.

    Raises InvalidInput listing the profiles there are.
    """
    known: dict[str, Mapping[str, float]] = {**PROFILES, **(profiles or {})}
    if name not in known:
        raise InvalidInput("profile", name, f"use one of {', '.join(known)}")
    return complete_weights(known[name], field=f"profile {name}")


class TrainingMetadata(BaseModel):
    """Where a trained profile comes from; further fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    source: str | None = None
    iteration: int | None = None
    run_id: str | None = None
    board: str | None = None
    fitness: float | None = None
    generation: int | None = None


class ProfilesFile(Strict):
    """Contents of a `trained_heuristic_profiles.json`: weights, and where they come from, by profile name."""

    version: int | str
    created: str | None = None
    updated: str | None = None
    description: str = ""
    profiles: dict[str, dict[str, FiniteFloat]]
    training_metadata: dict[str, TrainingMetadata] = Field(default_factory=dict)


def load_profiles(path: str | Path) -> ProfilesFile:
    """Read and check a file of trained profiles; the result's `profiles` hold complete weights.

    A weight that a profile does not give has its default; documented weights that the sum does not read are
    dropped. Raises MissingInput if there is no such file, InvalidInput naming file, profile and field if it
    is not valid or a weight is unknown.
    """
    file = parse(ProfilesFile, read_document(Path(path)), str(path))
    profiles = {
        name: complete_weights(weights, field=f"{path}: profiles.{name}") for name, weights in file.profiles.items()
    }
    return file.model_copy(update={"profiles": profiles})


FILE = "trained_heuristic_profiles.json"
VERSION = 1
DESCRIPTION = "Heuristic weights tuned by CMA-ES and proved by a gate, by profile name."


def profiles_file(
    profiles: Mapping[str, Mapping[str, float]],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    updated: float | None = None,
) -> dict[str, Any]:
    """The file's content: complete weights and where they come from, by profile name. `updated` is a Unix time.

    Raises InvalidInput for weights that are none or metadata of another shape.
    """
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(updated)) if updated is not None else None
    content = {
        "version": VERSION,
        "created": stamp,
        "updated": stamp,
        "description": DESCRIPTION,
        "profiles": {name: complete_weights(weights, f"profiles.{name}") for name, weights in profiles.items()},
        "training_metadata": {name: dict(about) for name, about in metadata.items()},
    }
    parse(ProfilesFile, content, FILE)
    return content


def write_profiles(path: Path, content: Mapping[str, Any]) -> None:
    """Write a `profiles_file` atomically; `created` of a file that is there already stays."""

    created = load_profiles(path).created if path.is_file() else None
    write_json(path, {**content, "created": created or content["created"]})
