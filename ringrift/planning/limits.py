"""What a pipeline file may hold: values that can never work are refused when it is read, before anything was played."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from ringrift.errors import InvalidInput
from ringrift.players.engines import CHAMPION, ENGINE_MODES, ENGINES
from ringrift.stats.sprt import SequentialTest
from ringrift.strict import first_twice

CHAMPION_LABEL = CHAMPION.capitalize()
MOST_GAMES = 1_000_000  # of one selfplay job in one iteration
MOST_BLOCKS = 10_000  # of one match

Games = Annotated[int, Field(ge=1, le=MOST_GAMES)]
Blocks = Annotated[int, Field(ge=1, le=MOST_BLOCKS)]
Thousand = Annotated[int, Field(ge=1, le=1000)]
Tier = Literal["D2", "D4", "D6", "D8"]


def _named(text: str) -> str:
    label = text.rpartition("_D")[0]
    labels = [*(engine.label for engine in ENGINES.values()), CHAMPION_LABEL]
    if label not in labels and f"{label.lower()}-only" not in ENGINE_MODES:
        raise InvalidInput("player", text, f"use {{Engine}}_D{{n}}; engines are {', '.join(labels)}")
    return text


def _named_without_network(text: str) -> str:
    labels = [engine.label for engine in ENGINES.values() if not engine.network]
    if text.rpartition("_D")[0] not in labels:
        raise InvalidInput("player", text, f"use {{Engine}}_D{{n}}; engines are {', '.join(labels)}")
    return text


_Rung = Annotated[str, Field(pattern=r"^[A-Za-z]+_D([1-9]|10)$")]
Rung = Annotated[_Rung, AfterValidator(_named)]  # `{Engine}_D{difficulty}`
PanelRung = Annotated[_Rung, AfterValidator(_named_without_network)]  # there from the first iteration on


def check_ladder(ladder: Sequence[Tier], start: Tier) -> None:
    """Raise ValueError unless the tiers rise, none twice, and `start` is one of them."""
    order = get_args(Tier)
    if [*ladder] != [tier for tier in order if tier in ladder]:
        raise ValueError(f"let the ladder rise, each tier once: some of {', '.join(order)}")
    if start not in ladder:
        raise ValueError(f"start at a tier of the ladder, {', '.join(ladder)}")


def check_gate(numbers: Mapping[str, Any]) -> None:
    """Raise ValueError unless a sequential test can be made of these numbers."""
    try:
        SequentialTest(**numbers)
    except InvalidInput as error:
        raise ValueError(error.allowed) from error


def check_different(what: str, items: Sequence[Hashable]) -> None:
    """Raise ValueError when one of the items stands twice; `what` is what to give once."""
    if (twice := first_twice(items)) is not None:
        raise ValueError(f"{what}, {twice!r} stands twice")
