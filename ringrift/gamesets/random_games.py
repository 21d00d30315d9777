"""Game sets of uniform random play, for benchmarks and warming up."""

import pyarrow as pa

from ringrift.config import Config
from ringrift.gamesets.schema import GameOrigin, GameOutcome, make_row, table_of
from ringrift.rules.game import Game
from ringrift.seeds import stream


def random_games(config: Config, games: int, seed: int = 0) -> pa.Table:
    """A game set of uniform random play."""
    rows = []
    for index in range(games):
        game = Game(config)
        game.play_random(stream(seed, "bench", config.key, index), config.decision_cap)
        rows.append(
            make_row(
                GameOrigin(
                    config=config,
                    iteration=0,
                    source="selfplay",
                    job="bench",
                    game_index=index,
                    seed=seed,
                    options=game.options,
                    participants=["Uniform"] * config.players,
                ),
                game.moves,
                GameOutcome(winner=game.winner, ranking=game.ranking, victory=game.reason, capped=not game.over),
            )
        )
    return table_of(rows)
