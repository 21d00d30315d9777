"""The home's one file of trained heuristic profiles, gathered from the store."""

from pathlib import Path

from resources.store.contents.base import content_of
from resources.store.contents.profiles import ProfileContent
from resources.store.home import Home
from resources.store.store import Store
from resources.views.status import configs_of
from ringrift import names
from ringrift.players.heuristic.profiles import PROFILES, profiles_file, write_profiles


def write_unified_profiles(home: Home) -> Path | None:
    """`trained_heuristic_profiles.json` of the home: the newest trained profile of every config; None without any."""
    store = Store(home.store)
    newest = [
        record
        for config in configs_of(store)
        for record in store.upto(names.HEURISTIC_PROFILES, config, names.LAST_ITERATION)[-1:]
    ]
    found = [(record, content_of(record, ProfileContent)) for record in newest]
    trained = [(record, content) for record, content in found if content.profile not in PROFILES]
    if not trained:
        return None
    content = profiles_file(
        {content.profile: content.profile_weights for _, content in trained},
        {name: about for _, content in trained for name, about in content.metadata.items()},
        updated=max(record.provenance["written_at"] for record, _ in trained),
    )
    write_profiles(home.root / names.PROFILES_FILE, content)
    return home.root / names.PROFILES_FILE
