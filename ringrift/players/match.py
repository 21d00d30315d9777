"""Whole games between computer players: one compiled loop, and its Python door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.kernels import entry, kernel
from ringrift.players.heuristic import choose_heuristic, new_scratch
from ringrift.players.registry import ENGINES, HEURISTIC_ENGINE, Participant
from ringrift.players.uniform import choose_uniform
from ringrift.players.weights import NAMES, find_profile, profile_hash, weight_vector
from ringrift.rules.geometry import board
from ringrift.rules.state import CUR, OVER, PHASE, SWAP_USED, WINNER, new_state, work_words
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import stream


class Seats(NamedTuple):
    """What the kernels need to know of the players, one row a participant in seat order."""

    engine: np.ndarray  # int64 [seats], registry engine numbers
    weights: np.ndarray  # float64 [seats, 37], heuristic weights (unused rows are 0)
    randomness: np.ndarray  # float64 [seats], probability of a uniform decision
    temperature: np.ndarray  # float64 [seats], 0 takes the best
    light: np.ndarray  # bool [seats], True leaves out the costly components of the evaluation
    rng: np.ndarray  # uint64 [seats, 1], one random stream a participant


@kernel
def choose(b, s, w, buf, n, scratch, seats, player):
    """Decision of participant `player` (a row of `seats`) among the `n` legal ones in `buf`."""
    rng = seats.rng[player]
    if seats.engine[player] == HEURISTIC_ENGINE:
        return choose_heuristic(
            b,
            s,
            w,
            buf,
            n,
            scratch,
            seats.weights[player],
            seats.light[player],
            seats.randomness[player],
            seats.temperature[player],
            rng,
        )
    return choose_uniform(buf, n, rng)


@entry
def play_game(b, s, w, buf, scratch, seats, opening_rng, opening_plies, cap, out_codes):
    """Play the game in state `s` (changed in place) to its end or to `cap` decisions.

    The first `opening_plies` decisions are uniform, drawn from `opening_rng` (uint64[1]); the others are made
    by the participants of `seats` (a Seats). `out_codes` (uint32[>= cap]) takes the decisions. `w` (int64
    [state.work_words]), `buf` (uint32[b.max_moves]) and `scratch` (heuristic.Scratch) are working memory.
    Returns the number of decisions made.
    """
    played = 0
    while True:
        n = settle(b, s, w, buf)
        if n == 0 or played == cap:
            return played
        if played < opening_plies:
            code = choose_uniform(buf, n, opening_rng)
        else:
            # After a swap the two participants play each other's seat.
            player = 1 - s[CUR] if s[SWAP_USED] else s[CUR]
            code = choose(b, s, w, buf, n, scratch, seats, player)
        out_codes[played] = code
        played += 1
        apply_move(b, s, w, code)


@dataclass(frozen=True, slots=True)
class MatchGame:
    """A game that was played: decisions as move codes, and the state after them."""

    codes: np.ndarray  # uint32 [plies]
    state: np.ndarray  # int64, see rules.state

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
    profiles: Mapping[str, Mapping[str, float]] | None = None,
    options: Mapping[str, int | bool] | None = None,
) -> MatchGame:
    """Play one game of `config` between `participants` (one a seat, in seat order).

    `key` names the game: each seat draws from the stream (root_seed, *key, "seat", seat), so equal arguments
    give the equal game. The first `opening_plies` decisions are random, from the stream (root_seed,
    *opening_key, "opening"); `opening_key` defaults to `key`, and games that give the same one start alike.
    `cap` is the largest number of decisions (default: the config's). `profiles` holds weights by profile
    name beside the named ones, `options` the rules options (default: the standard game).
    Raises InvalidInput if the number of participants or `cap` does not fit, or if the weights found under a
    participant's profile name are not those it was made with.
    """
    if len(participants) != config.players:
        raise InvalidInput("participants", len(participants), f"{config.key} needs {config.players}, one a seat")
    cap = config.decision_cap if cap is None else cap
    if cap < 0 or opening_plies < 0:
        raise InvalidInput("cap, opening_plies", (cap, opening_plies), "use numbers from 0")
    seats = Seats(
        engine=np.array([ENGINES[p.engine].number for p in participants], dtype=np.int64),
        weights=np.stack([_weights(p, profiles) for p in participants]),
        randomness=np.array([p.randomness for p in participants], dtype=np.float64),
        temperature=np.array([p.temperature for p in participants], dtype=np.float64),
        light=np.array([p.light for p in participants], dtype=np.bool_),
        rng=np.stack([stream(root_seed, *key, "seat", seat) for seat in range(config.players)]),
    )
    tables = board(config.board)
    state = new_state(tables, config.players, dict(config.options() if options is None else options))
    codes = np.empty(cap, dtype=np.uint32)
    plies = play_game(
        tables,
        state,
        np.zeros(work_words(tables), dtype=np.int64),
        np.empty(tables.max_moves, dtype=np.uint32),
        new_scratch(tables),
        seats,
        stream(root_seed, *(key if opening_key is None else opening_key), "opening"),
        opening_plies,
        cap,
        codes,
    )
    return MatchGame(codes[:plies].copy(), state)


def _weights(participant: Participant, profiles: Mapping[str, Mapping[str, float]] | None) -> np.ndarray:
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
