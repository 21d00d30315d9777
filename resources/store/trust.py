"""What this home holds of its hosts' honesty: its secret, by which games are chosen for proof, and who is set apart.

A host is set apart by an act of the home when games that it brought do not hold, and comes back by an act of a person.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from resources.store.acts import acts_of, record_act
from resources.store.home import Home
from resources.store.locks import locked
from ringrift.files import atomic_path

SECRET_FILE, SECRET_BYTES = "secret.key", 32
QUARANTINE, TRUST = "quarantine", "trust"  # acts


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why and since when (Unix seconds) a host is set apart: the job whose games did not hold, and what was found."""

    host: str
    since: float
    job: str
    reason: str

    def __str__(self) -> str:
        return f"it is set apart: {self.reason} ({self.job}); `ringrift hosts trust {self.host}` lets it play again"


def secret(home: Home) -> bytes:
    """The home's secret, which no host ever sees; made when it is asked for first, readable by its owner only."""
    path = home.root / SECRET_FILE
    with locked(home.root / f"{SECRET_FILE}.lock"):
        if not path.is_file():
            with atomic_path(path) as temporary:
                temporary.touch(mode=0o600)
                temporary.write_bytes(os.urandom(SECRET_BYTES))
    return path.read_bytes()


def choose(key: bytes, claim: str, indices: Sequence[int], size: int) -> list[int]:
    """`size` of some game indices, sorted: as good as random to who does not know the key, and always the same.

    `claim` says whose games they are and what they are said to be, so that they are chosen after that was said.
    """

    def rank(index: int) -> bytes:
        return hmac.new(key, f"{claim}:{index}".encode(), hashlib.sha256).digest()

    return sorted(sorted(set(indices), key=rank)[:size])


def set_apart(home: Home, host: str, job: str, reason: str) -> Quarantine:
    """Let a host play no more, because of a job's games."""
    act = record_act(home, QUARANTINE, host=host, job=job, reason=reason)
    return Quarantine(host, act["at"], job, reason)


def let_back(home: Home, host: str) -> None:
    """Let a host play again."""
    record_act(home, TRUST, host=host)


def quarantines(home: Home) -> dict[str, Quarantine]:
    """The hosts that are set apart now, by name. Raises StoreDamaged."""
    found: dict[str, Quarantine] = {}
    for act in acts_of(home, QUARANTINE, TRUST):
        if act["act"] == TRUST:
            found.pop(act["host"], None)
        else:
            found[act["host"]] = Quarantine(act["host"], act["at"], act["job"], act["reason"])
    return found
