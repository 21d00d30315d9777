"""The assets of the graph, one file a phase."""

from ringrift_assets.assets.cmaes_profile import cmaes_profile
from ringrift_assets.assets.elo_ratings import elo_ratings
from ringrift_assets.assets.heuristic_profiles import heuristic_profiles
from ringrift_assets.assets.incumbent import incumbent
from ringrift_assets.assets.iteration_report import iteration_report
from ringrift_assets.assets.selfplay_games import selfplay_games
from ringrift_assets.assets.tier_assignment import tier_assignment
from ringrift_assets.assets.tournament_games import tournament_games
from ringrift_assets.assets.trained_model import trained_model
from ringrift_assets.assets.training_db import training_db
from ringrift_assets.assets.worker_resources import worker_resources

ASSETS = (
    incumbent,
    selfplay_games,
    training_db,
    cmaes_profile,
    trained_model,
    heuristic_profiles,
    tournament_games,
    elo_ratings,
    tier_assignment,
    iteration_report,
    worker_resources,
)
