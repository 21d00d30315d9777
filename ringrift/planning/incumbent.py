"""The incumbent of an iteration: tier, heuristic profile and champion."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ringrift.jobs.inputs import ModelFile
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, complete_weights, profile_hash
from ringrift.players.participant import Participant


@dataclass(frozen=True, slots=True)
class Champion:
    """The champion as it was promoted: a player, the file of its network, and the weights of its profile.

    `profile_weights` is None for a player without a profile, or with one that every host has.
    """

    player: Participant
    model: ModelFile
    profile_weights: Mapping[str, float] | None = None

    @property
    def profiles(self) -> dict[str, dict[str, float]]:
        """What jobs need to know of its profile."""
        name = self.player.profile
        return {} if name is None or self.profile_weights is None else {name: complete_weights(self.profile_weights)}


def champion_of(player: Participant, model: ModelFile, profile_weights: Mapping[str, float] | None) -> Champion:
    """A champion whose profile has a name of its own, `NAME#hash`: the name's weights may have changed since."""
    name = player.profile
    if name is None or profile_weights is None or PROFILES.get(name) == complete_weights(profile_weights):
        return Champion(player, model)
    return Champion(replace(player, profile=own_name(name, profile_hash(profile_weights))), model, profile_weights)


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The current tier, profile and champion. `profile_weights` belong to `profile`, and have `profile_hash`."""

    tier: str  # D2, D4, D6 or D8
    profile: str
    profile_hash: str
    profile_weights: Mapping[str, float]
    champion: Champion | None = None

    @property
    def profiles(self) -> dict[str, dict[str, float]]:
        """What jobs need to know of the profiles in use: weights by name of those that are not named ones."""
        own = self.champion.profiles if self.champion else {}
        return {**own, **trained_profiles(self.profile, self.profile_weights)}

    @property
    def player(self) -> Participant | None:
        """The champion as a player, None where there is none."""
        return self.champion.player if self.champion else None


def baseline_incumbent(tier: str = "D2", champion: Champion | None = None) -> Incumbent:
    """An incumbent with the baseline profile."""
    weights = PROFILES[BALANCED]
    return Incumbent(tier, BALANCED, profile_hash(weights), weights, champion)


def trained_profiles(name: str, weights: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The weights of a profile by its name, nothing if it is a named one, which every host has."""
    return {} if PROFILES.get(name) == complete_weights(weights) else {name: complete_weights(weights)}


def own_name(profile: str, weights_hash: str) -> str:
    """`NAME#hash`: a trained profile's name stays while its weights change."""
    return f"{profile.partition('#')[0]}#{weights_hash[:8]}"


def past_profiles(incumbents: Iterable[Incumbent]) -> dict[str, dict[str, float]]:
    """Weights of the trained profiles of `incumbents`, each under its own_name."""
    return {
        own_name(incumbent.profile, incumbent.profile_hash): weights
        for incumbent in incumbents
        for weights in trained_profiles(incumbent.profile, incumbent.profile_weights).values()
    }
