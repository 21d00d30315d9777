"""The home's secret, the choice of games by it, and hosts that are set apart."""

import stat

from resources.store.acts import acts_of
from resources.store.trust import choose, let_back, quarantines, secret, set_apart


def test_the_secret_is_made_once_and_is_the_owners_alone(home):
    first = secret(home)
    assert len(first) == 32 and secret(home) == first
    assert stat.S_IMODE((home.root / "secret.key").stat().st_mode) == 0o600


def test_games_are_chosen_by_the_secret_and_what_was_said_and_always_the_same():
    games = range(200)
    chosen = choose(b"a", "job:x", games, 10)
    assert chosen == choose(b"a", "job:x", games, 10) == sorted(set(chosen)) and len(chosen) == 10
    assert len({tuple(chosen), tuple(choose(b"b", "job:x", games, 10)), tuple(choose(b"a", "job:y", games, 10))}) == 3
    assert choose(b"a", "job:x", [3, 1], 10) == [1, 3] and choose(b"a", "job:x", [], 4) == []
    counts = [0] * 20
    for number in range(2000):
        for game in choose(b"a", str(number), range(20), 5):
            counts[game] += 1
    assert min(counts) > 400 and max(counts) < 600, "each game is as likely as any other"


def test_a_host_is_set_apart_until_a_person_lets_it_back(home):
    assert quarantines(home) == {}
    set_apart(home, "mac", "job-1", "3 of 9 games do not hold")
    found = quarantines(home)
    assert list(found) == ["mac"] and "`ringrift hosts trust mac`" in str(found["mac"])
    let_back(home, "mac")
    assert quarantines(home) == {} and [act["act"] for act in acts_of(home)] == ["quarantine", "trust"]
