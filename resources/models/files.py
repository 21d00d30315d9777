"""Files of a stored model and how they are copied to a readable name."""

import shutil
from pathlib import Path

from ringrift.files import atomic_path

WEIGHTS_FILE, CARD_FILE, PROFILE_FILE = "model.safetensors", "model.json", "profile.json"


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)
