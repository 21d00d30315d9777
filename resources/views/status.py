"""Progress of a home as data: iterations, phases, games, ratings, champion and tier per config."""

import time
from typing import Any

from resources.store.contents.base import content_of
from resources.store.contents.matches import RatingsContent
from resources.store.contents.operations import HostsContent, ReportContent
from resources.store.contents.profiles import IncumbentContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.home import Home
from resources.store.phases import REPORT, STEPS, current_phase
from resources.store.record import Record
from resources.store.seals import accepted
from resources.store.store import Store
from resources.views.text import iteration_block, leaderboard_block, resource_block
from ringrift import names
from ringrift.config import CONFIG_KEYS
from ringrift.errors import MissingInput

FLAT_CONFIG = "square8_2p"  # its rating names stand alone, those of other configs as `config/NAME`
RESOURCES_PLACE = (names.WORKER_RESOURCES, "all", 0)  # the one partition of the asset that has none


def configs_of(store: Store) -> list[str]:
    """Configs that have something in the store, in the pipeline's order."""
    found = {path.name for asset in STEPS for path in (store.root / asset).glob("*_[234]p")}
    return sorted(found, key=lambda key: (CONFIG_KEYS.index(key) if key in CONFIG_KEYS else len(CONFIG_KEYS), key))


def newest_iteration(store: Store) -> int | None:
    """The newest iteration of which anything is in the store."""
    numbers = [
        record.iteration
        for config in configs_of(store)
        for record in store.upto(names.INCUMBENT, config, names.LAST_ITERATION)[-1:]
    ]
    return max(numbers, default=None)


def flat_name(config: str, name: str) -> str:
    """How a participant is called outside its pool: `MCTS_D6` in square8_2p, else `config/NAME`."""
    return name if config == FLAT_CONFIG else f"{config}/{name}"


def leaderboard(home: Home, config: str) -> list[dict[str, Any]]:
    """The newest ratings of a config, best first: name, rating, low, high, los, games, elo, key, iteration.

    Raises MissingInput if nothing is rated there yet.
    """
    records = Store(home.store).upto(names.ELO_RATINGS, config, names.LAST_ITERATION)
    if not records:
        raise MissingInput(f"{config} has no ratings in {home.store}; `ringrift run -c {config}` makes some")
    rows = content_of(records[-1], RatingsContent).rows()
    return [{**row, "iteration": records[-1].iteration} for row in rows]


def status(home: Home) -> dict[str, Any]:
    """Progress of the home: newest iteration and phase, and for each config who is current and what is stored."""
    store = Store(home.store)
    configs, newest = configs_of(store), newest_iteration(store)
    now = [config for config in configs if newest is not None and store.get(names.INCUMBENT, config, newest)]
    return {
        "home": str(home.root),
        "iteration": newest,
        "phase": None if newest is None else current_phase(store, now, newest),
        "configs": {config: _config_status(store, config) for config in configs},
        "accepted": [_accepted(act) for act in accepted(home)],
    }


def _config_status(store: Store, config: str) -> dict[str, Any]:
    records = {asset: store.upto(asset, config, names.LAST_ITERATION) for asset in STEPS}
    last = {asset: found[-1] if found else None for asset, found in records.items()}
    started = last[names.INCUMBENT]
    iteration = started.iteration if started else None
    current, ratings = _current(last), last[names.ELO_RATINGS]
    best = content_of(ratings, RatingsContent).ratings[0] if ratings else None
    return {
        "iteration": iteration,
        "phase": None if iteration is None else current_phase(store, [config], iteration),
        "tier": current and current.tier,
        "champion": current and current.champion,
        "profile": current and current.profile,
        "selfplay_games": sum(record.rows for record in records[names.SELFPLAY_GAMES]),
        "training_games": sum(record.rows for record in records[names.TRAINING_DB]),
        "match_games": sum(record.rows for record in records[names.TOURNAMENT_GAMES]),
        "best": best and {"name": best.name, "rating": best.rating, "elo": best.elo},
        "partial": [_partial(record) for found in records.values() for record in found if record.missing],
    }


def _current(last: dict[str, Record | None]) -> IncumbentContent | None:
    """Who is current in a config: by its newest verdict, else by the incumbent of its newest iteration."""
    if verdict := last[names.TIER_ASSIGNMENT]:
        return content_of(verdict, VerdictsContent)
    started = last[names.INCUMBENT]
    return content_of(started, IncumbentContent) if started else None


def summary_text(home: Home, iteration: int) -> str:
    """The documented summary of an iteration over all configs that have reported, leaderboards and hosts."""
    store = Store(home.store)
    configs = configs_of(store)
    records = [store.get(REPORT, config, iteration) for config in configs]
    reports = [content_of(record, ReportContent) for record in records if record]
    blocks = [iteration_block(iteration, reports)]
    for config in configs:
        if rated := store.get(names.ELO_RATINGS, config, iteration):
            blocks.append(leaderboard_block(content_of(rated, RatingsContent).rows(), config))
    if hosts := store.get(*RESOURCES_PLACE):
        blocks.append(resource_block(content_of(hosts, HostsContent).hosts))
    return "\n\n".join(blocks) + "\n"


def _accepted(act: dict[str, Any]) -> str:
    when = time.strftime("%Y-%m-%d", time.localtime(act["at"]))
    place = f"{act['asset']} {act['config']}|{act['iteration']:04d}"
    return f"{place} was changed by hand and accepted on {when}: {act['reason']}"


def _partial(record: Record) -> str:
    return f"{record.asset} {record.config}|{record.iteration:04d} is partial; materialize it again"
