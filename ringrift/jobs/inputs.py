"""Files of a home that a job reads: how a job names them, and finding them where it runs."""

import os
from pathlib import Path

from pydantic import Field

from ringrift.errors import InvalidInput, MissingInput
from ringrift.jobs.contract import file_sha256
from ringrift.strict import Strict


class InputFile(Strict):
    """A file of the home as a job names it: where it is, and what it must hold."""

    path: str  # relative to RINGRIFT_HOME
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of the file's bytes


class ModelFile(InputFile):
    """A network by its weights hash, and its .safetensors file; the card stands beside the file.

    The weights hash is the identity: a file with other weights is refused.
    """

    weights: str = Field(pattern=r"^[0-9a-f]{64}$")


def input_file(home: Path, path: Path) -> InputFile:
    """A file below the folder `home` as a job wants it named."""
    return InputFile(path=str(path.relative_to(home)), sha256=file_sha256(path))


def home_file(entry: InputFile, root: Path | None = None) -> Path:
    """The file that an input of a job names, below `root` (default: RINGRIFT_HOME).

    Raises MissingInput or InvalidInput when it is not there or not the one that was meant.
    """
    home = root or os.environ.get("RINGRIFT_HOME")
    if not home:
        raise MissingInput("RINGRIFT_HOME is not set; a job that reads stored files runs beside the store")
    path = (Path(home) / entry.path).resolve()
    if not path.is_relative_to(Path(home).resolve()):
        raise InvalidInput("path", entry.path, "use a path inside RINGRIFT_HOME")
    if not path.is_file():
        raise MissingInput(f"{path} is not there; materialize the step that writes it")
    if file_sha256(path) != entry.sha256:
        raise InvalidInput("path", entry.path, "the file changed since this job was planned; start it again")
    return path
