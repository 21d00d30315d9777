"""Games in which networks play, many at once: each waits for its next leaf, and the leaves are judged as one batch.

A game's content depends on its plan alone, not on the games beside it, as long as the evaluator judges each position
alone (network.inference says where that holds).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ringrift.boards import board_name
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network.encoder import new_encoded
from ringrift.network.encoding import Encoded
from ringrift.network.evaluator import Evaluator
from ringrift.network.gumbel.halving import fast_budget, schedules
from ringrift.network.gumbel.memory import DECIDING, FINISHED, PLAYED, STATUS, new_games, new_trees
from ringrift.network.gumbel.search import search_games
from ringrift.network.layout import SEATS, grids
from ringrift.players.engines import NETWORK_ENGINE
from ringrift.players.match import Effort, MatchGame, effort_of, mover, new_spent, play_game
from ringrift.players.participant import Participant, participant
from ringrift.players.search.targets import Searched
from ringrift.players.seats import Memory, Profiles, Seats, ValueNetworks, networks, new_memory, seat_table
from ringrift.rules.geometry import board
from ringrift.rules.state import BOARD, OVER, PHASE, PLAYERS, new_state, work_words
from ringrift.seeds import stream


class GameStart(NamedTuple):
    """A game to come, with a number of its own; players.match.play_match_game says what streams the keys name."""

    number: int
    seed: int
    seats: Sequence[Participant]
    key: Sequence[str | int] = ()
    opening_key: Sequence[str | int] = ()
    state: np.ndarray | None = None  # None: the config's start


class PlayedGame(NamedTuple):
    """A game that was played. `seconds` is its share of the wall time: those of all games add up to it."""

    number: int
    game: MatchGame
    seconds: float


class _Slot:
    """One game in progress: who sits there, and what their play outside the search needs."""

    def __init__(self, start: GameStart, seats: Seats, memory: Memory, opening_rng: np.ndarray):
        self.start, self.seats, self.memory, self.opening_rng = start, seats, memory, opening_rng
        self.seconds = 0.0
        self.spent = new_spent(len(start.seats))  # without a network
        self.network_cpu_s = np.zeros(len(start.seats))  # its part in what was done for several games at once


class Lockstep:
    """Up to `width` games of one config in progress.

    `evaluators` are the policy networks by weights hash, `values` the value networks, `budgets` those of the
    participants who use a policy network, `cap` the most decisions of a game. `evaluations` and `calls` count what the
    policy networks did, `network_s` is their CPU time.
    """

    def __init__(
        self,
        config: Config,
        evaluators: Mapping[str, Evaluator],
        *,
        width: int,
        budgets: Iterable[int],
        cap: int | None = None,
        opening_plies: int = 0,
        options: Mapping[str, int | bool] | None = None,
        profiles: Profiles | None = None,
        values: ValueNetworks | None = None,
    ):
        self.config, self.width = config, width
        self.cap = config.decision_cap if cap is None else cap
        self.evaluations = self.calls = 0
        self.network_s = 0.0
        self._opening_plies, self._profiles, self._values = opening_plies, profiles, values
        self._options = dict(config.options() if options is None else options)
        self._evaluators = list(evaluators.values())
        self._number = {weights: number for number, weights in enumerate(evaluators)}
        b = self._board = board(config.board)
        self._grid = grids(config.board)[0]
        self._work, self._buf = np.zeros(work_words(b), dtype=np.int64), np.empty(b.max_moves, dtype=np.uint32)
        used = {*budgets}
        self._schedules = schedules(used | {fast_budget(budget) for budget in used})
        self._trees = new_trees(b, width, max(used))
        self._games = new_games(b, width, self.cap)
        self._batches = [new_encoded(b, width, width * b.max_moves) for _ in evaluators]
        self._leaves = [np.empty(0, dtype=np.int64) for _ in evaluators]
        self._slots: list[_Slot | None] = [None] * width
        self._starting: list[list[int]] = [[] for _ in evaluators]  # games without a leaf whose network has to decide

    @property
    def free(self) -> int:
        """How many games may be started."""
        return self._slots.count(None)

    def start(self, start: GameStart) -> PlayedGame | None:
        """Begin a game, in a free slot; the game itself if no network had to decide anything in it.

        Raises InvalidInput for the wrong number of participants, or a network that is not there.
        """
        players = self.config.players
        if len(start.seats) != players:
            raise InvalidInput("participants", len(start.seats), f"{self.config.key} needs {players}, one a seat")
        for weights in networks(start.seats):
            if weights not in self._number:
                raise InvalidInput("model", weights, "give the file of this network's weights")
        g, games = self._slots.index(None), self._games
        streams = [stream(start.seed, *start.key, "seat", seat) for seat in range(players)]
        seats = seat_table(self.config, start.seats, streams, self._profiles, self._values)
        memory = new_memory(self._board, start.seats)
        slot = _Slot(start, seats, memory, stream(start.seed, *start.opening_key, "opening"))
        fresh = new_state(self._board, players, self._options) if start.state is None else start.state
        games.states[g], games.control[g] = fresh, 0
        games.kept[g], games.spent[g], games.decided[g] = 0, 0, 0
        for seat, who in enumerate(start.seats):
            games.model[g, seat] = -1 if who.model is None else self._number[who.model]
            games.budget[g, seat] = who.budget
            games.full_share[g, seat], games.temperature[g, seat] = who.full_share, who.temperature
            games.rng[g, seat] = streams[seat]
        self._slots[g] = slot
        begin = time.perf_counter()
        ended = self._play_others(g)
        slot.seconds = time.perf_counter() - begin
        return ended._replace(seconds=slot.seconds) if ended else None

    def step(self) -> list[PlayedGame]:
        """Let every network judge its leaves and every game go on to its next; the games that ended on the way."""
        begin, running = time.perf_counter(), [slot for slot in self._slots if slot is not None]
        moved: list[int] = []
        for model in range(len(self._evaluators)):
            moved += self._search(model)
        ended = [played for g in moved if (played := self._play_others(g))]
        share = (time.perf_counter() - begin) / max(1, len(running))
        for slot in running:
            slot.seconds += share
        return [played._replace(seconds=played.seconds + share) for played in ended]

    def _search(self, model: int) -> list[int]:
        """Judge the leaves of a network and go on with its games; those in which it has nothing to decide now."""
        leaves, batch = self._leaves[model], self._batches[model]
        waiting = np.concatenate((leaves, np.array(self._starting[model], dtype=np.int64)))
        if not len(waiting):
            return []
        self._starting[model] = []
        movers, begin = [self._mover(g) for g in waiting.tolist()], time.process_time()
        logits, scores = self._judge(model, first_rows(batch, len(leaves)))
        after = np.empty(len(waiting), dtype=np.int64)
        count = search_games(
            self._board, self._grid, self._work, self._buf, self._trees, self._games, self._schedules, model, self.cap,
            waiting, len(leaves), logits, scores, batch, after,
        )  # fmt: skip
        share = (time.process_time() - begin) / len(waiting)
        for g, player in zip(waiting.tolist(), movers, strict=True):
            slot = self._slots[g]
            assert slot is not None
            slot.network_cpu_s[player] += share
        self._leaves[model] = after[:count]
        kept = set(self._leaves[model].tolist())
        return [g for g in waiting.tolist() if g not in kept]

    def _judge(self, model: int, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
        if not len(encoded.planes):
            return np.empty(0, dtype=np.float32), np.empty((0, SEATS), dtype=np.float32)
        begin = time.thread_time()
        judged = self._evaluators[model](encoded)
        self.network_s += time.thread_time() - begin
        self.evaluations += len(encoded.planes)
        self.calls += 1
        return judged

    def _play_others(self, g: int) -> PlayedGame | None:
        """Let players without a network go on in game `g`, then line it up for its network; or return it, over."""
        slot, games = self._slots[g], self._games
        assert slot is not None
        control, state = games.control[g], games.states[g]
        if control[STATUS] != FINISHED:
            control[PLAYED] = play_game(
                self._board, state, self._work, self._buf, slot.memory, slot.seats, slot.opening_rng,
                self._opening_plies, int(control[PLAYED]), self.cap, games.codes[g], self._searched(g), slot.spent,
            )  # fmt: skip
        if state[PHASE] == OVER or control[PLAYED] == self.cap:
            return self._finish(g, slot)
        control[STATUS] = DECIDING
        self._starting[games.model[g, self._mover(g)]].append(g)
        return None

    def _mover(self, g: int) -> int:
        """The participant who decides next in game `g`."""
        return mover(self._games.states[g])

    def _searched(self, g: int) -> Searched:
        games = self._games
        return Searched(games.kept[g], games.found[g], games.shares[g], games.spent[g], games.value[g])

    def _finish(self, g: int, slot: _Slot) -> PlayedGame:
        plies = int(self._games.control[g, PLAYED])
        found = Searched(*(column[:plies].copy() for column in self._searched(g)))
        own = effort_of(slot.spent)
        decided = own.decisions + self._games.decided[g, : len(own.decisions)]
        effort = Effort(own.cpu_s + slot.network_cpu_s, decided)
        game = MatchGame(self._games.codes[g, :plies].copy(), self._games.states[g].copy(), found, effort)
        self._slots[g] = None
        return PlayedGame(slot.start.number, game, slot.seconds)


def first_rows(encoded: Encoded, positions: int) -> Encoded:
    """The first rows of a batch, with no copy."""
    moves = int(encoded.first[positions])
    return Encoded(
        encoded.planes[:positions], encoded.globals[:positions], encoded.first[: positions + 1],
        encoded.moves[:moves], encoded.extras[:moves], encoded.codes[:moves],
    )  # fmt: skip


def play_lockstep(
    table: Lockstep, starts: Iterator[GameStart], check: Callable[[], None] = lambda: None
) -> Iterator[PlayedGame]:
    """Play games as `starts` yields them, as many at once as `table` holds, each yielded as it ends.

    `check` is called between steps; what it raises ends the play.
    """
    more = True
    while True:
        while more and table.free:
            start = next(starts, None)
            if start is None:
                more = False
            elif played := table.start(start):
                yield played
        if table.free == table.width:
            return
        check()
        yield from table.step()


def play_decision(state: np.ndarray, player: Participant, seed: int, evaluators: Mapping[str, Evaluator]) -> MatchGame:
    """A game of one decision from `state`, by a participant with a network; of none where the game is over."""
    config = Config(board_name(int(state[BOARD])), int(state[PLAYERS]))
    table = Lockstep(config, evaluators, width=1, budgets=[player.budget], cap=1)
    start = GameStart(0, seed, [player] * config.players, key=("decide",), state=state)
    [played] = play_lockstep(table, iter([start]))
    return played.game


def compile_search() -> None:
    """Compile the search: its first step grows a root and asks no network anything."""
    config, weights = Config("square8", 2), "0" * 64
    table = Lockstep(config, {weights: _Silent()}, width=1, budgets=[2])
    table.start(GameStart(0, 0, [participant(NETWORK_ENGINE, config, 9, model=weights, budget=2)] * 2))
    table.step()


class _Silent:
    """Stands for a network where the search is only compiled: the first step asks for no leaf's value."""

    weights, games = "0" * 64, 1

    def __call__(self, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("the first step has no leaf")
