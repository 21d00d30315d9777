"""Rows of random games."""

from ringrift.kinds.selfplay import game_plan
from ringrift.matches.play import play_rows
from ringrift.players.participant import Participant
from ringrift.specs.selfplay import SelfplayParams

RANDOM = Participant("random", 1).to_dict()


def played(config: str = "square8_2p", count: int = 60, **changes) -> list[dict]:
    """Rows of random games, as selfplay makes them."""
    params = SelfplayParams(
        config=config,
        iteration=3,
        job="random",
        engine="random-only",
        first_game=0,
        games=count,
        root_seed=1,
        opening_plies=2,
        pool=[RANDOM],
        **changes,
    )
    return list(play_rows(game_plan(params), range(count)))
