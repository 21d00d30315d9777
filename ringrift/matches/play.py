"""Playing planned games inside a worker: shards as games are finished, and going on after a kill.

A job kind says which games it wants (a GamePlan); this module plays those that no whole shard holds yet,
writes shards so often that a killed worker loses little, and sums up. Where networks play, many games are in progress
at once, those to come begun ahead; they come out in order all the same, and those not wanted in the end are dropped.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ringrift.gamesets.schema import VALUE_SCALE, GameOrigin, GameOutcome, GameProvenance, make_row
from ringrift.matches.plan import GamePlan, participant_name
from ringrift.players.match import MatchGame, play_match_game
from ringrift.players.seats import ValueNetworks, networks
from ringrift.rules.game import ranking_of
from ringrift.rules.state import REASON, REASONS

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator
    from ringrift.network.lockstep import PlayedGame


def outcome(game: MatchGame) -> GameOutcome:
    """How a played game ended."""
    if game.capped:
        return GameOutcome(capped=True)
    victory = REASONS[int(game.state[REASON])]
    return GameOutcome(winner=game.winner + 1, ranking=ranking_of(game.state), victory=victory)


def search_targets(game: MatchGame) -> dict[str, Any] | None:
    """The search columns of a played game (schema.SEARCH_COLUMNS), None if no player searched.

    Values are for the player to move; a search that shares no visits (minimax) gives its decision one visit.
    """
    found = game.searched
    plies = [ply for ply in range(game.plies) if found.kept[ply]]
    if not plies:
        return None
    return {
        "search_plies": plies,
        "search_codes": [found.codes[ply, : found.kept[ply]].tolist() for ply in plies],
        "search_visits": [found.visits[ply, : found.kept[ply]].tolist() for ply in plies],
        "search_values": [round(float(found.value[ply]) * VALUE_SCALE) for ply in plies],
    }


def play_rows(
    plan: GamePlan,
    indices: Iterable[int],
    *,
    evaluators: "Mapping[str, Evaluator] | None" = None,
    values: ValueNetworks | None = None,
    ahead: Sequence[int] | None = None,
    check: Callable[[], None] = lambda: None,
    timed: bool = False,
) -> Iterator[dict[str, Any]]:
    """Play games of a plan by their indices, one row (schema.make_row) each, as they are asked for.

    A plan with policy or value networks needs them, `evaluators` or `values`, by weights hash. With policy networks it
    begins games of `ahead` (default: `indices`, which then must have an end) in this order before they are asked for,
    and calls `check` between steps. `timed` measures what the players take: a row then also has `cpu_s` and
    `decisions`, lists by seat (match.Effort).
    """
    if networks(plan.participants):
        if ahead is None:
            indices = ahead = list(indices)
        played: Iterator[tuple[int, MatchGame, float]] = _network_games(
            plan, indices, ahead, evaluators or {}, values, check
        )
    else:
        played = (_match_game(plan, index, values, timed) for index in indices)
    host, worker_version = socket.gethostname(), version("ringrift-assets")
    for index, game, seconds in played:
        planned, effort = plan.game(index), {}
        if timed and game.effort:
            effort = {"cpu_s": game.effort.cpu_s.tolist(), "decisions": game.effort.decisions.tolist()}
        origin = GameOrigin(
            config=plan.config,
            iteration=plan.iteration,
            source=plan.source,
            job=plan.job,
            game_index=index,
            seed=planned.seed,
            options=plan.options,
            participants=[participant_name(seat) for seat in planned.seats],
            opening_plies=min(plan.opening_plies, game.plies),
        )
        made = GameProvenance(
            host=host, duration_s=seconds, worker_version=worker_version, created_at=datetime.now(UTC)
        )
        moves = game.codes.tolist()
        yield make_row(origin, moves, outcome(game), search=search_targets(game), made=made) | effort


def _match_game(plan: GamePlan, index: int, values: ValueNetworks | None, timed: bool) -> tuple[int, MatchGame, float]:
    """(index, game, wall time in seconds) of a game without policy networks."""
    started, planned = time.perf_counter(), plan.game(index)
    game = play_match_game(
        plan.config,
        planned.seats,
        planned.seed,
        planned.key,
        opening_plies=plan.opening_plies,
        opening_key=planned.opening_key,
        cap=plan.decision_cap,
        profiles=plan.profiles,
        values=values,
        options=plan.options,
        timed=timed,
    )
    return index, game, time.perf_counter() - started


def _network_games(
    plan: GamePlan,
    indices: Iterable[int],
    ahead: Sequence[int],
    evaluators: "Mapping[str, Evaluator]",
    values: ValueNetworks | None,
    check: Callable[[], None],
) -> "Iterator[PlayedGame]":
    """Games with networks in the order of `indices`, begun in that of `ahead`."""
    from ringrift.network.lockstep import GameStart, Lockstep, play_lockstep

    def starts() -> Iterator[GameStart]:
        for index in ahead:
            planned = plan.game(index)
            yield GameStart(index, planned.seed, planned.seats, planned.key, planned.opening_key)

    table = Lockstep(
        plan.config,
        evaluators,
        width=min(len(ahead), max(evaluator.games for evaluator in evaluators.values())) if evaluators else 1,
        budgets={player.budget for player in plan.participants if player.model is not None},
        cap=plan.decision_cap,
        opening_plies=plan.opening_plies,
        options=plan.options,
        profiles=plan.profiles,
        values=values,
    )
    running, ended = play_lockstep(table, starts(), check), {}
    for index in indices:
        while index not in ended:
            played = next(running)
            ended[played.number] = played
        yield ended.pop(index)
