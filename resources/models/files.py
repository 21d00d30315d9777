"""The files of models under readable names: `models/` of a home, and copies for other programs."""

import json
import shutil
from pathlib import Path

from resources.store.home import Home
from resources.store.locks import locked
from ringrift.files import atomic_path
from ringrift.jobs.contract import file_sha256


def copy_file(source: Path, target: Path) -> None:
    """Copy a file so that it appears whole."""
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def show_pair(home: Home, name: str, weights_hash: str, source: Path, card: Path) -> Path:
    """Put a model's pair of files in models/ under a name; returns the .safetensors file.

    Other weights of that name are kept under a longer one.
    """
    target = home.models / f"{name}.safetensors"
    target_card = target.with_suffix(".json")
    with locked(home.root / "models.lock"):
        if target_card.is_file():
            there = json.loads(target_card.read_text(encoding="utf-8"))["weights"]
            if there != weights_hash:
                for path in (target_card, target):
                    if path.is_file():
                        path.rename(path.with_name(f"{name}-{there[:8]}{path.suffix}"))
        for origin, copy in ((source, target), (card, target_card)):
            if origin != copy and (not copy.is_file() or file_sha256(copy) != file_sha256(origin)):
                copy_file(origin, copy)
    return target
