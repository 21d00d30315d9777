"""What the compiled loop needs to know of the players of a game, and their working memory."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.engines import ENGINES
from ringrift.players.heuristic.greedy_turn import Scratch, new_scratch
from ringrift.players.heuristic.profiles import NAMES, find_profile, profile_hash, weight_vector
from ringrift.players.participant import Participant
from ringrift.players.search.minimax_memory import Minimax, new_minimax
from ringrift.players.search.tree import Tree, new_tree
from ringrift.players.search.value_net import NO_NET, ValueNet, ValueNetwork
from ringrift.rules.geometry import Board

Profiles = Mapping[str, Mapping[str, float]]
ValueNetworks = Mapping[str, ValueNetwork]  # by weights hash


class Seats(NamedTuple):
    """What the kernels need to know of the players, one row a participant in seat order."""

    engine: np.ndarray  # int64 [seats], the engines' numbers
    weights: np.ndarray  # float64 [seats, 37], heuristic weights (unused rows are 0)
    randomness: np.ndarray  # float64 [seats], probability of a uniform decision
    temperature: np.ndarray  # float64 [seats], 0 takes the best
    nets: tuple[ValueNet, ValueNet, ValueNet, ValueNet]  # one a participant, without rows where it has none
    light: np.ndarray  # bool [seats], True leaves out the costly components of the evaluation
    light_finish: np.ndarray  # bool [seats], the same where a search finishes turns
    budget: np.ndarray  # int64 [seats], positions or simulations a decision
    time_ms: np.ndarray  # int64 [seats], ceiling of a decision in CPU time, 0 for none
    rng: np.ndarray  # uint64 [seats, 1], one random stream a participant


class Memory(NamedTuple):
    """Working memory of a game's players."""

    scratch: Scratch
    minimax: Minimax
    trees: tuple[Tree, Tree, Tree, Tree]  # one a participant: it goes on with what it has grown


def networks(participants: Sequence[Participant]) -> list[str]:
    """Weights hashes of the policy networks that some of these play with, sorted."""
    return sorted({p.model for p in participants if p.model is not None})


def value_networks(participants: Sequence[Participant]) -> list[str]:
    """Weights hashes of the value networks that some of these play with, sorted."""
    return sorted({p.value_model for p in participants if p.value_model is not None})


def seat_table(
    config: Config,
    participants: Sequence[Participant],
    streams: Sequence[np.ndarray],
    profiles: Profiles | None,
    values: ValueNetworks | None,
) -> Seats:
    """The Seats of participants in seat order, each with its random stream.

    Raises InvalidInput for other weights than a participant was made with, or a value network of another config.
    """
    nets = [_net(p, config, values or {}) for p in participants]
    nets += [NO_NET] * (4 - len(nets))
    return Seats(
        engine=np.array([ENGINES[p.engine].number for p in participants], dtype=np.int64),
        weights=np.stack([_weights(p, profiles) for p in participants]),
        randomness=np.array([p.randomness for p in participants], dtype=np.float64),
        temperature=np.array([p.temperature for p in participants], dtype=np.float64),
        nets=(nets[0], nets[1], nets[2], nets[3]),
        light=np.array([p.light for p in participants], dtype=np.bool_),
        light_finish=np.array([p.light or p.light_finish for p in participants], dtype=np.bool_),
        budget=np.array([p.budget for p in participants], dtype=np.int64),
        time_ms=np.array([p.time_ms for p in participants], dtype=np.int64),
        rng=np.stack(streams),
    )


def new_memory(b: Board, participants: Sequence[Participant]) -> Memory:
    """Memory that fits the participants' budgets; a participant that grows no tree gets one that is never touched."""
    trees = [new_tree(b, ENGINES[p.engine].nodes_per_budget * p.budget) for p in participants]
    trees += [trees[0]] * (4 - len(trees))
    return Memory(new_scratch(b), new_minimax(b), (trees[0], trees[1], trees[2], trees[3]))


def _net(participant: Participant, config: Config, values: ValueNetworks) -> ValueNet:
    wanted = participant.value_model
    if wanted is None:
        return NO_NET
    if wanted not in values:
        raise InvalidInput("value_model", wanted, "give the file of this value network's weights")
    if values[wanted].config != config:
        raise InvalidInput("value_model", wanted, f"it is of {values[wanted].config.key}, the game is {config.key}")
    return values[wanted].net()


def _weights(participant: Participant, profiles: Profiles | None) -> np.ndarray:
    if participant.profile is None:
        return np.zeros(len(NAMES))
    weights = find_profile(participant.profile, profiles)
    if profile_hash(weights) != participant.profile_hash:
        raise InvalidInput(
            f"weights of profile {participant.profile}",
            profile_hash(weights),
            f"{participant.label} was made with weights of hash {participant.profile_hash}",
        )
    return weight_vector(weights)
