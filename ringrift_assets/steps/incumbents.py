"""The incumbent of an iteration as plans take it, from what is stored."""

from dataclasses import replace

from resources.models.registry import Registry
from resources.runtime import Runtime
from resources.store.contents.base import content_of
from resources.store.contents.profiles import IncumbentContent, ProfileContent
from ringrift import names
from ringrift.jobs.inputs import ModelFile
from ringrift.planning.incumbent import Incumbent


def load_incumbent(runtime: Runtime, config: str, iteration: int) -> Incumbent:
    """The stored incumbent of an iteration as plans take it. Raises MissingInput if its champion's file is lost."""
    content = content_of(runtime.store.need(names.INCUMBENT, config, iteration), IncumbentContent)
    return incumbent_of(content, champion_file(runtime, content))


def incumbent_of(content: IncumbentContent, champion: ModelFile | None = None) -> Incumbent:
    """An incumbent as plans take it, with the file of its champion."""
    return Incumbent(content.tier, content.profile, content.profile_hash, content.profile_weights, champion)


def with_profile(before: Incumbent, content: ProfileContent) -> Incumbent:
    """An incumbent after the search: with the profile that plays from now on."""
    return replace(
        before,
        profile=content.profile,
        profile_hash=content.profile_hash,
        profile_weights=content.profile_weights,
    )


def champion_file(runtime: Runtime, content: IncumbentContent) -> ModelFile | None:
    """The champion network as a job names it, None where there is none. Raises MissingInput if it is lost."""
    return Registry(runtime.home).input_of(content.champion_weights) if content.champion_weights else None
