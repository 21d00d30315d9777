"""Whole games between computer players: one compiled loop, and its Python door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.kernels import entry, kernel
from ringrift.players.engines import (
    DESCENT_ENGINE,
    ENGINES,
    GUMBEL_ENGINE,
    HEURISTIC_ENGINE,
    MCTS_ENGINE,
    MINIMAX_ENGINE,
    RANDOM_ENGINE,
)
from ringrift.players.heuristic.greedy_turn import Scratch, choose_heuristic, new_scratch
from ringrift.players.heuristic.profiles import NAMES, find_profile, profile_hash, weight_vector
from ringrift.players.participant import Participant
from ringrift.players.search.clock import TICKS_A_MS, cpu_ticks, deadline
from ringrift.players.search.descent import search_descent
from ringrift.players.search.leaf_values import holder, squash
from ringrift.players.search.mcts import search_mcts
from ringrift.players.search.minimax import POSITIONS, search_minimax
from ringrift.players.search.minimax_memory import Minimax, new_minimax
from ringrift.players.search.targets import Searched, new_searched, note_decision, note_visits
from ringrift.players.search.tree import POSITIONS as TREE_POSITIONS
from ringrift.players.search.tree import Tree, new_tree
from ringrift.players.search.uniform import choose_uniform
from ringrift.players.search.value_net import NO_NET, ValueNet, ValueNetwork
from ringrift.rules.geometry import Board, board
from ringrift.rules.state import CUR, OVER, PHASE, SWAP_USED, WINNER, new_state, work_words
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import stream, uniform

Profiles = Mapping[str, Mapping[str, float]]
ValueNetworks = Mapping[str, ValueNetwork]  # by weights hash

TICKS, CHOICES = 0, 1  # columns of new_spent


class Seats(NamedTuple):
    """What the kernels need to know of the players, one row a participant in seat order."""

    engine: np.ndarray  # int64 [seats], registry engine numbers
    weights: np.ndarray  # float64 [seats, 37], heuristic weights (unused rows are 0)
    randomness: np.ndarray  # float64 [seats], probability of a uniform decision
    temperature: np.ndarray  # float64 [seats], 0 takes the best
    nets: tuple[ValueNet, ValueNet, ValueNet, ValueNet]  # one a participant, without rows where it has none
    light: np.ndarray  # bool [seats], True leaves out the costly components of the evaluation
    budget: np.ndarray  # int64 [seats], positions or simulations a decision
    time_ms: np.ndarray  # int64 [seats], ceiling of a decision in CPU time, 0 for none
    rng: np.ndarray  # uint64 [seats, 1], one random stream a participant


class Memory(NamedTuple):
    """Working memory of a game's players."""

    scratch: Scratch
    minimax: Minimax
    trees: tuple[Tree, Tree, Tree, Tree]  # one a participant: it goes on with what it has grown


@kernel
def choose(b, s, w, buf, n, memory, seats, codes, played, searched):
    """Decision of the participant to move among the `n` legal ones in `buf`, after the decisions codes[:played].

    What a search found out is entered in `searched` (a Searched) at row `played`. Returns -1 for a participant of an
    engine that decides nothing here.
    """
    player = holder(s, s[CUR])  # after a swap the two participants play each other's seat
    rng = seats.rng[player]
    engine = seats.engine[player]
    if engine == RANDOM_ENGINE:
        return choose_uniform(buf, n, rng)
    if n == 1:
        return np.int64(buf[0])
    if seats.randomness[player] > 0.0 and uniform(rng) < seats.randomness[player]:
        return choose_uniform(buf, n, rng)
    weights, light = seats.weights[player], seats.light[player]
    temperature, budget = seats.temperature[player], seats.budget[player]
    if engine == HEURISTIC_ENGINE:
        return choose_heuristic(b, s, w, buf, n, memory.scratch, weights, light, temperature, rng)
    until = deadline(seats.time_ms[player])
    if engine == MINIMAX_ENGINE:
        net, m = seats.nets[player], memory.minimax
        code, value = search_minimax(b, s, w, buf, n, m, budget, until, weights, light, net, temperature, rng)
        note_decision(searched, played, code, squash(value), m.counters[POSITIONS])
        return code
    tree = memory.trees[player]
    if engine == DESCENT_ENGINE:
        net = seats.nets[player]
        node, value = search_descent(b, s, w, tree, codes, played, budget, until, weights, light, net, temperature, rng)
        value, spent = squash(value), tree.counters[TREE_POSITIONS]
    elif engine == MCTS_ENGINE:
        node, value, spent = search_mcts(b, s, w, tree, codes, played, budget, until, weights, light, temperature, rng)
    else:
        return np.int64(-1)
    note_visits(searched, played, tree, value, spent)
    return np.int64(tree.code[node])


@entry
def _play_game(b, s, w, buf, memory, seats, opening_rng, opening_plies, played, cap, out_codes, searched, spent):
    timed = len(spent) > 0
    while True:
        n = settle(b, s, w, buf)
        if n == 0 or played == cap:
            return played
        if played < opening_plies:
            code = choose_uniform(buf, n, opening_rng)
        elif n > 1 and seats.engine[holder(s, s[CUR])] == GUMBEL_ENGINE:
            return played
        else:
            begin = cpu_ticks() if timed else 0
            code = choose(b, s, w, buf, n, memory, seats, out_codes, played, searched)
            if code < 0:
                return -1
            if timed:
                spent[holder(s, s[CUR]), TICKS] += cpu_ticks() - begin
                spent[holder(s, s[CUR]), CHOICES] += 1
        out_codes[played] = code
        played += 1
        apply_move(b, s, w, code)


