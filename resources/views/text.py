"""The documented text blocks: the summary of an iteration, the leaderboard, the use of every host; and Elo."""

from collections.abc import Mapping, Sequence
from typing import Any

from resources.store.contents.matches import MatchStanding
from resources.store.contents.operations import HostUse, ReportContent

RULE = "=" * 60
TOP = 10


def iteration_block(iteration: int, reports: Sequence[ReportContent]) -> str:
    """The summary of an iteration, from its reports, one for each config."""
    selfplay = {name: sum(getattr(report.selfplay, name) for report in reports) for name in ("dispatched", "total")}
    merged = {name: {k: v for report in reports for k, v in getattr(report, name).items()} for name in _LINES.values()}
    lines = [RULE, f"=== Iteration {iteration} Complete ===", RULE, f"{'Selfplay:':<13}{selfplay}"]
    lines += [f"{title + ':':<13}{merged[name]}" for title, name in _LINES.items()]
    return "\n".join([*lines, RULE])


_LINES = {"CMA-ES": "cmaes", "Training": "training", "Eval": "eval", "Promotions": "promotions"}


def leaderboard_block(rows: Sequence[Mapping[str, Any]], config: str = "square8_2p", top: int = TOP) -> str:
    """The best by the documented Elo; `rows` have `name` and `elo`. Other configs are named in the title."""
    title = "=== Elo Leaderboard ===" if config == "square8_2p" else f"=== Elo Leaderboard ({config}) ==="
    best = sorted(rows, key=lambda row: (-row["elo"], row["name"]))[:top]
    return "\n".join([title, *(f"  {n}. {row['name']}: {row['elo']:.0f}" for n, row in enumerate(best, 1))])


def elo_text(standing: MatchStanding | None, factor: float = 1.0) -> str:
    """Whole Elo with its 95 % interval, times a factor: `+137 (-85 to +523)`; one without a width is left out."""
    if standing is None:
        return "not measured"
    ends = (standing.elo, standing.low, standing.high)
    elo, low, high = ("no bound" if end is None else f"{round(factor * end):+,d}" for end in ends)
    return elo if low == high == elo else f"{elo} ({low} to {high})"


def resource_block(hosts: Mapping[str, HostUse]) -> str:
    """The use of every host by name. A host without numbers gives the reason."""
    return "\n".join(["=== Resource Usage ===", *(resource_line(name, use) for name, use in hosts.items())])


def resource_line(name: str, use: HostUse) -> str:
    """`  host: CPU=45%, MEM=67%, DISK=34%, GPU=0%`; n/a where a host has a GPU that tells nothing."""
    if use.problem:
        return f"  {name}: {use.problem}"
    gpu = "n/a" if use.gpu is None else f"{use.gpu:.0f}%"
    return f"  {name}: CPU={use.cpu:.0f}%, MEM={use.mem:.0f}%, DISK={use.disk:.0f}%, GPU={gpu}"
