"""Games to train on, shared by the tests of this folder."""

import pyarrow as pa
import pytest

from ringrift.config import Config
from ringrift.gamesets.schema import table_of
from ringrift.kinds.selfplay import game_plan
from ringrift.matches.play import play_rows
from ringrift.network.training.rows import Rows, make_rows
from ringrift.network.training.window import WindowShape, select_window
from ringrift.players.participant import participant
from ringrift.specs.selfplay import SelfplayParams

HEX8 = Config("hex8", 2)


def play(config: Config, games: int, root_seed: int = 3, iteration: int = 0, **more) -> pa.Table:
    """Games between seats drawn from random, all kinds of players of little strength."""
    seats = (("random", 1), ("heuristic", 4), ("minimax", 1), ("descent", 1), ("mcts", 3), ("mcts", 4))
    pool = [participant(engine, config, difficulty) for engine, difficulty in seats]
    params = SelfplayParams(
        config=config.key,
        iteration=iteration,
        job="a_job",
        engine="mixed",
        first_game=0,
        games=games,
        root_seed=root_seed,
        opening_plies=4,
        pool=[player.to_dict() for player in pool],
        **more,
    )
    plan = game_plan(params)
    return table_of(play_rows(plan, plan.indices))


@pytest.fixture(scope="session")
def games() -> pa.Table:
    return play(HEX8, 30)


@pytest.fixture(scope="session")
def rows(games: pa.Table) -> Rows:
    return make_rows(select_window([games], HEX8, WindowShape()).games, HEX8)
