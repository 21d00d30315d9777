"""How many games a job brings home at most. Its kind tells what `games` and `blocks` in its params are."""

from collections.abc import Callable

from ringrift.config import parse_config
from ringrift.jobs.contract import JobSpec

GAMES_OF: dict[str, Callable[[JobSpec], int] | None] = {
    "cmaes": None,  # its games leave scores only
    "match_results": None,
    "noop": None,
    "rate": None,  # `games` are files
    "round_robin": lambda spec: spec.params["games"],
    "selfplay": lambda spec: spec.params["games"],
    "tournament": lambda spec: spec.params["blocks"] * parse_config(spec.config).players,  # a gate may end before
    "train": None,  # `games` are files and `blocks` those of the network
    "verify": None,  # `games` is a file
}
"""Job kind → the games of such a job, None for a kind that plays none or keeps none. Every kind has its line."""


def planned_games(spec: JobSpec) -> int | None:
    """The most games a job brings home; None if it brings none, or if its kind is not known."""
    games = GAMES_OF.get(spec.kind)
    return games(spec) if games else None
