"""Progress of a home as data: iterations, phases, games, ratings, champion and tier per config."""

from typing import Any

from resources.store.home import Home
from resources.store.phases import REPORT, STEPS, current_phase
from resources.store.record import Record
from resources.store.store import Store
from resources.views.text import iteration_block, leaderboard_block, resource_block
from ringrift.config import CONFIG_KEYS
from ringrift.errors import MissingInput

FLAT_CONFIG = "square8_2p"  # its rating names stand alone, those of other configs as `config/NAME`
RESOURCES_PLACE = ("worker_resources", "all", 0)  # the one partition of the asset that has none


def configs_of(store: Store) -> list[str]:
    """Configs that have something in the store, in the pipeline's order."""
    found = {path.name for asset in STEPS for path in (store.root / asset).glob("*_[234]p")}
    return sorted(found, key=lambda key: (CONFIG_KEYS.index(key) if key in CONFIG_KEYS else len(CONFIG_KEYS), key))


def newest_iteration(store: Store) -> int | None:
    """The newest iteration of which anything is in the store."""
    numbers = [
        record.iteration for config in configs_of(store) for record in store.upto("incumbent", config, 9999)[-1:]
    ]
    return max(numbers, default=None)


def flat_name(config: str, name: str) -> str:
    """How a participant is called outside its pool: `MCTS_D6` in square8_2p, else `config/NAME`."""
    return name if config == FLAT_CONFIG else f"{config}/{name}"


def leaderboard(home: Home, config: str) -> list[dict[str, Any]]:
    """The newest ratings of a config, best first: name, rating, low, high, los, games, elo, key, iteration.

    Raises MissingInput if nothing is rated there yet.
    """
    records = Store(home.store).upto("elo_ratings", config, 9999)
    if not records:
        raise MissingInput(f"{config} has no ratings in {home.store}; `ringrift run -c {config}` makes some")
    return [{**row, "iteration": records[-1].iteration} for row in records[-1].data["ratings"]]


def status(home: Home) -> dict[str, Any]:
    """How far the home has come: newest iteration and phase, and for each config what is in force and in store."""
    store = Store(home.store)
    configs, newest = configs_of(store), newest_iteration(store)
    now = [config for config in configs if newest is not None and store.get("incumbent", config, newest)]
    return {
        "home": str(home.root),
        "iteration": newest,
        "phase": None if newest is None else current_phase(store, now, newest),
        "configs": {config: _config_status(store, config) for config in configs},
    }


def _config_status(store: Store, config: str) -> dict[str, Any]:
    records = {asset: store.upto(asset, config, 9999) for asset in STEPS}
    last = {asset: found[-1] if found else None for asset, found in records.items()}
    started = last["incumbent"]
    iteration = started.iteration if started else None
    force = last["tier_assignment"] or started
    ratings = last["elo_ratings"]
    return {
        "iteration": iteration,
        "phase": None if iteration is None else current_phase(store, [config], iteration),
        "tier": force.data["tier"] if force else None,
        "champion": force.data["champion"] if force else None,
        "profile": force.data["profile"] if force else None,
        "selfplay_games": sum(record.rows for record in records["selfplay_games"]),
        "training_games": sum(record.rows for record in records["training_db"]),
        "match_games": sum(record.rows for record in records["tournament_games"]),
        "best": {name: ratings.data["ratings"][0][name] for name in ("name", "rating", "elo")} if ratings else None,
        "partial": [_partial(record) for found in records.values() for record in found if record.missing],
    }


def summary_text(home: Home, iteration: int) -> str:
    """The documented summary of an iteration over all configs that have reported, leaderboards and hosts."""
    store = Store(home.store)
    configs = configs_of(store)
    reports = [store.get(REPORT, config, iteration) for config in configs]
    parts = [record.data for record in reports if record]
    blocks = [iteration_block(iteration, parts)]
    for config in configs:
        if rated := store.get("elo_ratings", config, iteration):
            blocks.append(leaderboard_block(rated.data["ratings"], config))
    if hosts := store.get(*RESOURCES_PLACE):
        blocks.append(resource_block(hosts.data["hosts"]))
    return "\n\n".join(blocks) + "\n"


def _partial(record: Record) -> str:
    return f"{record.asset} {record.config}|{record.iteration:04d} is partial; materialize it again"
