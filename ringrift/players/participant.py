"""Who can play: fully typed participants of the engines there are (players.engines).

No kernel is imported here, so that a spec can be read and checked without numba.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.engines import (
    ENGINES,
    MOST_BUDGET,
    MOST_NETWORK_BUDGET,
    RANDOMNESS,
    Engine,
    check_difficulty,
    check_engine,
    default_budget,
    light_default,
)
from ringrift.players.heuristic.profiles import BALANCED, find_profile, profile_hash, trained_profile_name

MODEL = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Participant:
    """A player, fully typed: two participants with equal `key` play alike.

    `difficulty` 1-11; `randomness` in [0, 1], the probability of a uniform decision; `temperature` >= 0 in
    units of the evaluation, 0 takes the best; `light` leaves out the costly components of the evaluation;
    `profile` names the weights and `profile_hash` identifies them, both None for an engine without; `budget`
    positions or simulations a decision, 0 for an engine without search; `time_ms` a ceiling of a decision in CPU time,
    0 for none (with one, games are not reproducible); `version` the engine's (0 takes this code's); `model` the hash of
    a network's weights, 64 hex digits, None for an engine without; `full_share` in (0, 1], the share of a network's
    decisions that get the whole budget and are recorded (playout cap randomization; the others get a quarter).
    `value_model` is the hash of a value network's weights, which judges positions in place of the heuristic evaluation
    (engines that are `judged`; the evaluation still finishes turns), None for none. With `light_finish` a search leaves
    the costly components out where it finishes turns, whatever `light` says of the positions it judges.
    A network's `temperature` is the scale of the Gumbel noise at the root; it has no randomness and no time ceiling.
    Raises InvalidInput for values outside these, and for a version that this code does not play.
    """

    engine: str
    difficulty: int
    randomness: float = 0.0
    temperature: float = 0.0
    light: bool = False
    profile: str | None = None
    profile_hash: str | None = None
    budget: int = 0
    time_ms: int = 0
    version: int = 0
    model: str | None = None
    full_share: float = 1.0
    value_model: str | None = None
    light_finish: bool = False

    def __post_init__(self) -> None:
        engine = ENGINES[check_engine(self.engine)]
        evaluates = engine.evaluates
        if isinstance(self.version, bool) or self.version not in (0, engine.version):
            remedy = f"this code plays {self.engine} version {engine.version}; use the code that made the participant"
            raise InvalidInput("version", self.version, remedy)
        object.__setattr__(self, "version", engine.version)
        check_difficulty(self.difficulty)
        for name, top in (("randomness", 1.0), ("temperature", math.inf)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= top:
                raise InvalidInput(name, value, f"use a number from 0 to {top:g}")
            object.__setattr__(self, name, float(value))  # one text a value: the key is a hash of it
        if evaluates != isinstance(self.profile, str) or evaluates != isinstance(self.profile_hash, str):
            need = "needs both" if evaluates else "has neither"
            raise InvalidInput("profile, profile_hash", (self.profile, self.profile_hash), f"{self.engine} {need}")
        for name in ("light", "light_finish"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInput(name, getattr(self, name), "use true or false")
        if self.light_finish and not engine.judged:
            raise InvalidInput("light_finish", True, f"{self.engine} finishes no turns in a search; leave it out")
        least = 1 if engine.searches else 0
        if isinstance(self.budget, bool) or not isinstance(self.budget, int) or not least <= self.budget <= MOST_BUDGET:
            raise InvalidInput("budget", self.budget, f"{self.engine} takes an integer from {least} to {MOST_BUDGET}")
        if self.budget and not engine.searches:
            raise InvalidInput("budget", self.budget, f"{self.engine} does not search; leave it out")
        if isinstance(self.time_ms, bool) or not isinstance(self.time_ms, int) or self.time_ms < 0:
            raise InvalidInput("time_ms", self.time_ms, "use milliseconds from 0, an integer")
        self._check_network(engine)

    def _check_network(self, engine: Engine) -> None:
        share = self.full_share
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise InvalidInput("full_share", share, "use a number above 0, at most 1")
        object.__setattr__(self, "full_share", float(share))
        if self.value_model is not None:
            if not engine.judged:
                able = ", ".join(name for name, other in ENGINES.items() if other.judged)
                raise InvalidInput("value_model", self.value_model, f"{self.engine} takes none; use {able}")
            if not isinstance(self.value_model, str) or not MODEL.fullmatch(self.value_model):
                raise InvalidInput("value_model", self.value_model, "give the hash of its weights, 64 hex digits")
        if not engine.network:
            if self.model is not None or self.full_share != 1.0:
                raise InvalidInput("model, full_share", (self.model, share), f"{self.engine} plays without a network")
            return
        if not isinstance(self.model, str) or not MODEL.fullmatch(self.model):
            raise InvalidInput(
                "model", self.model, f"{self.engine} needs the hash of a network's weights, 64 hex digits"
            )
        if self.randomness or self.light or self.time_ms:
            given = (self.randomness, self.light, self.time_ms)
            raise InvalidInput("randomness, light, time_ms", given, f"{self.engine} has none of them; use temperature")
        if self.budget > MOST_NETWORK_BUDGET:
            raise InvalidInput("budget", self.budget, f"{self.engine} takes an integer from 1 to {MOST_NETWORK_BUDGET}")

    @property
    def label(self) -> str:
        """Short name for people, for example `Heuristic_D5`; several participants may share it."""
        return f"{ENGINES[self.engine].label}_D{self.difficulty}"

    @property
    def key(self) -> str:
        """First 16 hex digits of the SHA-256 of the participant as JSON (sorted keys, no spaces).

        Left out are the profile's name, since its hash says what it is, and fields at their default, so that
        a later field does not change the keys of those who do not use it.
        """
        content = {name: value for name, value in self.to_dict().items() if name != "profile"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their default, ready for JSON."""
        values = ((field, getattr(self, field.name)) for field in fields(self))
        return {field.name: value for field, value in values if value != field.default}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Participant:
        """The participant of a `to_dict`. Raises InvalidInput for unknown or missing fields, bad values."""
        names = [field.name for field in fields(cls)]
        unknown = [name for name in content if name not in names]
        if unknown or "engine" not in content or "difficulty" not in content:
            allowed = f"engine and difficulty are needed, allowed are {', '.join(names)}"
            raise InvalidInput("participant", dict(content), allowed)
        return cls(**content)


