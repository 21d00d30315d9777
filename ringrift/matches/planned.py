"""Whether rows are games of a plan: what a stranger says of a game is compared with what was asked for."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa

from ringrift.matches.plan import GamePlan, PlannedGame, participant_name
from ringrift.rules.advance import RANDOM
from ringrift.rules.game import Workspace
from ringrift.rules.geometry import board
from ringrift.rules.state import new_state
from ringrift.seeds import stream

COLUMNS = ["iteration", "source", "job", "game_index", "seed", "participants", "opening_plies", "moves"]


@lru_cache(maxsize=8)
def _table(board_name: str) -> Workspace:
    return Workspace(board(board_name))


def opening_codes(plan: GamePlan, game: PlannedGame) -> list[int]:
    """The decisions of a planned game's random opening; fewer than planned where the game ends in it."""
    if not plan.opening_plies:
        return []
    table = _table(plan.config.board)
    state = new_state(table.board, plan.config.players, dict(plan.options))
    codes = np.empty(plan.opening_plies, dtype=np.uint32)
    table.rng = stream(game.seed, *game.opening_key, "opening")
    played, _ = table.advance(state, codes, RANDOM)
    found: list[int] = codes[:played].tolist()
    return found


def plan_problems(games: pa.Table, plan: GamePlan) -> list[str]:
    """What is wrong with each row of a game set as a game of the plan, empty where nothing is.

    A game is the planned one by its job, index, seed, seats and opening moves; each index counts once. What was
    decided after the opening is proved by playing it again (ringrift.kinds.prove).
    """
    seen: set[int] = set()
    problems = []
    for row in games.select(COLUMNS).to_pylist():
        index = row["game_index"]
        if (row["iteration"], row["source"], row["job"]) != (plan.iteration, plan.source, plan.job):
            problem = f"it is of {row['source']} {row['job']}, iteration {row['iteration']}"
        elif index in seen or index not in plan.indices:
            problem = f"game {index} was not planned, or is there twice"
        else:
            problem = _difference(row["seed"], row["participants"], row["moves"], row["opening_plies"], plan, index)
        seen.add(index)
        problems.append(problem)
    return problems


def _difference(
    seed: int, names: Sequence[str], moves: Sequence[int], opening_plies: int, plan: GamePlan, index: int
) -> str:
    """How a game of the plan's index differs from the planned one, empty if it does not."""
    game = plan.game(index)
    if (seed, list(names)) != (game.seed, [participant_name(seat) for seat in game.seats]):
        return f"seed or seats of game {index} differ from the plan"
    opening = opening_codes(plan, game)
    if opening_plies != len(opening) or list(moves[: len(opening)]) != opening:
        return f"the opening of game {index} is not the planned one"
    return ""
