"""Turns are in proportion to the weights, spread evenly."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resources.runner.turns import WeightedRoundRobin


def turns(weights: dict[str, float], count: int) -> list[str]:
    robin, taken = WeightedRoundRobin(), []
    for _ in range(count):
        taken.append(robin.order(weights)[0])
        robin.took(taken[-1], weights)
    return taken


def test_equal_hosts_take_turns_in_the_order_of_the_file():
    assert turns({"a": 1, "b": 1, "c": 1}, 6) == ["a", "b", "c", "a", "b", "c"]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_in_a_whole_round_each_has_as_many_turns_as_its_weight(numbers):
    weights = {f"h{i}": float(n) for i, n in enumerate(numbers)}
    assert Counter(turns(weights, sum(numbers))) == Counter({name: int(w) for name, w in weights.items()})


def test_a_full_host_is_asked_last_and_takes_its_share_again_when_it_has_room():
    robin = WeightedRoundRobin()
    assert robin.order({"full": 0.0, "free": 2.0}) == ["free", "full"]
    robin.took("free", {"full": 0.0, "free": 2.0})
    assert robin.order({"full": 3.0, "free": 1.0})[0] == "full"
