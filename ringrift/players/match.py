"""Whole games between computer players: one compiled loop, and its Python door."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.kernels import entry, kernel
from ringrift.players.choice import Choice, decide
from ringrift.players.engines import (
    DESCENT_ENGINE,
    HEURISTIC_ENGINE,
    MCTS_ENGINE,
    MINIMAX_ENGINE,
    RANDOM_ENGINE,
    engine_numbered,
)
from ringrift.players.heuristic.greedy_turn import choose_heuristic
from ringrift.players.participant import Participant
from ringrift.players.search.clock import TICKS_A_MS, cpu_ticks, deadline
from ringrift.players.search.descent import search_descent
from ringrift.players.search.leaf_values import holder, squash
from ringrift.players.search.mcts import search_mcts
from ringrift.players.search.minimax import POSITIONS, search_minimax
from ringrift.players.search.targets import Searched, new_searched, note_decision, note_visits
from ringrift.players.search.tree import POSITIONS as TREE_POSITIONS
from ringrift.players.search.uniform import choose_uniform
from ringrift.players.seats import Memory, Profiles, Seats, ValueNetworks, networks, new_memory, seat_table
from ringrift.rules.geometry import Board, board
from ringrift.rules.state import CUR, OVER, PHASE, SWAP_USED, WINNER, new_state, work_words
from ringrift.rules.turn import apply_move, settle
from ringrift.seeds import stream, uniform

TICKS, CHOICES = 0, 1  # columns of new_spent


@kernel
def choose(b, s, w, buf, n, memory, seats, codes, played, searched):
    """Decision of the participant to move among the `n` legal ones in `buf`, after the decisions codes[:played].

    What a search found out is entered in `searched` (a Searched) at row `played`. Single legal decisions and those that
    are uniform by `randomness` are made here for every engine; returns -1 for the others of an engine not played here.
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
    until, net, quick = deadline(seats.time_ms[player]), seats.nets[player], seats.light_finish[player]
    if engine == MINIMAX_ENGINE:
        m = memory.minimax
        code, value = search_minimax(b, s, w, buf, n, m, budget, until, weights, light, quick, net, temperature, rng)
        note_decision(searched, played, code, squash(value), m.counters[POSITIONS])
        return code
    tree = memory.trees[player]
    if engine == DESCENT_ENGINE:
        node, value = search_descent(
            b, s, w, tree, codes, played, budget, until, weights, light, quick, net, temperature, rng
        )
        value, spent = squash(value), tree.counters[TREE_POSITIONS]
    elif engine == MCTS_ENGINE:
        node, value, spent = search_mcts(
            b, s, w, tree, codes, played, budget, until, weights, light, quick, net, temperature, rng
        )
    else:
        return np.int64(-1)
    note_visits(searched, played, tree, value, spent)
    return np.int64(tree.code[node])


@entry
def _play_game(
    b, s, w, buf, memory, seats, opening_rng, opening_plies, played, cap, decided, out_codes, searched, spent
):
    """The compiled part of play_game: (decisions the game is old, number of decisions in `buf`).

    It ends before a decision that `choose` does not make, among those in `buf`; at the game's end or cap there are 0.
    `decided` is the first decision to play, -1 for none.
    """
    timed = len(spent) > 0
    while True:
        n = settle(b, s, w, buf)
        if n == 0 or played == cap:
            return played, 0
        if decided >= 0:
            code, decided = decided, -1
        elif played < opening_plies:
            code = choose_uniform(buf, n, opening_rng)
        else:
            begin = cpu_ticks() if timed else 0
            code = choose(b, s, w, buf, n, memory, seats, out_codes, played, searched)
            if code < 0:
                return played, n
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
    Seats): by `choose`, or by their engine's own function. `out_codes` (uint32[>= cap]) takes the decisions and
    `searched` (a Searched of as many rows) what their searches found. To `spent` (new_spent; without rows nothing is
    measured) is added what each participant took. `w` (int64 [state.work_words]), `buf` (uint32[b.max_moves]) and
    `memory` (a Memory) are working memory. Returns the number of decisions the game is old then. Raises
    NotImplementedError for an engine that nothing plays, IllegalMove for an illegal decision of an engine's function.
    """
    decided = -1
    while True:
        played, n = _play_game(
            b, s, w, buf, memory, seats, opening_rng, opening_plies, played, cap, decided, out_codes, searched, spent
        )
        if n == 0:
            return int(played)
        player = mover(s)
        engine = engine_numbered(int(seats.engine[player]))
        if engine and engine.network:
            return int(played)
        if engine is None or not engine.play:
            raise NotImplementedError(f"nothing plays some of the engines number {seats.engine.tolist()}")
        begin = time.process_time()
        decided = decide(
            engine,
            Choice(
                board=b,
                state=s.copy(),
                legal=buf[:n].copy(),
                codes=out_codes[:played].copy(),
                weights=seats.weights[player],
                light=bool(seats.light[player]),
                temperature=float(seats.temperature[player]),
                budget=int(seats.budget[player]),
                time_ms=int(seats.time_ms[player]),
                rng=seats.rng[player],
                searched=searched,
            ),
        )
        if len(spent):
            spent[player, TICKS] += round((time.process_time() - begin) * 1000 * TICKS_A_MS)
            spent[player, CHOICES] += 1


def mover(s: np.ndarray) -> int:
    """The participant who decides next in state `s`, by place among the participants; not for a game that is over."""
    return int(1 - s[CUR] if s[SWAP_USED] else s[CUR])


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
