"""Who can play: the engines there are, the strength a difficulty stands for, and fully typed participants.

A new engine is one line of `ENGINES` and one branch of `players.match.choose`; one with a network plays in
`network.lockstep`. No kernel is imported here, so that a spec can be read and checked without numba.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.players.weights import BALANCED, find_profile, profile_hash, trained_profile_name

RANDOM_ENGINE, HEURISTIC_ENGINE, MINIMAX_ENGINE, MCTS_ENGINE, DESCENT_ENGINE, GUMBEL_ENGINE = range(6)


class Engine(NamedTuple):
    """What the rest of the system needs to know of an engine."""

    number: int  # its number in the kernels
    label: str  # first half of a participant's label
    mode: str  # the engine mode in which it plays all seats
    evaluates: bool  # True if it uses heuristic weights
    version: int  # raised whenever the engine may decide differently
    searches: bool = False  # True if it needs a budget
    nodes_per_budget: int = 0  # nodes its tree holds for each unit of budget, 0 for an engine without a tree
    network: bool = False  # True if it plays with a network: participants name a model
    judged: bool = False  # True if a value network may judge its positions in place of the heuristic evaluation


ENGINES = {
    "random": Engine(RANDOM_ENGINE, "Random", "random-only", False, 1),
    "heuristic": Engine(HEURISTIC_ENGINE, "Heuristic", "heuristic-only", True, 2),
    "minimax": Engine(MINIMAX_ENGINE, "Minimax", "minimax-only", True, 1, True, judged=True),
    "mcts": Engine(MCTS_ENGINE, "MCTS", "mcts-only", True, 1, True, 60),
    "descent": Engine(DESCENT_ENGINE, "Descent", "descent-only", True, 1, True, 4, judged=True),
    "gumbel": Engine(GUMBEL_ENGINE, "Gumbel", "nn-only", False, 1, True, network=True),
}
MIXED, NETWORK_MODE = "mixed", "nn-only"
ENGINE_MODES = (
    "random-only",
    "heuristic-only",
    "minimax-only",
    "mcts-only",
    "descent-only",
    "nn-only",
    MIXED,
)

DIFFICULTIES = range(1, 12)
# Probability of a uniform decision, by difficulty: RingRift's profile table.
RANDOMNESS = {1: 0.5, 2: 0.30, 3: 0.15, 4: 0.08, 5: 0.05, 6: 0.02, 7: 0.0, 8: 0.0, 9: 0.0, 10: 0.0, 11: 0.0}
# The tier table's two heuristic tiers of square8_2p, for no other engine: difficulty -> (randomness, profile).
SQUARE8_2P_HEURISTIC = {
    2: (0.10, "heuristic_v1_medium"),
    3: (0.05, trained_profile_name("square8", 2)),
}
# Positions (minimax, descent) or simulations (mcts, gumbel) a decision, by difficulty 1 to 11.
BUDGETS = {
    "minimax": (250, 500, 1_000, 4_000, 8_000, 16_000, 24_000, 32_000, 48_000, 64_000, 128_000),
    "mcts": (10, 20, 50, 100, 200, 500, 1_200, 3_000, 4_000, 5_000, 8_000),
    "descent": (125, 250, 500, 1_000, 4_000, 10_000, 14_000, 20_000, 32_000, 48_000, 64_000),
    "gumbel": (16, 16, 16, 16, 16, 16, 24, 24, 32, 64, 128),
}
MOST_BUDGET = 1 << 20
MOST_NETWORK_BUDGET = 1024  # a network's search keeps every position
NETWORK_DIFFICULTY = 9  # the first rung of a network
MODEL = re.compile(r"[0-9a-f]{64}")
LIGHT_BOARDS = ("square19", "hexagonal")  # self-play and training evaluate in light mode here


def available_engine_modes(*, champion: bool = False) -> tuple[str, ...]:
    """The engine modes that can be played, in documented order; `mixed` draws among the engines.

    Those that play with a network are there once there is a `champion`.
    """
    present = {engine.mode for engine in ENGINES.values() if champion or not engine.network} | {MIXED}
    return tuple(mode for mode in ENGINE_MODES if mode in present)


def engine_of_mode(mode: object) -> str | None:
    """Name of the engine that plays all seats in a mode, None for `mixed`. Raises InvalidInput otherwise."""
    if mode == MIXED:
        return None
    for name, engine in ENGINES.items():
        if engine.mode == mode:
            return name
    raise InvalidInput("engine mode", mode, f"use one of {', '.join(ENGINE_MODES)}")


def check_engine(name: object) -> str:
    """Return `name` if it is an engine; raise InvalidInput listing those available otherwise."""
    if not isinstance(name, str) or name not in ENGINES:
        raise InvalidInput("engine", name, f"use one of {', '.join(ENGINES)}")
    return name


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
    (minimax and descent; the evaluation still finishes turns), None for none.
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
        if not isinstance(self.light, bool):
            raise InvalidInput("light", self.light, "use true or false")
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


def check_difficulty(value: object) -> int:
    """Return a difficulty from 1 to 11; raise InvalidInput otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in DIFFICULTIES:
        raise InvalidInput("difficulty", value, "use an integer from 1 to 11")
    return value


def light_default(board_name: str) -> bool:
    """True on the boards where self-play and training evaluate in light mode: square19 and hexagonal."""
    return board_name in LIGHT_BOARDS


def default_budget(engine: str, difficulty: int) -> int:
    """Positions or simulations a decision of an engine at a difficulty, 0 for an engine without search."""
    return BUDGETS[engine][difficulty - 1] if ENGINES[engine].searches else 0


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
    config's trained profile if `profiles` (weights by profile name) has it, else the balanced one. The heuristic at D2
    and D3 of square8_2p alone takes randomness and profile from the tier table. `model` and `full_share` are for an
    engine with a network. Raises InvalidInput for an unknown engine, difficulty or profile.
    """
    evaluates = ENGINES[check_engine(engine)].evaluates
    usual = RANDOMNESS[check_difficulty(difficulty)]
    if ENGINES[engine].network:
        budget = default_budget(engine, difficulty) if budget is None else budget
        return Participant(
            engine, difficulty, temperature=temperature, budget=budget, model=model, full_share=full_share
        )
    if not evaluates:
        return Participant(engine, difficulty)  # the random player has nothing to set
    trained = trained_profile_name(config.board, config.players)
    default = trained
    tiers = engine == "heuristic" and (config.board, config.players) == ("square8", 2)
    if tiers and difficulty in SQUARE8_2P_HEURISTIC:
        usual, default = SQUARE8_2P_HEURISTIC[difficulty]
    if default == trained and trained not in (profiles or {}):
        default = BALANCED
    name = default if profile is None else profile
    return Participant(
        engine,
        difficulty,
        randomness=usual if randomness is None else randomness,
        temperature=temperature,
        light=light_default(config.board) if light is None else light,
        profile=name,
        profile_hash=profile_hash(find_profile(name, profiles)),
        budget=default_budget(engine, difficulty) if budget is None else budget,
    )
