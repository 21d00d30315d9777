"""How fast searches are, as measured by `ringrift bench players --rates`, and the budgets that take a given time.

A budget is a fixed number, so that games stay reproducible; equal CPU time a decision makes two players' budgets fair.
"""

from math import floor, log10
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ringrift.config import Config, ConfigKey
from ringrift.errors import InvalidInput
from ringrift.players.engines import ENGINES, MOST_BUDGET, MOST_NETWORK_BUDGET, light_default
from ringrift.strict import Strict, parse, read_document

MEASURED = Path(__file__).with_name("player_rates.json")  # on two shared x86-64 cores
REMEDY = "measure it: ringrift bench players -c {config} --rates FILE, and name the file in search.rates"


class PlayerRates(Strict):
    """Positions or simulations a CPU second, by config and what searches (rate_key); `machine` says where."""

    machine: dict[str, str | int]
    rates: dict[ConfigKey, dict[str, Annotated[float, Field(gt=0)]]]


def load_rates(path: str | None = None) -> PlayerRates:
    """The rates in a file, those of the package without one. Raises MissingInput or InvalidInput naming the file."""
    file = Path(path) if path else MEASURED
    return parse(PlayerRates, read_document(file), str(file))


def rate_key(engine: str, config: Config, *, value: bool = False, light_finish: bool = False) -> str:
    """What a rate is of: `mcts`, `descent+light`, `descent+light+value`.

    On boards that are always evaluated in light mode finishing turns so makes no difference.
    """
    light = light_finish and not light_default(config.board)
    return engine + ("+light" if light else "") + ("+value" if value else "")


def network_rate_key(blocks: int, channels: int) -> str:
    """What the rate of a policy-value network is of: `gumbel 4x64`."""
    return f"gumbel {blocks}x{channels}"


def budget_of(rates: PlayerRates, config: Config, key: str, decision_ms: float) -> int:
    """The budget that takes `decision_ms` of CPU time a decision, to two significant digits, at least 1.

    Raises InvalidInput with the remedy where the rate was not measured.
    """
    measured = rates.rates.get(config.key, {})
    if key not in measured:
        have = ", ".join(measured) or "nothing"
        raise InvalidInput(
            "rate", key, REMEDY.format(config=config.key), problem=f"of {config.key} were measured {have}, not {key}"
        )
    exact = max(1.0, measured[key] * decision_ms / 1000)
    step = 10 ** max(0, floor(log10(exact)) - 1)
    most = MOST_NETWORK_BUDGET if ENGINES[key.split("+")[0].split()[0]].network else MOST_BUDGET
    return min(round(exact / step) * step, most)
