"""Who enters the rating round robin of an iteration, and what earlier iterations know of them.

Entrants are the players the pipeline names and everybody whom the newest earlier ratings hold and this code can still
play. A pure function of stored ratings: nothing is drawn.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ringrift.errors import InvalidInput
from ringrift.players.heuristic.profiles import PROFILES, profile_hash
from ringrift.players.participant import Participant
from ringrift.specs.participants import Profiles
from ringrift.stats.pairing import PRIOR_VARIANCE
from ringrift.stats.results import ELO_START


class Rated(NamedTuple):
    """Ratings as the rate job stores them: `ratings` Elo and `covariance` Elo^2 in the order of `keys`.

    `players` holds by key what each is called and is: `name`, and `participant` (Participant.to_dict).
    """

    keys: Sequence[str]
    ratings: Sequence[float]
    covariance: Sequence[Sequence[float]]
    players: Mapping[str, Mapping[str, Any]]


class Field(NamedTuple):
    """Entrants with their `ratings` float[P] and `covariance` float[P, P], and the others by name with the reason."""

    entrants: list[Participant]
    ratings: np.ndarray
    covariance: np.ndarray
    left_out: dict[str, str]


def field_of(
    named: Sequence[Participant],
    rated: Rated | None,
    profiles: Profiles | None = None,
    networks: Collection[str] = (),
) -> Field:
    """The entrants: `named` in their order, then the rated ones. Somebody without a rating stands at the prior.

    `profiles` holds the weights of trained profiles, by any name: a rated player's are found by their hash. `networks`
    are the weights hashes of those that may play on.
    """
    found = {player.key: player for player in named}
    rated = rated or Rated([], [], [], {})
    left_out = {}
    for key in rated.keys:
        if key in found:
            continue
        about = rated.players[key]
        try:
            found[key] = _still_there(about["participant"], profiles, networks)
        except InvalidInput as reason:
            left_out[str(about["name"])] = str(reason)
    place = {key: i for i, key in enumerate(rated.keys)}
    count = len(found)
    ratings, covariance = np.full(count, ELO_START), np.eye(count) * PRIOR_VARIANCE
    known = [(i, place[key]) for i, key in enumerate(found) if key in place]
    if known:
        here, there = (list(side) for side in zip(*known, strict=True))
        ratings[here] = np.asarray(rated.ratings)[there]
        covariance[np.ix_(here, here)] = np.asarray(rated.covariance)[np.ix_(there, there)]
    return Field(list(found.values()), ratings, covariance, left_out)


def _still_there(content: Mapping[str, Any], profiles: Profiles | None, networks: Collection[str]) -> Participant:
    """The participant of a stored dict. Raises InvalidInput where this code would play it differently or not at all."""
    player = Participant.from_dict(content)
    for weights in (player.model, player.value_model):
        if weights is not None and weights not in networks:
            raise InvalidInput("model", weights[:16], "it is deprecated, or its weights are not in this home any more")
    if player.profile is None:
        return player
    known = {**PROFILES, **(profiles or {})}
    for name in sorted(known, key=lambda name: name != player.profile):  # its own name first: others may be copies
        if profile_hash(known[name]) == player.profile_hash:
            return replace(player, profile=name)
    remedy = f"{player.label} was made with weights of hash {player.profile_hash}, which this home has not"
    raise InvalidInput("profile", player.profile, remedy)
