"""The file of trained profiles on its way to the hosts that play, for people who want to look or play there.

Jobs carry the weights they play with; none of them reads this file.
"""

from dataclasses import dataclass, field
from pathlib import Path

from resources.hosts.file import profile_hosts
from resources.runtime import Runtime
from resources.store.locks import locked
from resources.views.profiles import write_unified_profiles


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the file: hosts it was sent to, hosts that had it as it is, and host → why it has not got it."""

    file: Path | None = None  # None: no config has a trained profile yet, so there is nothing to send
    sent: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)


def send_profiles(runtime: Runtime) -> Delivery:
    """Write the home's file of trained profiles anew from the store and bring it to every host that plays.

    It appears whole in the host's `ringrift_path`. A host that does not take it is in `missed` and fails nothing.
    """
    home = runtime.home
    with locked(home.root / "profiles.lock"):  # so that no older file overtakes a newer one on its way
        with locked(home.root / "views.lock"):
            file = write_unified_profiles(home)
        if file is None:
            return Delivery()
        pushed = runtime.push(file, file.name, profile_hosts(runtime.hosts))
    return Delivery(
        file,
        [name for name, found in pushed.items() if found is True],
        [name for name, found in pushed.items() if found is False],
        {name: found for name, found in pushed.items() if isinstance(found, str)},
    )
