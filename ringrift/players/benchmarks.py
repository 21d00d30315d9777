"""The frozen opponents against which tiers are measured, and the anchor of the rating scale. No network plays here.

A benchmark never changes once a tier was won against it: a better one is another version of this table, and
verdicts carry the version they were made with. All numbers are written out, so that a change of a default
elsewhere does not move a benchmark.
"""

from typing import NamedTuple

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.engines import ENGINES, light_default
from ringrift.players.heuristic.profiles import BALANCED, find_profile, profile_hash
from ringrift.players.participant import Participant

BENCHMARKS_VERSION = 1


class Benchmark(NamedTuple):
    """One rung: an engine with the balanced profile. `budget` counts positions a decision, 0 without search."""

    engine: str
    difficulty: int
    randomness: float  # probability of a uniform decision
    budget: int = 0


BENCHMARKS = {
    "B2": Benchmark("heuristic", 2, 0.30),
    "B4": Benchmark("descent", 4, 0.08, 1_000),
    "B6": Benchmark("descent", 6, 0.02, 4_000),
    "B8": Benchmark("descent", 8, 0.0, 16_000),
}
"""`B{n}` is what a player of tier D{n} must beat. The same table serves every config."""

ANCHOR = Benchmark("heuristic", 7, 0.0)  # the default heuristic without randomness


def unavailable(name: str) -> str | None:
    """Why a benchmark cannot be played now, or None. Raises InvalidInput for an unknown name."""
    engine = _entry(name).engine
    if engine in ENGINES:
        return None
    return f"benchmark {name} needs the engine {engine}, which is not available; there are {', '.join(ENGINES)}"


def benchmark(name: str, config: Config) -> Participant:
    """The benchmark `name` (B2, B4, B6, B8) in a config. Raises InvalidInput if it is unknown or unavailable."""
    if reason := unavailable(name):
        raise InvalidInput("benchmark", name, reason)
    return _participant(_entry(name), config)


def anchor(config: Config) -> Participant:
    """The participant that stands at 1500 in every rating fit of the config."""
    return _participant(ANCHOR, config)


def _entry(name: str) -> Benchmark:
    if name not in BENCHMARKS:
        raise InvalidInput("benchmark", name, f"use one of {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def _participant(entry: Benchmark, config: Config) -> Participant:
    evaluates = ENGINES[entry.engine].evaluates
    return Participant(
        entry.engine,
        entry.difficulty,
        randomness=entry.randomness,
        light=light_default(config.board),
        profile=BALANCED if evaluates else None,
        profile_hash=profile_hash(find_profile(BALANCED)) if evaluates else None,
        budget=entry.budget,
    )
