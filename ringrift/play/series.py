"""Players as people write them, and series of games between computer players, with what came out of them.

A series is played in blocks of all seat rotations from one opening, as matches are (`tournament`): player 1 sits in
seat `game index % seats`, the others follow in order, and the last one given fills the seats that are left. Openings
are balanced (`openings`). Equal seed and players give the equal games.
"""

from collections.abc import Iterator

from ringrift.matches.openings import opening_seeds
from ringrift.matches.plan import GamePlan, PlannedGame
from ringrift.matches.play import play_rows
from ringrift.play.player_text import load_networks, load_values, profiles_of
from ringrift.play.summary import Row, Series, block_score, owner
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.rules.position_json import read_options
from ringrift.stats.sprt import judge_blocks

JOB, SOURCE = "play", "tournament"  # how the rows of played games name their origin


def game_plan(series: Series) -> GamePlan:
    """The games of a series, in block order; game index = block * seats + the first player's seat."""
    config = series.config
    indices = range(series.blocks * config.players)
    options = read_options({}, config)
    seed_of = opening_seeds(config, series.seed, (JOB, config.key), plies=series.opening_plies, options=options)

    def game(index: int) -> PlannedGame:
        block, seat = divmod(index, config.players)
        seats = [series.players[owner(series, index, other)] for other in range(config.players)]
        return PlannedGame(seed_of(block), seats, key=("rotation", seat))

    return GamePlan(
        config=config,
        iteration=0,
        source=SOURCE,
        job=JOB,
        options=options,
        opening_plies=series.opening_plies,
        decision_cap=None,
        profiles=profiles_of(series.specs, config),
        participants=list(series.players),
        indices=indices,
        game=game,
    )


def warm_up(series: Series) -> None:
    """Load the kernels, so that no player's time is that of compiling."""
    anybody = participant("random", series.config, 1)
    play_match_game(series.config, [anybody] * series.config.players, 0, ["warm-up"], cap=0)
    if any(player.model for player in series.players):
        from ringrift.network.lockstep import compile_search

        compile_search()


def play_series(series: Series) -> Iterator[Row]:
    """Play a series, one row (schema.make_row) a game as it is asked for; a gate ends after the block that decides."""
    plan, seats = game_plan(series), series.config.players
    rows: list[Row] = []

    def wanted() -> Iterator[int]:
        scores: list[float] = []
        for block in range(series.blocks):
            yield from plan.indices[block * seats : (block + 1) * seats]
            scores.append(block_score(series, rows[-seats:], 0))
            if series.gate and judge_blocks(scores, series.gate, players=seats).outcome != "continue":
                return

    networks, values = load_networks(series.specs, series.config), load_values(series.specs, series.config)
    for row in play_rows(plan, wanted(), evaluators=networks, values=values, ahead=plan.indices, timed=True):
        rows.append(row)
        yield row
