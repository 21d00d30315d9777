"""Models put into a store as if they had been trained there: real files and cards around random numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from resources.models.model import model_id
from resources.store.record import NewVersion, Record, digest_of, seal_of
from resources.store.store import Store
from ringrift import names
from ringrift.network.card import ModelCard, Weights, save_card, save_weights, weights_hash
from ringrift.network.layout import ENCODER_VERSION
from ringrift.rules.replay import RULES_VERSION
from tests.resources.sample_contents import RATING, sample


def weights_of(seed: int) -> Weights:
    return {"layer": np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32)}


def card_of(weights: Weights, config: str, iteration: int, parent: str | None = None) -> ModelCard:
    return ModelCard(
        kind="policy_value",
        architecture={"blocks": 1, "channels": 8},
        encoder=ENCODER_VERSION,
        rules_version=RULES_VERSION,
        config=config,
        iteration=iteration,
        weights=weights_hash(weights),
        parent=parent,
        seed=1,
        window={"files": []},
        training={},
        metrics={"loss": 1.5},
        code_version="0",
    )


def save_pair(folder: Path, seed: int, config: str, iteration: int = 0) -> Path:
    """A model's two files; returns the weights file."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = weights_of(seed)
    save_weights(folder / "model.safetensors", weights)
    save_card(folder / "model.json", card_of(weights, config, iteration))
    return folder / "model.safetensors"


def change_record(
    store: Store, asset: str, config: str, iteration: int, how: Callable[[dict[str, Any]], object]
) -> None:
    """Change a stored record and give it its seal again, as a forger would who knows the format."""
    path = store.folder(asset, config, iteration) / names.RECORD_FILE
    record = json.loads(path.read_text())
    how(record)
    path.write_text(json.dumps(record | {"seal": seal_of(record)}))


def put_record(
    store: Store, asset: str, config: str, iteration: int, data: dict[str, Any], files: Any = lambda folder: None
) -> Record:
    with store.claim(asset, config, iteration, run="test"), store.draft(asset, config, iteration) as folder:
        files(folder)
        new = NewVersion(
            code_version="test",
            content_digest=digest_of(data),
            inputs_digest=digest_of(data),
            rows=1,
            data=data,
            provenance={},
        )
        return store.commit(folder, asset, config, iteration, new)


def put_model(
    store: Store, iteration: int, seed: int, config: str = "square8_2p", parent: str | None = None, have: int = 100
) -> str:
    """A trained model of an iteration; returns its weights hash."""
    weights = weights_of(seed)
    card = card_of(weights, config, iteration, parent)

    def write(folder: Path) -> None:
        save_weights(folder / "model.safetensors", weights)
        save_card(folder / "model.json", card)

    name = model_id(config, iteration)
    data = sample(
        names.TRAINED_MODEL, have=have, model_id=name, weights=card.weights, parent=parent, metrics=card.metrics
    )
    put_record(store, "trained_model", config, iteration, data, write)
    return card.weights


def put_no_model(store: Store, iteration: int, config: str = "square8_2p") -> None:
    put_record(store, "trained_model", config, iteration, {"status": "not_enough_games", "have": 3, "need": 10})


def put_ratings(store: Store, iteration: int, ratings: dict[str, float], config: str = "square8_2p") -> None:
    """A table in which networks (by weights) and the heuristic `heuristic` have these ratings."""
    players = {
        f"{place:016x}": {"engine": "gumbel", "model": name} if name != "heuristic" else {"engine": name}
        for place, name in enumerate(ratings)
    }
    entries = {key: {"name": key, "participant": player} for key, player in players.items()}
    matches = sample(names.TOURNAMENT_GAMES, matches=[], participants=entries)
    put_record(store, names.TOURNAMENT_GAMES, config, iteration, matches)
    rows = [{**RATING, "key": key, "rating": rating} for key, rating in zip(players, ratings.values(), strict=True)]
    put_record(store, names.ELO_RATINGS, config, iteration, sample(names.ELO_RATINGS, ratings=rows))
