"""Which network a job plays with, and where the worker finds its file."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field

from ringrift.errors import InvalidInput
from ringrift.game_files import home_file
from ringrift.players.registry import Participant
from ringrift.strict import Strict


class ModelFile(Strict):
    """A network by its weights hash, and its .safetensors file as an input of a job (game_files.home_file).

    The card stands beside the file. The weights hash is the identity: a file with other weights is refused.
    """

    weights: str = Field(pattern=r"^[0-9a-f]{64}$")
    path: str  # relative to RINGRIFT_HOME
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of the file's bytes


def find_model(model: ModelFile) -> Path:
    """The file of a network on this machine; the one place to change when files travel beside a job.

    Raises MissingInput or InvalidInput as home_file does.
    """
    return home_file({"path": model.path, "sha256": model.sha256})


def models_of(participants: Iterable[Participant], models: Mapping[str, ModelFile]) -> list[ModelFile]:
    """The files of the policy and value networks that these participants play with, sorted.

    Raises InvalidInput if one is missing.
    """
    wanted = sorted({weights for player in participants for weights in (player.model, player.value_model) if weights})
    for weights in wanted:
        if weights not in models:
            raise InvalidInput("models", weights, "give the file of each network that a participant plays with")
    return [models[weights] for weights in wanted]


def by_weights(models: Iterable[ModelFile]) -> dict[str, ModelFile]:
    """The files by weights hash."""
    return {model.weights: model for model in models}
