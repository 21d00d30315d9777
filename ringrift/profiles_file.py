"""Writing `trained_heuristic_profiles.json` in the documented format; players.weights reads it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringrift.files import write_json
from ringrift.players.weights import ProfilesFile, complete_weights
from ringrift.strict import parse

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
    from ringrift.players.weights import load_profiles

    created = load_profiles(path).created if path.is_file() else None
    write_json(path, {**content, "created": created or content["created"]})
