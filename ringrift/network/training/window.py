"""The replay window: which games a model is trained on.

Rows grow with all the data there has been as in KataGo (Wu, "Accelerating self-play learning in Go", 2019, appendix C):

    window(n) = c * (1 + beta * ((n / c) ** alpha - 1) / alpha)

with n rows in all, c the smallest window, alpha 0.75 and beta 0.4; below c rows it is everything. The newest games
are taken until the window is full. A row is a ply; which plies carry a decision is known after replaying only.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ringrift.config import Config
from ringrift.errors import MissingInput
from ringrift.gamesets.dedup import game_keys
from ringrift.gamesets.schema import options_text
from ringrift.rules.replay import RULES_VERSION

HELD_OUT_DIGITS = 8  # hex digits of a game's hash that decide whether it is held out

COLUMNS = (
    "game_hash",
    "config",
    "iteration",
    "job",
    "game_index",
    "rules_version",
    "options",
    "participants",
    "opening_plies",
    "moves",
    "ranking",
    "plies",
    "capped",
    "search_plies",
    "search_codes",
    "search_visits",
)


@dataclass(frozen=True, slots=True)
class WindowShape:
    """Numbers of the formula above."""

    rows: int = 250_000  # c
    alpha: float = 0.75
    beta: float = 0.4

    def size(self, total: int) -> int:
        """Rows of the window when there are `total`."""
        if total <= self.rows:
            return total
        c = self.rows
        return round(c * (1 + self.beta * ((total / c) ** self.alpha - 1) / self.alpha))


@dataclass(frozen=True, slots=True)
class Window:
    """The games to train on, oldest iteration first, and those left out by reason."""

    games: pa.Table
    rows: int
    total_rows: int
    left_out: dict[str, int]
    digest: str  # SHA-256 of the games' sorted keys, and of the jobs they were chosen from
    sources: list[str] | None = None  # these jobs, sorted; None: games of any job

    def summary(self) -> dict[str, object]:
        """What a model card tells of the window."""
        iterations = self.games["iteration"].to_pylist()
        return {
            "games": self.games.num_rows,
            "rows": self.rows,
            "total_rows": self.total_rows,
            "first_iteration": min(iterations),
            "last_iteration": max(iterations),
            "left_out": self.left_out,
            "sources": self.sources,
            "digest": self.digest,
        }

    def players(self) -> dict[str, int]:
        """How many seats of the games each participant sat in, by the name that rows have (`Label_Dn#key`)."""
        return dict(sorted(Counter(self.games["participants"].combine_chunks().flatten().to_pylist()).items()))


def select_window(
    tables: Sequence[pa.Table], config: Config, shape: WindowShape, sources: Collection[str] | None = None
) -> Window:
    """The window over game sets, of the games of the jobs `sources` (None: all games).

    Games of another config, other rules or other options than the config's standard ones, capped games, those of other
    jobs and second copies are left out and counted. Raises MissingInput if nothing is left.
    """
    table = pa.concat_tables([t.select(COLUMNS) for t in tables])
    keys = game_keys(table)
    order = np.lexsort((keys, table["iteration"].to_numpy()))  # within an iteration no job is newer than another
    table, keys = table.take(order), keys[order]
    standard = options_text(config.options())
    known: set[int] = set()
    left_out: Counter[str] = Counter()
    keep = []
    columns = [table[name].to_pylist() for name in ("config", "rules_version", "options", "capped", "job")]
    for game, key, rules, options, capped, job in zip(keys.tolist(), *columns, strict=True):
        reason = (
            "other_config" if key != config.key
            else "other_rules" if rules != RULES_VERSION
            else "other_options" if options != standard
            else "capped" if capped
            else "other_job" if sources is not None and job not in sources
            else "duplicate" if game in known
            else ""
        )  # fmt: skip
        keep.append(not reason)
        if reason:
            left_out[reason] += 1
        else:
            known.add(game)
    table, keys = table.filter(pa.array(keep)), keys[np.array(keep, dtype=bool)]
    if not table.num_rows:
        chosen_from = "" if sources is None else f" of the jobs {', '.join(sorted(sources))}"
        raise MissingInput(f"no game of {config.key}{chosen_from} to train on; left out: {dict(left_out)}")
    plies = table["plies"].to_numpy().astype(np.int64)
    total = int(plies.sum())
    size = shape.size(total)
    newest = np.cumsum(plies[::-1])
    count = min(int(np.searchsorted(newest, size)) + 1, len(plies))
    chosen = slice(len(plies) - count, len(plies))
    digest = hashlib.sha256(np.sort(keys[chosen]).astype("<u8").tobytes())
    jobs = None if sources is None else sorted(sources)
    if jobs is not None:
        digest.update(json.dumps(jobs).encode())
    return Window(
        games=table.slice(chosen.start),
        rows=int(plies[chosen].sum()),
        total_rows=total,
        left_out=dict(sorted(left_out.items())),
        digest=digest.hexdigest(),
        sources=jobs,
    )


def held_out(game_hashes: Sequence[str], share: float) -> np.ndarray:
    """bool [games]: True for the games that judge a model, chosen by their hash, so that a game never changes sides.

    Where chance held out none of a few games, the one with the smallest hash is.
    """
    values = np.array([int(text[:HELD_OUT_DIGITS], 16) for text in game_hashes])
    return values < max(share * 16**HELD_OUT_DIGITS, values.min() + 1)
