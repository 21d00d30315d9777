"""Find the positions of endgames.json: `python -m tests.players.find_endgames` (some minutes of one core).

Random games with few rings are walked backwards from their end as long as the whole rest of the game is a small
tree. What is kept is the earliest position there whose decisions differ in value, and which nobody wins in the
turn it stands in; some lost ones too, where every decision has the same value.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ringrift.config import parse_config
from ringrift.rules import moves as mv
from ringrift.rules import state as st
from tests.ringrift.players.brute_force import GOALS, BruteForce, TooLarge
from tests.ringrift.players.find_tactics import Slot, played, turns_of

ENDGAMES = Path(__file__).parent / "endgames.json"
LARGEST, LEAST = 10_000, 100  # positions below the root, each way to reach one counted
LEAST_LEGAL = 3
MOST_GAMES = 2000  # a kind


class Kind(NamedTuple):
    """`wanted` endgames of a config with few rings, won or lost for the player to move."""

    config: str
    rings: int
    won: bool
    wanted: int


KINDS = [
    *(Kind("square8_2p", rings, True, 3) for rings in (3, 4, 5, 6)),
    *(Kind("hex8_2p", rings, True, 2) for rings in (3, 4)),
    *(Kind("square8_3p", rings, True, 2) for rings in (3, 4)),
    *(Kind(config, 4, False, 2) for config in ("square8_2p", "hex8_2p")),
]


def judge(kind: Kind, state: np.ndarray) -> dict[str, Any] | None:
    """What is stored of a position that fits a kind, None for any other. Raises TooLarge."""
    tree = BruteForce(state, GOALS["game"], LARGEST).tree(merged=False)
    answers = BruteForce(state, GOALS["game"]).solve()
    winning = [code for code, good in answers.items() if good]
    if tree < LEAST or len(answers) < LEAST_LEGAL or bool(winning) != kind.won or 2 * len(winning) > len(answers):
        return None
    if BruteForce(state, GOALS["win"]).accepted():
        return None
    return {"winning": winning, "legal": len(answers), "tree": tree}


def find(kind: Kind) -> Iterator[dict[str, Any]]:
    """Endgames of a kind, at most one from each game, as they stand in endgames.json."""
    config = parse_config(kind.config)
    threshold = round(kind.rings * (2 / 3 + (config.players - 1) / 3))
    options = {"rings_per_player": kind.rings, "victory_threshold": threshold}
    slot = Slot(f"endgame-{kind.rings}-{kind.won}", kind.config, kind.wanted, options)
    for number in range(MOST_GAMES):
        codes = played(slot, "uniform" if number % 2 else "by_type", number)
        turns, last = turns_of(slot, codes)
        kept = None
        try:
            for ply, state in reversed([step for turn in turns for step in turn]):
                if last[st.WINNER] >= 0 and (found := judge(kind, state)):
                    kept = {"ply": ply} | found
        except TooLarge:
            pass
        if kept:
            yield {
                "config": kind.config,
                "options": options,
                "tree": kept["tree"],
                "legal": kept["legal"],
                "winning": " ".join(mv.to_notation(config.board, code) for code in kept["winning"]),
                "moves": " ".join(mv.to_notation(config.board, code) for code in codes[: kept["ply"]]),
            }


def write_all() -> None:
    """Write endgames.json anew, with a line an endgame on the terminal."""
    endgames = []
    for kind in KINDS:
        found = list(islice(find(kind), kind.wanted))
        for endgame in found:
            print({key: value for key, value in endgame.items() if key != "moves"}, flush=True)
        endgames += found
        if len(found) < kind.wanted:
            print("too few:", kind, flush=True)
    ENDGAMES.write_text(json.dumps({"endgames": endgames}, indent=1) + "\n")


if __name__ == "__main__":
    write_all()
