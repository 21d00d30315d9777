"""The composition root: assets, checks, jobs and resources of the one code location."""

import dagster as dg

from resources.workbench import Workbench
from ringrift_assets.assets import ASSETS
from ringrift_assets.checks import CHECKS

COLLECT = ("incumbent", "selfplay_games", "training_db")

collect = dg.define_asset_job(
    "collect",
    selection=dg.AssetSelection.assets(*COLLECT),
    description="Play an iteration's games and make its training set.",
)

defs = dg.Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=[collect],
    resources={"bench": Workbench()},
    executor=dg.in_process_executor,  # runs mostly poll; the work is in the hosts' own processes
)
