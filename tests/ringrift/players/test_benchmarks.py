"""Benchmarks are frozen: the same participants for ever, whatever the defaults elsewhere become."""

import pytest

from ringrift.config import CONFIG_KEYS, parse_config
from ringrift.errors import InvalidInput
from ringrift.players import benchmarks
from ringrift.players.benchmarks import BENCHMARKS, BENCHMARKS_VERSION, anchor, benchmark, unavailable
from ringrift.players.engines import ENGINES

# Keys of B2 and of the anchor, without and with light mode; a change needs a new version.
GOLDEN = {
    "square8_2p": ("4648aeacc1b32274", "765b65746c1a3941"),
    "hexagonal_4p": ("c9e5cf8a8e3751e2", "6f7852beea552bfe"),
}


def test_the_keys_of_what_can_be_played_never_change():
    assert BENCHMARKS_VERSION == 1
    keys = {
        config: (benchmark("B2", parse_config(config)).key, anchor(parse_config(config)).key)
        for config in ("square8_2p", "hexagonal_4p")
    }
    assert keys == GOLDEN


@pytest.mark.parametrize("key", CONFIG_KEYS)
def test_every_config_has_the_same_rungs_without_a_network(key):
    config = parse_config(key)
    player = benchmark("B2", config)
    assert (player.engine, player.difficulty, player.randomness) == ("heuristic", 2, 0.3)
    assert player.light == (config.board in ("square19", "hexagonal"))
    assert anchor(config).randomness == 0.0 and anchor(config).profile == "heuristic_v1_balanced"


def test_rungs_grow_and_are_named_after_the_tier_that_must_beat_them():
    assert [int(name[1:]) for name in BENCHMARKS] == [entry.difficulty for entry in BENCHMARKS.values()] == [2, 4, 6, 8]
    budgets = [entry.budget for entry in BENCHMARKS.values()]
    assert budgets == sorted(budgets) and len(set(budgets)) == 4


def test_a_benchmark_whose_engine_is_not_there_says_so_and_nobody_plays_for_it(monkeypatch):
    monkeypatch.setattr(benchmarks, "ENGINES", {name: ENGINES[name] for name in ("random", "heuristic")})
    reason = unavailable("B4")
    assert reason and "benchmark B4 needs the engine descent, which is not available" in reason
    with pytest.raises(InvalidInput, match="descent"):
        benchmark("B4", parse_config("square8_2p"))
    assert unavailable("B2") is None
    with pytest.raises(InvalidInput, match="use one of B2, B4, B6, B8"):
        unavailable("B3")