def participant(
    engine: str,
    config: Config,
    difficulty: int,
    *,
    randomness: float | None = None,
    temperature: float = 0.0,
    light: bool | None = None,
    profile: str | None = None,
    profiles: Mapping[str, Mapping[str, float]] | None = None,
    budget: int | None = None,
    model: str | None = None,
    full_share: float = 1.0,
) -> Participant:
    """The participant that `engine` is in `config` at `difficulty` (1-11).

    What is None takes its usual value: randomness and budget of the difficulty, light mode of the board, and the
    config's trained profile if `profiles` (weights by profile name) has it, else the balanced one; the engine's
    exceptions come first. `model` and `full_share` are for an engine with a network. Raises InvalidInput for an unknown
    engine, difficulty or profile.
    """
    row = ENGINES[check_engine(engine)]
    usual = RANDOMNESS[check_difficulty(difficulty)]
    if not row.graded:
        return Participant(engine, difficulty)  # it has nothing to set
    budget = default_budget(engine, difficulty) if budget is None else budget
    if row.network:
        return Participant(
            engine, difficulty, temperature=temperature, budget=budget, model=model, full_share=full_share
        )
    if row.evaluates:
        trained = trained_profile_name(config.board, config.players)
        usual, default = row.exceptions.get(config.key, {}).get(difficulty, (usual, trained))
        if default == trained and trained not in (profiles or {}):
            default = BALANCED
        profile = default if profile is None else profile
    return Participant(
        engine,
        difficulty,
        randomness=usual if randomness is None else randomness,
        temperature=temperature,
        light=(row.evaluates and light_default(config.board)) if light is None else light,
        profile=profile,
        profile_hash=None if profile is None else profile_hash(find_profile(profile, profiles)),
        budget=budget,
    )


def at_difficulty(player: Participant, difficulty: int, budget: int | None = None) -> Participant:
    """The player with another difficulty and its budget (None: the engine's usual one there), without randomness."""
    budget = default_budget(player.engine, difficulty) if budget is None else budget
    return replace(player, difficulty=difficulty, budget=budget, randomness=0.0)
