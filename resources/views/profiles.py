"""The home's one file of trained heuristic profiles, gathered from the store."""

from pathlib import Path

from resources.store.home import Home
from resources.store.store import Store
from resources.views.status import configs_of


def write_unified_profiles(home: Home) -> Path | None:
    """`trained_heuristic_profiles.json` of the home: the newest trained profile of every config; None without any."""
    from ringrift.players.heuristic.profiles import FILE, PROFILES, profiles_file, write_profiles

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
