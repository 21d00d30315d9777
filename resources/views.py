"""Views of a home, made from its store alone: state file, status, leaderboards, logs and reports.

Nothing here is needed to go on: a view that is lost is made again. Writers hold one lock, so that several runs
may refresh the views at once. Nothing here imports Dagster.
"""

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

from resources.locks import locked
from resources.phases import PHASES, REPORT, STEPS, current_phase, phase_done
from resources.registry import Registry
from resources.storage import Home, Record, Store, StoreDamaged
from resources.summary import iteration_block, leaderboard_block, resource_block
from ringrift.config import CONFIG_KEYS
from ringrift.errors import MissingInput
from ringrift.files import atomic_path, write_json, write_text

HISTORY_ROWS = 10_000  # newest rows of the Elo history in the state file; the store has all of them
FLAT_CONFIG = "square8_2p"  # its rating names stand alone, those of other configs as `config/NAME`
STATE_PHASES = ("selfplay", "sync", "cmaes", "training", "profile-sync", "evaluation", "tier-gating")
RESOURCES_PLACE = ("worker_resources", "all", 0)  # the one partition of the asset that has none


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
            for record in store.upto("tournament_games", config, 9999):
                write_tournament_log(home, record)
            registry.write_models(config)
            for record in store.upto("cmaes_profile", config, 9999):
                write_cmaes_log(home, record)
            for record in store.upto(REPORT, config, 9999):
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
    now = [config for config in configs if store.get("incumbent", config, newest or 0)]
    games: dict[str, int] = {}
    synced, problems, promoted = 0.0, [], {}
    for config in configs:
        for record in store.upto("selfplay_games", config, 9999):
            name = f"iter_{record.iteration}"
            games[name] = games.get(name, 0) + record.rows
        for asset in STEPS:
            problems += [_partial(record) for record in store.upto(asset, config, 9999) if record.missing]
        for record in store.upto("training_db", config, 9999):
            synced = max(synced, record.provenance["written_at"])
        verdicts = store.upto("tier_assignment", config, 9999)
        if any(record.data["verdicts"]["tier"]["promoted"] for record in verdicts):
            promoted[config] = verdicts[-1].data["tier"]
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


def write_tournament_log(home: Home, record: Record) -> Path:
    """The match games of a partition as JSON lines, in logs/tournaments/iter{N}/; returns the file."""
    target = home.logs / "tournaments" / f"iter{record.iteration}" / f"{record.config}.jsonl"
    return _copy(Store(home.store).path(record, "games.jsonl"), target, record.files["games.jsonl"].bytes)


def write_cmaes_log(home: Home, record: Record) -> Path:
    """The generations of a partition's searches as JSON lines and their plot, in logs/cmaes/iter{N}/; the former."""
    store, folder = Store(home.store), home.logs / "cmaes" / f"iter{record.iteration}"
    plot = "convergence.svg"
    _copy(store.path(record, plot), folder / f"{record.config}.svg", record.files[plot].bytes)
    name = "generations.jsonl"
    return _copy(store.path(record, name), folder / f"{record.config}.jsonl", record.files[name].bytes)


def write_unified_profiles(home: Home) -> Path | None:
    """`trained_heuristic_profiles.json` of the home: the newest trained profile of every config; None without any."""
    from ringrift.players.weights import PROFILES
    from ringrift.profiles_file import FILE, profiles_file, write_profiles

    store = Store(home.store)
    newest = [record for config in configs_of(store) for record in store.upto("heuristic_profiles", config, 9999)[-1:]]
    trained = [record for record in newest if record.data["profile"] not in PROFILES]
    if not trained:
        return None
    content = profiles_file(
        {record.data["profile"]: record.data["profile_weights"] for record in trained},
        {name: about for record in trained for name, about in record.data["metadata"].items()},
        updated=max(record.provenance["written_at"] for record in trained),
    )
    write_profiles(home.root / FILE, content)
    return home.root / FILE


def write_report(home: Home, record: Record) -> Path:
    """The page of a report in reports/{config}/, with links that work from there; returns the file."""
    target = home.reports / record.config / f"iter{record.iteration:04d}.html"
    page = Store(home.store).path(record, "report.html").read_text(encoding="utf-8")
    text = re.sub(r'href="(\.\./){5}', 'href="../../', page)  # from the partition's folder to the home
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write_text(target, text)
    return target


def _copy(source: Path, target: Path, size: int) -> Path:
    newer = target.is_file() and target.stat().st_mtime >= source.stat().st_mtime
    if not newer or target.stat().st_size != size:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    return target


def _partial(record: Record) -> str:
    return f"{record.asset} {record.config}|{record.iteration:04d} is partial; materialize it again"


def _time(seconds: float) -> str | None:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None


def _elo(store: Store, configs: list[str]) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Documented ratings by name, best first, and the newest rows of the history."""
    import pyarrow.parquet as pq

    ratings: dict[str, float] = {}
    history: list[dict[str, Any]] = []
    for config in configs:
        records = store.upto("elo_ratings", config, 9999)
        names = {row["key"]: flat_name(config, row["name"]) for record in records for row in record.data["ratings"]}
        if records:
            ratings |= {names[row["key"]]: row["elo"] for row in records[-1].data["ratings"]}
        for record in records:
            for row in pq.read_table(store.path(record, "history.parquet")).to_pylist():
                history.append({**row, "player_a": names[row["player_a"]], "player_b": names[row["player_b"]]})
    history.sort(key=lambda row: row["timestamp"] or "")
    best = dict(sorted(ratings.items(), key=lambda item: (-item[1], item[0])))
    return best, history[-HISTORY_ROWS:]


def _hashes(store: Store, configs: list[str]) -> list[str]:
    """Hashes of all games in the training sets, sorted."""
    import pyarrow.parquet as pq

    found: set[str] = set()
    for config in configs:
        for record in store.upto("training_db", config, 9999):
            path = store.path(record, "games.parquet")
            found.update(pq.read_table(path, columns=["game_hash"])["game_hash"].to_pylist())
    return sorted(found)
