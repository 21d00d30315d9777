"""Participants inside job parameters: checked, with the files of the networks they play with."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from ringrift.errors import InvalidInput
from ringrift.jobs.inputs import ModelFile
from ringrift.players.participant import Participant


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


Profiles = Mapping[str, Mapping[str, float]]


def check_participant(content: dict[str, Any]) -> dict[str, Any]:
    """A `Participant.to_dict` that makes a participant; raises InvalidInput otherwise."""
    try:
        Participant.from_dict(content)
    except TypeError as error:
        raise InvalidInput("participant", content, str(error)) from error
    return content


ParticipantDict = Annotated[dict[str, Any], AfterValidator(check_participant)]
