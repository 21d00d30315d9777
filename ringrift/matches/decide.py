"""One decision of one player in a given position: the door for people, tests and tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ringrift.boards import board_name
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.match import new_spent, play_game
from ringrift.players.participant import Participant
from ringrift.players.search.targets import new_searched
from ringrift.players.seats import Profiles, ValueNetworks, new_memory, seat_table
from ringrift.rules.geometry import board
from ringrift.rules.state import BOARD, PHASE, PHASES, PLAYERS, work_words
from ringrift.seeds import stream

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator


@dataclass(frozen=True, slots=True)
class ChosenMove:
    """What a player decided. Without a search `codes` and `visits` are empty and `value` is 0."""

    code: int  # move code
    value: float  # of the search, for the player to move, in [-1, 1]; at the ends where it takes the result for decided
    codes: np.ndarray  # uint32 [n], the most visited alternatives, best first
    visits: np.ndarray  # int64 [n]


def choose_move(
    state: np.ndarray,
    participant: Participant,
    seed: int = 0,
    *,
    profiles: Profiles | None = None,
    evaluators: "Mapping[str, Evaluator] | None" = None,
    values: ValueNetworks | None = None,
) -> ChosenMove:
    """The decision of `participant` in `state` (see rules.state; unchanged), a pure function of its arguments.

    `evaluators` and `values` are policy and value networks by weights hash. Raises InvalidInput if the game is over, if
    the weights found under the participant's profile name are not those it was made with, or if its network is missing.
    """
    config = Config(board_name(int(state[BOARD])), int(state[PLAYERS]))
    if participant.model is not None:
        from ringrift.network.lockstep import play_decision

        game = play_decision(state, participant, seed, evaluators or {})
        codes, searched = game.codes, game.searched
    else:
        b = board(config.board)
        codes, searched = np.empty(1, dtype=np.uint32), new_searched(1)
        seats, streams = [participant] * config.players, [stream(seed, "decide")] * config.players
        made = play_game(
            b,
            state.copy(),
            np.zeros(work_words(b), dtype=np.int64),
            np.empty(b.max_moves, dtype=np.uint32),
            new_memory(b, [participant]),
            seat_table(config, seats, streams, profiles, values),
            stream(seed, "opening"),
            0,
            0,
            1,
            codes,
            searched,
            new_spent(0),
        )
        codes = codes[:made]
    if not len(codes):
        raise InvalidInput("state", PHASES[int(state[PHASE])], "give a position in which the game goes on")
    kept = int(searched.kept[0])
    value = float(searched.value[0]) if kept else 0.0
    return ChosenMove(int(codes[0]), value, searched.codes[0, :kept].copy(), searched.visits[0, :kept].copy())
