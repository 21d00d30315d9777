"""Players as a user writes them: `mcts:6@5000/aggressive`, `D4`, `B2`, `model:FILE`, `export:FOLDER`."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.network.card import ModelCard, card_path, load_card
from ringrift.network.value.files import load_value_network
from ringrift.play.exports import ExportedPlayer, read_export
from ringrift.players import benchmarks
from ringrift.players.engines import ENGINES, NETWORK_DIFFICULTY, NETWORK_ENGINE, usual_difficulty
from ringrift.players.heuristic.profiles import (
    PROFILES,
    find_profile,
    load_profiles,
    profile_hash,
    trained_profile_name,
)
from ringrift.players.ladder import DIFFICULTIES, rung
from ringrift.players.participant import Participant, participant
from ringrift.players.seats import ValueNetworks

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator

HUMAN, MODEL_PREFIX, EXPORT_PREFIX = "human", "model:", "export:"
VALUE_MARK, LIGHT_MARK, PROFILE_MARK = "+value:", "+light", "+profile:"
_BUDGET = re.compile(r"@\d+$")
DEFAULT_DIFFICULTY = 5
RUNGS = tuple(f"D{n}" for n in DIFFICULTIES)
PROFILE_PREFIX = "heuristic_v1_"  # may be left out in a player's text


# --- players as text ----------------------------------------------------------------------------------------
class _Marks(NamedTuple):
    """What stands behind a player: `profile` and `value` are files."""

    base: str
    profile: Path | None = None
    light: bool = False
    value: Path | None = None


def _marks(text: str) -> _Marks:
    """A player's text taken apart; the file of a value network comes last and may have any name."""
    rest, mark, judge = text.partition(VALUE_MARK)
    found = _Marks(rest, value=Path(judge) if mark else None)
    if found.base.endswith(LIGHT_MARK):
        found = found._replace(base=found.base.removesuffix(LIGHT_MARK), light=True)
    base, mark, profiles = found.base.partition(PROFILE_MARK)
    return found._replace(base=base, profile=Path(profiles) if mark else None)


def read_player(text: str, config: Config) -> Participant | None:
    """The player a text names, None for a human.

    `engine`, `engine:difficulty`, `D5` (a rung of the ladder), `B4` (a benchmark) or `human`; behind it `@N` sets the
    budget (positions or simulations a decision) and `/profile` the weights, `+profile:FILE` those of the config in a
    file of trained profiles. A player of minimax, mcts, descent or another `judged` engine with `+light` behind it
    finishes turns by the light evaluation, and with `+value:FILE` at the end has its positions judged by the value
    network in a .safetensors file. `model:FILE` plays with the policy network in a file, `export:FOLDER` is the player
    that `ringrift models export` wrote; both take `@N`. Raises InvalidInput, with what is allowed and the nearest known
    name, and MissingInput if there is no such file.
    """
    if text.startswith(MODEL_PREFIX):
        return _network_player(text, config)
    if text.startswith(EXPORT_PREFIX):
        player, budget = _exported(text, config).player, _BUDGET.search(text)
        return replace(player, budget=_number(budget[0][1:], text)) if budget else player
    marks = _marks(text)
    named = _plain_player(marks.base, config)
    if named is None:
        if marks != _Marks(marks.base):
            raise InvalidInput("player", text, "a human judges positions without a file")
        return None
    if marks.profile:
        name, weights = _trained_profile(marks.profile, config)
        if named.profile is None:
            raise InvalidInput("player", text, f"{named.engine} has no profile")
        named = replace(named, profile=name, profile_hash=profile_hash(weights))
    if marks.light:
        named = replace(named, light_finish=True)
    return replace(named, value_model=_card_of(marks.value, text, config).weights) if marks.value else named


def _trained_profile(path: Path, config: Config) -> tuple[str, dict[str, float]]:
    """Name of a config's profile in a file of trained profiles, which holds its hash, and the weights."""
    name, file = trained_profile_name(config.board, config.players), load_profiles(path)
    if name not in file.profiles:
        raise InvalidInput("profile", str(path), f"it has {', '.join(file.profiles)}", problem=f"no profile {name}")
    weights = file.profiles[name]
    return f"{name}#{profile_hash(weights)[:8]}", weights


def _exported(text: str, config: Config) -> ExportedPlayer:
    return read_export(Path(_BUDGET.sub("", text.removeprefix(EXPORT_PREFIX))), config)


def _plain_player(text: str, config: Config) -> Participant | None:
    base, *rest = re.split(r"(?=[:@/])", text)
    parts = {part[0]: part[1:] for part in rest}
    if len(parts) < len(rest):
        raise InvalidInput("player", text, _allowed(base))
    if base == HUMAN and not parts:
        return None
    player = _base_player(text, base, parts.get(":"), config)
    if "/" in parts:
        player = _with_profile(player, parts["/"], text)
    if "@" in parts:
        player = _with_budget(player, parts["@"], text)
    return player


