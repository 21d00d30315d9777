"""The incumbent of an iteration: tier, heuristic profile and champion network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringrift.jobs.inputs import ModelFile
from ringrift.players.heuristic.profiles import BALANCED, PROFILES, complete_weights, profile_hash


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The current tier, profile and champion. `profile_weights` belong to `profile`, and have `profile_hash`."""

    tier: str  # D2, D4, D6 or D8
    profile: str
    profile_hash: str
    profile_weights: Mapping[str, float]
    champion: ModelFile | None = None  # the current network, if there is one

    @property
    def profiles(self) -> dict[str, dict[str, float]]:
        """What jobs need to know of the profile: its weights by name, nothing if it is a named one."""
        return trained_profiles(self.profile, self.profile_weights)


def baseline_incumbent(tier: str = "D2", champion: ModelFile | None = None) -> Incumbent:
    """An incumbent with the baseline profile."""
    weights = PROFILES[BALANCED]
    return Incumbent(tier, BALANCED, profile_hash(weights), weights, champion)


def trained_profiles(name: str, weights: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The weights of a profile by its name, nothing if it is a named one, which every host has."""
    return {} if PROFILES.get(name) == complete_weights(weights) else {name: complete_weights(weights)}


def past_profiles(incumbents: Iterable[Incumbent]) -> dict[str, dict[str, float]]:
    """Weights of the trained profiles of `incumbents`, each as `NAME#hash`.

    A trained profile's name stays while its weights change, so an older player's weights need a name of their own.
    """
    return {
        f"{incumbent.profile}#{incumbent.profile_hash[:8]}": weights
        for incumbent in incumbents
        for weights in incumbent.profiles.values()
    }
