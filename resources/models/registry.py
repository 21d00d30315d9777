"""The models of a home: what the store has trained, what people have added or deprecated, and how they rate.

A model is known by its weights hash; `{config}_iter{N}` is the name people use. The entries are derived each time
from the records of `trained_model` and from the acts `register_model` and `deprecate_model`, so there is no list
that could disagree with the store. `models/` holds each model's pair of files under its name, as a view: a pair that
would be overwritten by other weights is kept beside it under a longer name, because a verdict may still name it.
Nothing here imports Dagster, torch or numba, but for adding and exporting a model.
"""

import difflib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from resources.models.certificate import write_certificate
from resources.models.files import copy_file, show_pair
from resources.models.model import Model, config_order, iso_time, model_id, model_of
from resources.store.acts import acts_of, record_act
from resources.store.contents.base import content_of
from resources.store.contents.matches import MatchesContent, RatingsContent
from resources.store.contents.models import ModelContent, TrainingOutcome
from resources.store.contents.profiles import IncumbentContent, ProfileContent
from resources.store.home import Home
from resources.store.record import Record
from resources.store.store import Store
from ringrift import names
from ringrift.config import parse_config
from ringrift.errors import InvalidInput, MissingInput
from ringrift.files import write_json
from ringrift.jobs.inputs import ModelFile, input_file
from ringrift.players.heuristic.profiles import BALANCED, find_profile, profile_hash

REGISTER, DEPRECATE = "register_model", "deprecate_model"