def _network_player(text: str, config: Config) -> Participant:
    path, budget = _model_path(text), _BUDGET.search(text)
    card = _card_of(path, text, config)
    simulations = _number(budget[0][1:], text) if budget else None
    return participant(NETWORK_ENGINE, config, NETWORK_DIFFICULTY, budget=simulations, model=card.weights)


def _card_of(path: Path, text: str, config: Config) -> ModelCard:
    card = load_card(card_path(path))
    if card.config != config.key:
        raise InvalidInput("player", text, f"its network is of {card.config}, the games are {config.key}")
    return card


def _model_path(text: str) -> Path:
    return Path(_BUDGET.sub("", text.removeprefix(MODEL_PREFIX)))


def load_networks(specs: Sequence[str], config: Config) -> "dict[str, Evaluator]":
    """The policy networks of players' texts by weights hash. Raises MissingInput or InvalidInput naming the file."""
    files = [_model_path(text) for text in specs if text.startswith(MODEL_PREFIX)]
    files += [found.weights for found in _exports(specs, config) if found.player.model]
    if not files:
        return {}
    from ringrift.network.evaluator import load_evaluator

    return {evaluator.weights: evaluator for evaluator in (load_evaluator(path, config) for path in files)}


def load_values(specs: Sequence[str], config: Config) -> ValueNetworks:
    """The value networks of players' texts by weights hash. Raises MissingInput or InvalidInput naming the file."""
    files = [marks.value for marks in _all_marks(specs) if marks.value]
    files += [found.weights for found in _exports(specs, config) if found.player.value_model]
    return {network.weights: network for network in (load_value_network(path, config) for path in files)}


def profiles_of(specs: Sequence[str], config: Config) -> dict[str, dict[str, float]]:
    """The weights of the players' trained profiles, by the names their participants have."""
    found = dict(_trained_profile(marks.profile, config) for marks in _all_marks(specs) if marks.profile)
    return found | {name: weights for one in _exports(specs, config) for name, weights in one.profiles.items()}


def _all_marks(specs: Sequence[str]) -> list[_Marks]:
    return [_marks(text) for text in specs if not text.startswith((MODEL_PREFIX, EXPORT_PREFIX))]


def _exports(specs: Sequence[str], config: Config) -> list[ExportedPlayer]:
    return [_exported(text, config) for text in specs if text.startswith(EXPORT_PREFIX)]


def _base_player(text: str, base: str, difficulty: str | None, config: Config) -> Participant:
    if base in ENGINES and not ENGINES[base].network:
        usual = usual_difficulty(base, DEFAULT_DIFFICULTY)
        return participant(base, config, usual if difficulty is None else _number(difficulty, text))
    if difficulty is None and base in RUNGS:
        return rung(int(base[1:]), config)
    if difficulty is None and base in benchmarks.BENCHMARKS:
        return benchmarks.benchmark(base, config)
    raise InvalidInput("player", text, _allowed(base))


def _allowed(base: str) -> str:
    engines = [name for name, engine in ENGINES.items() if not engine.network]
    names = (*engines, *RUNGS, *benchmarks.BENCHMARKS, HUMAN)
    near = difflib.get_close_matches(base, names, n=1, cutoff=0)[0]
    return (
        f"use ENGINE or ENGINE:DIFFICULTY with {', '.join(engines)} and 1 to 11, {RUNGS[0]} to {RUNGS[-1]}, "
        f"{', '.join(benchmarks.BENCHMARKS)}, model:FILE.safetensors, export:FOLDER or {HUMAN}, then "
        f"@BUDGET, /PROFILE, {PROFILE_MARK}FILE, {LIGHT_MARK} or {VALUE_MARK}FILE.safetensors; "
        f"the nearest known name is {near!r}"
    )


def _number(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidInput("player", text, f"{digits!r} is no number; write for example heuristic:5 or descent:6@5000")
    return int(digits)


def _with_profile(player: Participant, name: str, text: str) -> Participant:
    if player.profile is None:
        raise InvalidInput("player", text, f"{player.engine} has no profile")
    full = name if name in PROFILES else PROFILE_PREFIX + name
    if full not in PROFILES:
        near = difflib.get_close_matches(full, PROFILES, n=1, cutoff=0)[0]
        raise InvalidInput("profile", name, f"use one of {', '.join(PROFILES)}; the nearest is {near!r}")
    return replace(player, profile=full, profile_hash=profile_hash(find_profile(full)))


def _with_budget(player: Participant, digits: str, text: str) -> Participant:
    if not ENGINES[player.engine].searches:
        raise InvalidInput("player", text, f"{player.engine} does not search, it has no budget")
    return replace(player, budget=_number(digits, text))


def with_ceiling(player: Participant | None, time_ms: int) -> Participant | None:
    """The player with a ceiling of CPU time a decision, in milliseconds, if it is one that searches."""
    if player is None or not ENGINES[player.engine].searches or player.model:
        return player  # a network's games are played in lock-step, with budgets only
    return replace(player, time_ms=time_ms)
