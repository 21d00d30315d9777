"""The checks of the graph: their names, how a result looks, and those that look at the store themselves."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from resources.runtime import Runtime
from resources.store.partition_keys import PARTITIONS, partition_of
from resources.store.store import Store
from ringrift import names

WHOLE = "whole"
UNIQUE_SHARE = "unique_share"
ALL_VERIFY = "all_games_verify"
EQUAL_TIME = "equal_time"
NO_ILLEGAL = "no_illegal_moves"
NO_DUPLICATES = "no_duplicates"
POOL_PURITY = "pool_purity"
KNOWN_PARTICIPANTS = "known_participants"
FINITE_INTERVALS = "finite_intervals"
SEAT_BALANCE = "seat_balance"
EVIDENCE_HOLDS = "evidence_holds"
ONE_STEP = "at_most_one_step"
ENOUGH_GAMES = "enough_games"
SOFT_TARGETS = "soft_target_coverage"
FINITE_METRICS = "finite_metrics"
BETTER_THAN_CONSTANT = "better_than_constant"
FINITE_WEIGHTS = "finite_weights"
HOSTS_ANSWER = "hosts_answer"
PROFILES_ARRIVED = "profiles_arrived"
REPORT_COMPLETE = "report_complete"
SEALED = "sealed"

# Judging a check per partition is in preview; without it one config's result would overwrite another's.
warnings.filterwarnings("ignore", category=dg.PreviewWarning, message=".*on an AssetCheckSpec")

TRAINING_DB, GAMES = names.TRAINING_DB, names.GAMES_FILE


def partitioned_spec(asset: str, name: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    """A check that is judged for each config and iteration on its own."""
    return dg.AssetCheckSpec(name, asset=asset, description=description, blocking=blocking, partitions_def=PARTITIONS)


def result(
    name: str, passed: bool, problem: str, *, warn: bool = False, numbers: Mapping[str, float] | None = None
) -> dg.AssetCheckResult:
    """A check's result; `problem` says what is wrong and what to do, and is shown when it did not pass.

    The UI plots `numbers` over time.
    """
    return dg.AssetCheckResult(
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
        description=None if passed else problem,
        metadata=dict(numbers or {}),
    )


def duplicates(store: Store, config: str, upto: int = names.LAST_ITERATION) -> dict[int, dict[int, int]]:
    """Games of a training set that are in an earlier one too: iteration → earlier iteration → games.

    Partitions without such games are left out.
    """
    import numpy as np

    from ringrift.kinds.verify import known_keys

    found: dict[int, dict[int, int]] = {}
    seen: list[tuple[int, np.ndarray]] = []
    for record in store.upto(TRAINING_DB, config, upto):
        path: Path = store.path(record, GAMES)
        keys = known_keys([path])
        shared = {earlier: int(np.isin(keys, known).sum()) for earlier, known in seen}
        if again := len(keys) - len(np.unique(keys)):
            shared[record.iteration] = again
        if shared := {earlier: n for earlier, n in shared.items() if n}:
            found[record.iteration] = shared
        seen.append((record.iteration, keys))
    return found


def duplicates_problem(config: str, found: dict[int, dict[int, int]]) -> str:
    """What is wrong and the remedy, for `duplicates`."""
    parts = [
        f"{config}|{iteration:04d} shares {n} games with {earlier:04d}"
        for iteration, shared in found.items()
        for earlier, n in shared.items()
    ]
    first = min(found, default=0)
    return f"{'; '.join(parts)}. Materialize {TRAINING_DB} again from {config}|{first:04d} on, oldest first"


@dg.asset_check(
    asset=TRAINING_DB,
    name=NO_DUPLICATES,
    partitions_def=PARTITIONS,
    blocking=True,
    description="No duplicate games in the training sets of this config up to this iteration.",
)
def no_duplicates(context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
    """Looks at the whole store, so it can be run alone after an older iteration was materialized again."""
    config, iteration = partition_of(context)
    found = duplicates(runtime.store, config, iteration)
    games = sum(record.rows for record in runtime.store.upto(TRAINING_DB, config, iteration))
    shared = sum(n for earlier in found.values() for n in earlier.values())
    numbers = {"games": games, "duplicates": shared}
    return result(NO_DUPLICATES, not found, duplicates_problem(config, found), numbers=numbers)


CHECKS = (no_duplicates,)
