"""The state file of a home and its other views, all made from its store alone.

Nothing here is needed to go on: a view that is lost is made again. Writers hold one lock, so that several runs
may refresh the views at once. Nothing here imports Dagster.
"""

import json
import time
from pathlib import Path
from typing import Any

from resources.models.registry import Registry
from resources.store.contents.base import content_of
from resources.store.contents.matches import RatingsContent
from resources.store.contents.verdicts import VerdictsContent
from resources.store.home import Home
from resources.store.locks import locked
from resources.store.phases import PHASES, REPORT, STEPS, current_phase, phase_done
from resources.store.record import StoreDamaged
from resources.store.store import Store
from resources.views.logs import write_cmaes_log, write_report, write_tournament_log
from resources.views.profiles import write_unified_profiles
from resources.views.status import _partial, configs_of, flat_name, newest_iteration
from ringrift import names
from ringrift.files import write_json

HISTORY_ROWS = 10_000  # newest rows of the Elo history in the state file; the store has all of them
STATE_PHASES = ("selfplay", "sync", "cmaes", "training", "profile-sync", "evaluation", "tier-gating")


def state_path(home: Home) -> Path:
    """The documented place of the state file."""
    return home.logs / "pipeline" / "state.json"


def refresh(home: Home, extra_path: Path | None = None) -> dict[str, Any]:
    """Make every view again and return the state; `extra_path` gets a copy of the state file.

    Raises StoreDamaged if a state file that is there does not parse: it may be somebody's only copy of something.
    """
    paths = [state_path(home), *([extra_path] if extra_path else [])]
    with locked(home.root / "views.lock"):
        for path in paths:
            read_state(path)
        state = rebuild_state(home)
        for path in paths:
            write_json(path, state)
        store, registry = Store(home.store), Registry(home)
        for config in configs_of(store):
            for record in store.upto(names.TOURNAMENT_GAMES, config, names.LAST_ITERATION):
                write_tournament_log(home, record)
            registry.write_models(config)
            for record in store.upto(names.CMAES_PROFILE, config, names.LAST_ITERATION):
                write_cmaes_log(home, record)
            for record in store.upto(REPORT, config, names.LAST_ITERATION):
                write_report(home, record)
        write_unified_profiles(home)
    return state


def read_state(path: Path) -> dict[str, Any] | None:
    """A state file, None if there is none. Raises StoreDamaged with the remedy if it does not parse."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise StoreDamaged(f"{path} does not parse; move it aside, it is made again from the store")
    return value


def rebuild_state(home: Home) -> dict[str, Any]:
    """The documented state, from the store alone. Equal stores give equal states.

    `phase` is the first one that is not finished in the newest iteration, or `complete`. A documented phase
    that this version does not have is never completed.
    """
    store = Store(home.store)
    configs = configs_of(store)
    newest = newest_iteration(store)
    now = [config for config in configs if store.get(names.INCUMBENT, config, newest or 0)]
    games: dict[str, int] = {}
    synced, problems, promoted = 0.0, [], {}
    for config in configs:
        for record in store.upto(names.SELFPLAY_GAMES, config, names.LAST_ITERATION):
            name = f"iter_{record.iteration}"
            games[name] = games.get(name, 0) + record.rows
        for asset in STEPS:
            problems += [
                _partial(record) for record in store.upto(asset, config, names.LAST_ITERATION) if record.missing
            ]
        for record in store.upto(names.TRAINING_DB, config, names.LAST_ITERATION):
            synced = max(synced, record.provenance["written_at"])
        judged = store.upto(names.TIER_ASSIGNMENT, config, names.LAST_ITERATION)
        verdicts = [content_of(record, VerdictsContent) for record in judged]
        if any(content.verdicts.tier.promoted for content in verdicts):
            promoted[config] = verdicts[-1].tier
    ratings, history = _elo(store, configs)
    models = Registry(home).models()
    return {
        "iteration": newest or 0,
        "phase": current_phase(store, now, newest) if newest is not None else next(iter(PHASES)),
        "phase_completed": {
            phase: phase in PHASES and bool(now) and all(phase_done(store, key, newest or 0, phase) for key in now)
            for phase in STATE_PHASES
        },
        "games_generated": games,
        "models_trained": [model.model_id for model in models],
        "last_sync": _time(synced),
        "errors": problems,
        "elo_ratings": ratings,
        "elo_history": history,
        "model_registry": {model.model_id: model.to_json() for model in models},
        "seen_game_hashes": _hashes(store, configs),
        "tier_promotions": promoted,
    }


def _time(seconds: float) -> str | None:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None


def _elo(store: Store, configs: list[str]) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Documented ratings by name, best first, and the newest rows of the history."""
    import pyarrow.parquet as pq

    ratings: dict[str, float] = {}
    history: list[dict[str, Any]] = []
    for config in configs:
        records = store.upto(names.ELO_RATINGS, config, names.LAST_ITERATION)
        tables = [content_of(record, RatingsContent) for record in records]
        called = {row.key: flat_name(config, row.name) for content in tables for row in content.ratings}
        if records:
            ratings |= {called[row.key]: row.elo for row in tables[-1].ratings}
        for record in records:
            for row in pq.read_table(store.path(record, names.RATING_EVENTS_FILE)).to_pylist():
                history.append({**row, "player_a": called[row["player_a"]], "player_b": called[row["player_b"]]})
    history.sort(key=lambda row: row["timestamp"] or "")
    best = dict(sorted(ratings.items(), key=lambda item: (-item[1], item[0])))
    return best, history[-HISTORY_ROWS:]


def _hashes(store: Store, configs: list[str]) -> list[str]:
    """Hashes of all games in the training sets, sorted."""
    import pyarrow.parquet as pq

    found: set[str] = set()
    for config in configs:
        for record in store.upto(names.TRAINING_DB, config, names.LAST_ITERATION):
            path = store.path(record, names.GAMES_FILE)
            found.update(pq.read_table(path, columns=["game_hash"])["game_hash"].to_pylist())
    return sorted(found)
