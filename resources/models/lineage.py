"""Whether a model was really trained on the games its card names: the files, the window, and games played again."""

import json
from dataclasses import dataclass
from pathlib import Path

from resources.models.model import Model
from resources.models.registry import Registry
from ringrift.config import parse_config
from ringrift.errors import MissingInput
from ringrift.jobs.contract import file_sha256


@dataclass(frozen=True, slots=True)
class GamesChecked:
    """`games` the model was trained or judged on, `replayed` of them, and what is wrong, in words."""

    games: int
    replayed: int
    problems: list[str]


def verify_games(registry: Registry, model: Model, count: int) -> GamesChecked:
    """Select the model's games anew from the files its card names, and replay `count` of them through the rules.

    The files must have the digests of the card, the window must be the one of the card, and each replayed game must
    reach the outcome and hash it claims. Which games are replayed depends on the model alone.
    Raises MissingInput for a model that was trained elsewhere.
    """
    import numpy as np
    import pyarrow as pa

    from ringrift.gamesets.replay_check import verify_rows
    from ringrift.gamesets.shards import read_shard
    from ringrift.network.training.window import WindowShape, select_window

    shape = registry.content(model).window_shape
    card = json.loads(registry.card_path(model).read_text(encoding="utf-8"))
    config, window = parse_config(model.config), card["window"]
    problems, tables = [], []
    for entry in window["files"]:
        path = registry.home.root / entry["path"]
        if fault := _fault(path, entry["sha256"]):
            problems.append(fault)
        else:
            tables.append(read_shard(path))
    if problems:
        return GamesChecked(window["games"], 0, problems)
    try:
        found = select_window(tables, config, WindowShape(shape.rows, shape.alpha, shape.beta), window.get("sources"))
    except MissingInput as error:
        return GamesChecked(window["games"], 0, [str(error)])
    if found.digest != window["digest"]:
        problems.append(f"the window has the digest {found.digest[:16]}, the card says {window['digest'][:16]}")
    hashes = found.games["game_hash"].to_pylist()
    drawn = np.random.default_rng(int(model.weights[:16], 16)).permutation(len(hashes))[:count]
    wanted = {hashes[place] for place in drawn}
    games = pa.concat_tables(tables)
    games = games.filter(pa.array([text in wanted for text in games["game_hash"].to_pylist()]))
    good, bad = verify_rows(games, config=config, options=config.options())
    for row in bad.to_pylist():
        problems.append(f"game {row['game_hash']}: {row['reject_reason']} ({row['reject_detail']})")
    return GamesChecked(len(hashes), len(set(good["game_hash"].to_pylist())), problems)


def _fault(path: Path, sha256: str) -> str | None:
    """What is wrong with an input file, in words."""
    if not path.is_file():
        return f"{path} is not there; a newer version of its partition has replaced it"
    if file_sha256(path) != sha256:
        return f"{path} is not the file that the model was trained on"
    return None