class Registry:
    """The models of one home. With `acts` it knows the first so many acts of people only, else all there are."""

    def __init__(self, home: Home, acts: int | None = None):
        self.home = home
        self.store = Store(home.store)
        self.acts = acts

    def models(self, config: str | None = None) -> list[Model]:
        """Every model, or those of a config: by config in the pipeline's order, then by iteration and name."""
        found = self._entries(config)
        ratings = {key: self._ratings(key) for key in {model.config for model in found}}
        return [replace(model, rating=ratings[model.config].get(model.weights)) for model in found]

    def _entries(self, config: str | None) -> list[Model]:
        """As `models`, without ratings."""
        found = [model_of(record, content) for record, content in self._trained(config)]
        named = {model.weights: model.model_id for model in reversed(found)}  # the first to have these weights
        known = {model.model_id for model in found}
        for act in acts_of(self.home, REGISTER, upto=self.acts):
            entry = act["model"]
            if config in (None, entry["config"]) and entry["model_id"] not in known:
                found.append(Model(**entry))
                named.setdefault(entry["weights"], entry["model_id"])
                known.add(entry["model_id"])
        deprecated: dict[str, dict[str, Any]] = {}
        for act in acts_of(self.home, DEPRECATE, upto=self.acts):
            deprecated.setdefault(act["weights"], act)  # the first one counts, a second changes nothing
        for place, model in enumerate(found):
            changes: dict[str, Any] = {"parent_id": named.get(model.parent or "", model.parent_id)}
            if act := deprecated.get(model.weights, {}):
                changes |= {"status": "deprecated", "deprecated_at": iso_time(act["at"])}
                changes["deprecation_reason"] = act["reason"]
            found[place] = replace(model, **changes)
        return sorted(found, key=lambda model: (*config_order(model.config), model.iteration, model.model_id))

    def get(self, name: str) -> Model:
        """The model of a name, or of a weights hash or as much of its start as names one. Raises MissingInput."""
        models = self.models()
        for model in models:
            if model.model_id == name:
                return model
        hits = [model for model in models if len(name) >= 8 and model.weights.startswith(name)]
        if len({model.weights for model in hits}) == 1:
            return hits[0]
        if not models:
            raise MissingInput(
                f"there is no model in {self.home.root} yet; `ringrift run` trains one with enough games"
            )
        near = difflib.get_close_matches(name, [model.model_id for model in models], n=1, cutoff=0)[0]
        raise MissingInput(f"there is no model {name!r}; `ringrift models list` shows them, the nearest is {near}")

    def best(self, config: str) -> Model | None:
        """The documented query get_best_model: the highest rating among the active models of a config.

        None where no active model has a rating. It decides nothing: the champion is the gate's verdict.
        """
        rated = [m for m in self.models(parse_config(config).key) if m.status == "active" and m.rating is not None]
        return max(rated, key=lambda m: (m.rating or 0.0, m.model_id), default=None)

    def deprecated_weights(self) -> set[str]:
        """Weights hashes of the models that somebody has deprecated."""
        return {act["weights"] for act in acts_of(self.home, DEPRECATE, upto=self.acts)}

    def deprecate(self, name: str, reason: str) -> Model:
        """Take a model out of use. Doing it again changes nothing. Raises MissingInput for an unknown model.

        It counts in every iteration of the config that has no verdicts yet: a champion is replaced there by the last
        one that is not deprecated. Iterations that are judged stay as they are.
        """
        model = self.get(name)
        if not reason.strip():
            raise InvalidInput("reason", reason, "say why, for whoever meets this model later")
        if model.status == "active":
            record_act(self.home, DEPRECATE, model_id=model.model_id, weights=model.weights, reason=reason.strip())
        return self.get(model.model_id)

    def register(
        self,
        name: str,
        path: Path,
        config: str,
        parent_id: str | None = None,
        metrics: dict[str, Any] | None = None,
    ) -> Model:
        """Add a model that was trained elsewhere: a .safetensors file with its card beside it.

        The pair is checked, copied to models/ under the name, and recorded. The same model again changes nothing.
        Raises InvalidInput if the pair is not one this version can play in `config` or the name is taken.
        """
        from ringrift.network.card import load_pair  # with numba

        key = parse_config(config)
        _, card = load_pair(path, config=key)
        for model in self.models():
            if model.model_id == name:
                if model.weights != card.weights:
                    raise InvalidInput("model_id", name, f"it is the name of other weights ({model.weights[:16]})")
                return model
        if name != Path(name).name or name.startswith("."):
            raise InvalidInput("model_id", name, f"use a plain name, for example {model_id(key.key, card.iteration)}")
        parent = self.get(parent_id) if parent_id else None
        weights_path = path.with_suffix(".safetensors")
        show_pair(self.home, name, card.weights, weights_path, weights_path.with_suffix(".json"))
        entry = Model(
            model_id=name,
            path=f"models/{name}.safetensors",
            config=key.key,
            parent_id=parent.model_id if parent else None,
            created_at=iso_time(time.time()),
            iteration=card.iteration,
            metrics={**card.metrics, **(metrics or {})},
            weights=card.weights,
            network=card.kind,
            parent=parent.weights if parent else card.parent,
        )
        record_act(self.home, REGISTER, model=entry.to_json())
        return self.get(name)

    def lineage(self, name: str) -> list[Model]:
        """The model, its parent, the parent's parent and so on, as far as they are known."""
        by_name = {model.model_id: model for model in self.models()}
        chain = [by_name[self.get(name).model_id]]
        while (parent := by_name.get(chain[-1].parent_id or "")) and parent not in chain:
            chain.append(parent)
        return chain

    def content(self, model: Model) -> ModelContent:
        """What the store has of a model. Raises MissingInput for one that was trained elsewhere."""
        return self._found(model)[1]

    def card_path(self, model: Model) -> Path:
        """The card of a model in the store. Raises MissingInput for one that was trained elsewhere."""
        return self.store.path(self._found(model)[0], names.CARD_FILE)

    def _found(self, model: Model) -> tuple[Record, ModelContent]:
        for record, content in self._trained(model.config):
            if record.iteration == model.iteration and content.weights == model.weights:
                return record, content
        raise MissingInput(f"{model.model_id} was not trained in this home; only its card tells of its games")

    def weights_path(self, weights: str) -> Path:
        """The .safetensors file of some weights, its card beside it; the view is made again if it is lost.

        Raises MissingInput with the remedy if no model has these weights.
        """
        for record, content in self._trained(None):
            if content.weights == weights:
                return self.write_model(record)
        for card in sorted(self.home.models.glob("*.json")):
            path = card.with_suffix(".safetensors")
            if path.is_file() and json.loads(card.read_text(encoding="utf-8")).get("weights") == weights:
                return path
        raise MissingInput(
            f"no model with weights {weights[:16]} is in {self.home.root}; materialize {names.TRAINED_MODEL} of its "
            "iteration again, or deprecate it"
        )

    def input_of(self, weights: str) -> ModelFile:
        """The file of some weights as a job wants it named."""
        file = input_file(self.home.root, self.weights_path(weights))
        return ModelFile(weights=weights, path=file.path, sha256=file.sha256)

    def inputs(self, config: str, upto: int) -> list[ModelFile]:
        """`input_of` each active model of a config's iterations ≤ `upto`, in the order of `models`."""
        found = [model for model in self._entries(config) if model.iteration <= upto]
        wanted = dict.fromkeys(model.weights for model in found if model.status == "active")
        return [self.input_of(weights) for weights in wanted]

    def write_model(self, record: Record) -> Path:
        """The pair of files of a trained model under its name in models/; returns the .safetensors file."""
        content = content_of(record, TrainingOutcome)
        assert isinstance(content, ModelContent)  # a record of a trained model
        source = self.store.path(record, names.WEIGHTS_FILE)
        name = model_id(record.config, record.iteration)
        return show_pair(self.home, name, content.weights, source, source.with_name(names.CARD_FILE))

    def write_models(self, config: str) -> None:
        """`write_model` for every model that the store has of a config."""
        for record, _ in self._trained(config):
            self.write_model(record)

    def export(self, name: str, folder: Path) -> list[Path]:
        """Write model, card, profile and player into `folder`, for game servers and `ringrift play`; returns the files.

        The player is the candidate that the model was judged as, the profile that it plays with. A model that has not
        been judged has no player file; its profile is the one that plays in its iteration. What its gate said goes into
        `folder`/certificate (resources.models.certificate).
        Raises MissingInput if the weights are gone, InvalidInput if the pair is damaged.
        """
        from ringrift.network.card import load_pair  # with numba

        model = self.get(name)
        source = self.weights_path(model.weights)
        load_pair(source, config=parse_config(model.config))
        profile, player = self._profile(model), self._player(model)
        targets = [folder / names.WEIGHTS_FILE, folder / names.CARD_FILE, folder / names.PROFILE_FILE]
        copy_file(source, targets[0])
        copy_file(source.with_suffix(".json"), targets[1])
        write_json(targets[2], profile)
        if player is not None:
            targets.append(folder / names.PLAYER_FILE)
            write_json(targets[3], {"config": model.config, "player": player})
        return targets + write_certificate(self.store, self.weights_path, model, folder)

    def _player(self, model: Model) -> dict[str, Any] | None:
        """The candidate that a model was judged as (Participant.to_dict), None if it has not been."""
        record = self.store.get(names.TOURNAMENT_GAMES, model.config, model.iteration)
        match = content_of(record, MatchesContent).match_of("champion") if record else None
        if record is None or match is None:
            return None
        player = content_of(record, MatchesContent).participants[match.entrants[0].key].participant
        return player if model.weights in (player.get("model"), player.get("value_model")) else None

    def _profile(self, model: Model) -> dict[str, Any]:
        """The profile in force when the model was judged, else when its iteration began, else the baseline one."""
        after = self.store.get(names.HEURISTIC_PROFILES, model.config, model.iteration)
        before = self.store.get(names.INCUMBENT, model.config, model.iteration)
        name, weights = BALANCED, find_profile(BALANCED)  # a trained profile keeps its name while its weights change
        if after is not None:
            tuned = content_of(after, ProfileContent)
            name, weights = tuned.profile, tuned.profile_weights
        elif before is not None:
            incumbent = content_of(before, IncumbentContent)
            name, weights = incumbent.profile, incumbent.profile_weights
        return {"config": model.config, "profile": name, "profile_hash": profile_hash(weights), "weights": weights}

    def _trained(self, config: str | None) -> list[tuple[Record, ModelContent]]:
        """The iterations that have trained a model."""
        base = self.store.root / names.TRAINED_MODEL
        keys = [config] if config else sorted((path.name for path in base.glob("*_[234]p")), key=config_order)
        records = [record for key in keys for record in self.store.upto(names.TRAINED_MODEL, key, names.LAST_ITERATION)]
        found = [(record, content_of(record, TrainingOutcome)) for record in records]
        return [(record, content) for record, content in found if isinstance(content, ModelContent)]

    def _ratings(self, config: str) -> dict[str, float]:
        """Highest rating by weights hash, in the newest table of a config."""
        tables = self.store.upto(names.ELO_RATINGS, config, names.LAST_ITERATION)
        if not tables:
            return {}
        players = {
            key: entry.participant.get("model") or entry.participant.get("value_model")
            for record in self.store.upto(names.TOURNAMENT_GAMES, config, names.LAST_ITERATION)
            for key, entry in content_of(record, MatchesContent).participants.items()
        }
        found: dict[str, float] = {}
        for row in content_of(tables[-1], RatingsContent).ratings:
            if weights := players.get(row.key):
                found[weights] = max(row.rating, found.get(weights, row.rating))
        return found
