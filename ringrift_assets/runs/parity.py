"""The phase `parity-validation`: every stored training game is replayed through the rules engine again."""

from collections.abc import Sequence
from typing import Any

from resources.runtime import Runtime
from ringrift.errors import MissingInput
from ringrift.specs.store_jobs import VerifyParams
from ringrift_assets.steps.checks import GAMES, TRAINING_DB
from ringrift_assets.steps.jobs import need_done


def check_parity(runtime: Runtime, keys: Sequence[str], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """One row a training set: partition, games read, games that replay exactly, and the others by reason.

    Raises MissingInput if there is no training set to look at, JobFailed if one could not be read.
    """
    records = [record for key in keys for number in numbers if (record := runtime.store.get(TRAINING_DB, key, number))]
    if not records:
        raise MissingInput("there is no training set in these iterations; `ringrift run --phase sync` makes one")
    specs = [
        VerifyParams(
            config=record.config, games=runtime.input_file(runtime.store.path(record, GAMES)), earlier=[]
        ).spec(asset=TRAINING_DB, config=record.config, iteration=record.iteration, name="parity")
        for record in records
    ]
    results = runtime.run(None, specs)
    need_done(results)
    runtime.forget([spec.job_id for spec in specs])
    return [
        {
            "partition": f"{record.config}|{record.iteration:04d}",
            "read": result.manifest.result["read"],
            "verified": result.manifest.result["verified"],
            "rejected": result.manifest.result["rejected"],
        }
        for record, result in zip(records, results, strict=True)
        if result.manifest
    ]