def play_game(
    b: Board,
    s: np.ndarray,
    w: np.ndarray,
    buf: np.ndarray,
    memory: Memory,
    seats: Seats,
    opening_rng: np.ndarray,
    opening_plies: int,
    played: int,
    cap: int,
    out_codes: np.ndarray,
    searched: Searched,
    spent: np.ndarray,
) -> int:
    """Play the game in state `s` (changed in place), `played` decisions old, to its end or to `cap` decisions.

    It stops before a choice that a network has to make (network.lockstep makes those). The first `opening_plies`
    decisions are uniform, drawn from `opening_rng` (uint64[1]); the others are made by the participants of `seats` (a
    Seats). `out_codes` (uint32[>= cap]) takes the decisions and `searched` (a Searched of as many rows) what their
    searches found. To `spent` (new_spent; without rows nothing is measured) is added what each participant took. `w`
    (int64 [state.work_words]), `buf` (uint32[b.max_moves]) and `memory` (a Memory) are working memory. Returns the
    number of decisions the game is old then. Raises NotImplementedError for an engine that `choose` has no branch for.
    """
    plies = _play_game(b, s, w, buf, memory, seats, opening_rng, opening_plies, played, cap, out_codes, searched, spent)
    if plies < 0:
        raise NotImplementedError(f"players.match.choose plays not all of the engines number {seats.engine.tolist()}")
    return int(plies)


def new_spent(seats: int) -> np.ndarray:
    """Room for what participants take: int64 [seats, 2], ticks of CPU time in their choices and number of decisions."""
    return np.zeros((seats, 2), dtype=np.int64)


class Effort(NamedTuple):
    """What the decisions of a game took. Making a move and listing the legal ones are the game's, not a player's."""

    cpu_s: np.ndarray  # float64 [seats], CPU seconds by participant
    decisions: np.ndarray  # int64 [seats], single legal ones included


def effort_of(spent: np.ndarray) -> Effort:
    """The Effort in a `spent`."""
    return Effort(spent[:, TICKS] / (1000 * TICKS_A_MS), spent[:, CHOICES].copy())


@dataclass(frozen=True, slots=True)
class MatchGame:
    """A game that was played: decisions as move codes, and the state after them."""

    codes: np.ndarray  # uint32 [plies]
    state: np.ndarray  # int64, see rules.state
    searched: Searched  # rows for at least `plies` decisions
    effort: Effort | None = None  # None where it was not measured

    @property
    def plies(self) -> int:
        """Number of decisions."""
        return len(self.codes)

    @property
    def capped(self) -> bool:
        """True if the game was stopped before its end; it has no winner then."""
        return bool(self.state[PHASE] != OVER)

    @property
    def winner(self) -> int:
        """Seat of the winner, counted from 0, or -1."""
        return int(self.state[WINNER])

    @property
    def swapped(self) -> bool:
        """True if the two participants exchanged seats (pie rule)."""
        return bool(self.state[SWAP_USED])


def play_match_game(
    config: Config,
    participants: Sequence[Participant],
    root_seed: int,
    key: Sequence[str | int],
    *,
    opening_plies: int = 0,
    opening_key: Sequence[str | int] | None = None,
    cap: int | None = None,
    profiles: Profiles | None = None,
    values: ValueNetworks | None = None,
    options: Mapping[str, int | bool] | None = None,
    timed: bool = False,
) -> MatchGame:
    """Play one game of `config` between `participants` (one a seat, in seat order).

    `key` names the game: each seat draws from the stream (root_seed, *key, "seat", seat), so equal arguments
    give the equal game. The first `opening_plies` decisions are random, from the stream (root_seed,
    *opening_key, "opening"); `opening_key` defaults to `key`, and games that give the same one start alike.
    `cap` is the largest number of decisions (default: the config's). `profiles` holds weights by profile
    name beside the named ones, `values` value networks by weights hash, `options` the rules options (default: the
    standard game). `timed` measures each player's effort. Raises InvalidInput if the number of participants or `cap`
    does not fit, if the weights found under a participant's profile name are not those it was made with, if its value
    network is not among `values` or of another config, or if one plays with a policy network.
    """
    if networks(participants):
        raise InvalidInput("participants", networks(participants), "those with a network play in network.lockstep")
    if len(participants) != config.players:
        raise InvalidInput("participants", len(participants), f"{config.key} needs {config.players}, one a seat")
    cap = config.decision_cap if cap is None else cap
    if cap < 0 or opening_plies < 0:
        raise InvalidInput("cap, opening_plies", (cap, opening_plies), "use numbers from 0")
    tables = board(config.board)
    state = new_state(tables, config.players, dict(config.options() if options is None else options))
    codes, searched = np.empty(cap, dtype=np.uint32), new_searched(cap)
    streams = [stream(root_seed, *key, "seat", seat) for seat in range(config.players)]
    spent = new_spent(config.players if timed else 0)
    plies = play_game(
        tables,
        state,
        np.zeros(work_words(tables), dtype=np.int64),
        np.empty(tables.max_moves, dtype=np.uint32),
        new_memory(tables, participants),
        seat_table(config, participants, streams, profiles, values),
        stream(root_seed, *(key if opening_key is None else opening_key), "opening"),
        opening_plies,
        0,
        cap,
        codes,
        searched,
        spent,
    )
    return MatchGame(codes[:plies].copy(), state, searched, effort_of(spent) if timed else None)


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
