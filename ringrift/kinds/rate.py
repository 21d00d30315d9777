"""The `rate` job: ratings of one config from the match games of an iteration and all before it.

Runs on the machine that holds the store. A game of another pool, or with a seat nobody planned, is refused and
counted. Shards: `history.parquet`, the documented Elo's changes in the games of this iteration, `ratings.svg`, every
participant with its interval, and `fit.json`: the fit's ratings with their covariance, in Elo and Elo^2, from which
anybody can compare any two.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ringrift import names
from ringrift.files import atomic_path, write_json, write_text
from ringrift.gamesets.shards import read_shard
from ringrift.jobs.directory import Job
from ringrift.jobs.inputs import home_file
from ringrift.plots.ratings import render_ratings, render_small_ratings
from ringrift.specs.store_jobs import RateParams
from ringrift.stats.elo import EloChange, sequential_elo
from ringrift.stats.plackett_luce import RatingFit, fit_ratings
from ringrift.stats.results import GameResult

Params: TypeAlias = RateParams

HISTORY, PLOT, FIT = names.RATING_EVENTS_FILE, names.RATINGS_PLOT, names.FIT_FILE
WINDOW = 20  # iterations back to which a participant must have played to be in the fit
COLUMNS = ["config", "iteration", "job", "game_index", "participants", "ranking", "created_at"]
DIGITS = 3  # of a stored Elo, and of a stored Elo^2
OTHER_POOL, UNKNOWN = "other_pool", "unknown_participant"


def run(job: Job, params: RateParams) -> dict[str, Any]:
    """See the module's text.

    The result holds one row a participant, best first (key, name, rating with 95 % interval, games, Elo, and the
    likelihood of superiority `los` over the next one, None for the last), the advantage of each seat, the games
    refused with reasons, and the largest difference in seats within a match.
    Raises InvalidInput if a game is there twice or none is left.
    """
    tables = [read_shard(home_file(entry)).select(COLUMNS) for entry in params.games]
    games, refused = _results(pa.concat_tables(tables), params)
    before = [game for game in games if game.iteration < params.iteration]
    now = [game for game in games if game.iteration == params.iteration]
    pool, k, start = params.config, params.elo_k, params.elo_start
    earlier = sequential_elo(before, pool=pool, k=k, start=start)
    elo = sequential_elo(now, pool=pool, ratings=earlier.ratings, k=k, start=start)
    within = in_window(games, params.iteration, {params.anchor, *params.frozen})
    fit = fit_ratings(within, pool=pool, anchor=params.anchor)
    rows = _rows(fit, elo.ratings, params)
    _write_history(job, elo.history)
    write_text(job.out / PLOT, render_ratings(rows, f"{params.config}, iteration {params.iteration}"))
    job.add_shard(PLOT, len(rows))
    _write_fit(job, fit)
    return {
        "ratings": rows,
        "seats": [
            {"seat": seat + 1, "advantage": round(float(value), 3), "stderr": round(float(error), 3)}
            for seat, (value, error) in enumerate(zip(fit.seats, fit.seat_errors, strict=True))
        ],
        "games": len(games),
        "games_now": len(now),
        "history_rows": len(elo.history),
        "refused": refused,
        "imbalance": seat_imbalance(now),
        "finite": all(math.isfinite(value) for row in rows for value in (row["rating"], row["low"], row["high"])),
        "small_plot": render_small_ratings(rows),
    }


def _results(table: pa.Table, params: RateParams) -> tuple[list[GameResult], dict[str, int]]:
    """The games that count, and how many were refused for which reason."""
    refused: Counter[str] = Counter()
    results = []
    table = table.set_column(
        table.schema.get_field_index("created_at"), "created_at", pc.strftime(table["created_at"], "%Y-%m-%dT%H:%M:%S")
    )
    for row in table.to_pylist():
        keys = tuple(name.partition("#")[2] for name in row["participants"])
        if row["config"] != params.config:
            refused[OTHER_POOL] += 1
        elif not params.known.keys() >= set(keys):
            refused[UNKNOWN] += 1
        else:
            place = params.config, row["iteration"], row["job"], row["game_index"]
            ranking = None if row["ranking"] is None else tuple(row["ranking"])
            results.append(GameResult(*place, keys, ranking, row["created_at"]))
    return results, dict(sorted(refused.items()))


def in_window(games: Sequence[GameResult], iteration: int, always: set[str]) -> list[GameResult]:
    """The games whose seats all hold participants of the last WINDOW iterations, or of `always` (keys)."""
    recent = always.union(*(game.participants for game in games if game.iteration > iteration - WINDOW))
    return [game for game in games if recent.issuperset(game.participants)]


def seat_imbalance(games: Sequence[GameResult]) -> int:
    """Largest difference between the times a participant sat in two seats of one match; 0 is balanced."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    for game in games:
        for seat, key in enumerate(game.participants):
            counts.setdefault((game.match, key), Counter())[seat] += 1
    seats = range(len(games[0].participants)) if games else range(0)
    return max((max(c[s] for s in seats) - min(c[s] for s in seats) for c in counts.values()), default=0)


def _rows(fit: RatingFit, elo: dict[str, float], params: RateParams) -> list[dict[str, Any]]:
    """One row a participant, best first, each with the likelihood that it is stronger than the next."""
    rows: list[dict[str, Any]] = []
    for key, games in zip(fit.participants, fit.games, strict=True):
        low, high = fit.interval(key)
        rows.append(
            {
                "name": params.known[key],
                "key": key,
                "rating": round(fit.rating(key), DIGITS),
                "low": round(low, DIGITS),
                "high": round(high, DIGITS),
                "games": int(games),
                "elo": round(elo.get(key, params.elo_start), DIGITS),
                "los": None,
            }
        )
    rows.sort(key=lambda row: (-row["rating"], row["key"]))
    for row, below in pairwise(rows):
        row["los"] = round(fit.superiority(row["key"], below["key"]), 4)
    return rows


def _write_fit(job: Job, fit: RatingFit) -> None:
    content = {
        "participants": list(fit.participants),
        "ratings": [round(float(rating), DIGITS) for rating in fit.ratings],
        "covariance": [[round(float(value), DIGITS) for value in row] for row in fit.covariance],
    }
    write_json(job.out / FIT, content)
    job.add_shard(FIT, len(fit.participants))


def _write_history(job: Job, history: list[EloChange]) -> None:
    kinds = {"str": pa.string(), "str | None": pa.string(), "float": pa.float64()}
    schema = pa.schema([pa.field(f.name, kinds[getattr(f.type, "__name__", str(f.type))]) for f in fields(EloChange)])
    table = pa.Table.from_pylist([change.to_dict() for change in history], schema=schema)
    with atomic_path(job.out / HISTORY) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    job.add_shard(HISTORY, table.num_rows)
