"""Names that stand in a home's store: assets, the files in their partitions, and the last iteration there can be.

They are written to disk and hashed into job ids, so none of them ever changes.
"""

INCUMBENT = "incumbent"
SELFPLAY_GAMES = "selfplay_games"
TRAINING_DB = "training_db"
CMAES_PROFILE = "cmaes_profile"
TRAINED_MODEL = "trained_model"
HEURISTIC_PROFILES = "heuristic_profiles"
TOURNAMENT_GAMES = "tournament_games"
ELO_RATINGS = "elo_ratings"
TIER_ASSIGNMENT = "tier_assignment"
ITERATION_REPORT = "iteration_report"
WORKER_RESOURCES = "worker_resources"

LAST_ITERATION = 9999  # an iteration is written with four digits

RECORD_FILE = "partition.json"  # beside the versions of every partition

GAMES_FILE = "games.parquet"  # of each asset that holds games
PLANS_FILE = "plans.json.gz"  # beside the games: the jobs that planned them
REJECTS_FILE = "rejects.parquet"
GAMES_LOG = "games.jsonl"
BOARD_PICTURE = "board.svg"

INCUMBENT_FILE = "incumbent.json"
GENERATIONS_FILE, CANDIDATES_FILE, CONVERGENCE_PLOT = "generations.jsonl", "candidates.json", "convergence.svg"
WEIGHTS_FILE, CARD_FILE, LOSSES_PLOT = "model.safetensors", "model.json", "losses.svg"
PROFILES_FILE, PROFILE_FILE = "trained_heuristic_profiles.json", "profile.json"
PLAYER_FILE = "player.json"  # of an exported model
RATING_EVENTS_FILE, FIT_FILE = "history.parquet", "fit.json"
RATINGS_PLOT, RATING_HISTORY_PLOT = "ratings.svg", "rating_history.svg"
VERDICTS_FILE = "verdicts.json"
PROFILE_EVIDENCE, CHAMPION_EVIDENCE, TIER_EVIDENCE = (
    "profile_evidence.json",
    "champion_evidence.json",
    "tier_evidence.json",
)
REPORT_PAGE, SUMMARY_FILE = "report.html", "summary.txt"
HOSTS_FILE = "hosts.json"


def gate_file(match: str) -> str:
    """The file with the evidence of a gate match."""
    return f"gate-{match}.json"
