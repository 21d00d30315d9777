"""Finding files of a home: the inputs a job names, and game sets."""

import os
from pathlib import Path

from pydantic import Field

from ringrift.errors import InvalidInput, MissingInput
from ringrift.jobs.contract import file_sha256
from ringrift.strict import Strict


def home_file(entry: dict[str, str]) -> Path:
    """The file an input `{"path", "sha256"}` of a job names, its path relative to RINGRIFT_HOME.

    Raises MissingInput or InvalidInput when it is not there or not the one that was meant.
    """
    home = os.environ.get("RINGRIFT_HOME")
    if not home:
        raise MissingInput("RINGRIFT_HOME is not set; a job that reads stored files runs beside the store")
    path = (Path(home) / entry["path"]).resolve()
    if not path.is_relative_to(Path(home).resolve()):
        raise InvalidInput("path", entry["path"], "use a path inside RINGRIFT_HOME")
    if not path.is_file():
        raise MissingInput(f"{path} is not there; materialize the step that writes it")
    if file_sha256(path) != entry["sha256"]:
        raise InvalidInput("path", entry["path"], "the file changed since this job was planned; start it again")
    return path


class ModelFile(Strict):
    """A network by its weights hash, and its .safetensors file as an input of a job (game_files.home_file).

    The card stands beside the file. The weights hash is the identity: a file with other weights is refused.
    """

    weights: str = Field(pattern=r"^[0-9a-f]{64}$")
    path: str  # relative to RINGRIFT_HOME
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of the file's bytes
