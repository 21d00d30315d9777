"""A series of two players written as text."""

from ringrift.config import Config
from ringrift.play.player_text import read_player
from ringrift.play.summary import Series

SQUARE8, HEX8_3P = Config("square8", 2), Config("hex8", 3)
GOOD, RANDOM = "heuristic:7", "random"


def series_of(*specs, config=SQUARE8, blocks=2, **options):
    players = [read_player(spec, config) for spec in specs]
    return Series(config=config, specs=specs, players=players, blocks=blocks, **options)
