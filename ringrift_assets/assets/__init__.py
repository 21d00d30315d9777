"""The assets of the graph, one file a phase."""

from ringrift_assets.assets.incumbent import incumbent
from ringrift_assets.assets.selfplay_games import selfplay_games
from ringrift_assets.assets.training_db import training_db

ASSETS = (incumbent, selfplay_games, training_db)
