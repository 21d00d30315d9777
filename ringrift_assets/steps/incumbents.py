"""The incumbent of an iteration as plans take it, from what is stored."""

from dataclasses import replace

from resources.models.registry import Registry
from resources.runtime import Runtime
from resources.store.contents.base import content_of
from resources.store.contents.profiles import IncumbentContent, ProfileContent
from ringrift import names
from ringrift.planning.incumbent import Champion, Incumbent, champion_of
from ringrift.players.participant import Participant


def load_incumbent(runtime: Runtime, config: str, iteration: int) -> Incumbent:
    """The stored incumbent of an iteration as plans take it. Raises MissingInput if its champion's file is lost."""
    content = content_of(runtime.store.need(names.INCUMBENT, config, iteration), IncumbentContent)
    return incumbent_of(content, champion_in(runtime, content))


def incumbent_of(content: IncumbentContent, champion: Champion | None = None) -> Incumbent:
    """An incumbent as plans take it, with its champion."""
    return Incumbent(content.tier, content.profile, content.profile_hash, content.profile_weights, champion)


def with_profile(before: Incumbent, content: ProfileContent) -> Incumbent:
    """An incumbent after the search: with the profile that plays from now on."""
    return replace(
        before,
        profile=content.profile,
        profile_hash=content.profile_hash,
        profile_weights=content.profile_weights,
    )


def champion_in(runtime: Runtime, content: IncumbentContent) -> Champion | None:
    """The champion as a player with its file, None where there is none. Raises MissingInput if the file is lost."""
    found = content.champion_ref
    if found is None:
        return None
    model = Registry(runtime.home).input_of(found.weights_hash)
    return champion_of(Participant.from_dict(found.player), model, found.profile_weights)
