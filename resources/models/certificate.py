"""The certificate of an exported model: its gate's evidence, games and plan, and every network that played in it.

A stranger checks it by `ringrift gate verify FOLDER/certificate/gate.json`, with nothing but the folder.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resources.models.files import copy_file
from resources.models.model import Model
from resources.store.contents.base import content_of
from resources.store.contents.matches import MatchesContent
from resources.store.record import Record
from resources.store.store import Store
from ringrift import names
from ringrift.jobs.contract import file_sha256
from ringrift.specs.match import MatchParams
from ringrift.specs.prove import StoredPlan, read_plans, write_plans

FOLDER, EVIDENCE = "certificate", "gate.json"


def write_certificate(store: Store, weights_path: Callable[[str], Path], model: Model, folder: Path) -> list[Path]:
    """Write the certificate of a model into `folder`/certificate; returns its files, none for one that no gate judged.

    `weights_path` finds the file of some weights. A certificate that was there before is replaced.
    """
    target = folder / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    record = store.get(names.TOURNAMENT_GAMES, model.config, model.iteration)
    found = _gate(store, record, model) if record else None
    if record is None or found is None:
        return []
    evidence, plan = found
    import pyarrow.compute as pc

    from ringrift.gamesets.shards import read_shard, write_shard  # with pyarrow

    target.mkdir(parents=True)
    files = [target / name for name in (EVIDENCE, names.GAMES_FILE, names.PLANS_FILE)]
    copy_file(evidence, files[0])
    games = read_shard(store.path(record, names.GAMES_FILE))
    write_shard(files[1], games.filter(pc.equal(games["job"], plan.params["match"])))
    models = []
    for entry in plan.params.get("models") or []:
        source = weights_path(entry["weights"])
        path = target / f"{entry['weights'][:16]}.safetensors"
        copy_file(source, path)
        copy_file(source.with_suffix(".json"), path.with_suffix(".json"))
        models.append({"weights": entry["weights"], "path": path.name, "sha256": file_sha256(path)})
        files += [path, path.with_suffix(".json")]
    params: dict[str, Any] = plan.params | ({"models": models} if models else {})
    write_plans(files[2], [plan.model_copy(update={"params": params})])
    return files


def _gate(store: Store, record: Record, model: Model) -> tuple[Path, StoredPlan] | None:
    """The evidence of the gate that judged a model, and the gate's plan; None where either is missing."""
    match = content_of(record, MatchesContent).match_of("champion")
    if match is None or names.gate_file(match.match) not in record.files or names.PLANS_FILE not in record.files:
        return None
    for plan in read_plans(store.path(record, names.PLANS_FILE)):
        params = plan.game_params()
        if isinstance(params, MatchParams) and params.match == match.match:
            player = params.first
            if model.weights in (player.get("model"), player.get("value_model")):
                return store.path(record, names.gate_file(match.match)), plan
    return None
