"""The documented text blocks: the summary of an iteration, the leaderboard, and the use of every host."""

from collections.abc import Mapping, Sequence
from typing import Any

RULE = "=" * 60
TOP = 10


def iteration_block(iteration: int, parts: Sequence[Mapping[str, Any]]) -> str:
    """The summary of an iteration. `parts` is the data of its reports, one for each config."""
    selfplay = {name: sum(part["selfplay"][name] for part in parts) for name in ("dispatched", "total")}
    merged = {name: {k: v for part in parts for k, v in part[name].items()} for name in _LINES.values()}
    lines = [RULE, f"=== Iteration {iteration} Complete ===", RULE, f"{'Selfplay:':<13}{selfplay}"]
    lines += [f"{title + ':':<13}{merged[name]}" for title, name in _LINES.items()]
    return "\n".join([*lines, RULE])


_LINES = {"CMA-ES": "cmaes", "Training": "training", "Eval": "eval", "Promotions": "promotions"}


def leaderboard_block(rows: Sequence[Mapping[str, Any]], config: str = "square8_2p", top: int = TOP) -> str:
    """The best by the documented Elo; `rows` have `name` and `elo`. Other configs are named in the title."""
    title = "=== Elo Leaderboard ===" if config == "square8_2p" else f"=== Elo Leaderboard ({config}) ==="
    best = sorted(rows, key=lambda row: (-row["elo"], row["name"]))[:top]
    return "\n".join([title, *(f"  {n}. {row['name']}: {row['elo']:.0f}" for n, row in enumerate(best, 1))])


def resource_block(hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """The use of every host; `hosts` is the data of worker_resources. A host without numbers gives the reason."""
    return "\n".join(["=== Resource Usage ===", *(resource_line(name, use) for name, use in hosts.items())])


def resource_line(name: str, use: Mapping[str, Any]) -> str:
    """`  host: CPU=45%, MEM=67%, DISK=34%, GPU=0%`; n/a where a host has a GPU that tells nothing."""
    if problem := use.get("problem"):
        return f"  {name}: {problem}"
    gpu = "n/a" if use["gpu"] is None else f"{use['gpu']:.0f}%"
    return f"  {name}: CPU={use['cpu']:.0f}%, MEM={use['mem']:.0f}%, DISK={use['disk']:.0f}%, GPU={gpu}"
