"""Find the positions of tactics.json: `python -m tests.players.find_tactics` (some minutes of one core).

Games are played at random, at random with the kind of move drawn first (so that rare moves are played), and by
the heuristic player. Of each game the turn that won it, or the last turn of a loser, is searched to its end, with
the replies where the goal asks for it, from each of its decisions: a position is taken where at most a third of
the decisions achieve the goal. A slot below says how many positions of a category a config gives. Another heuristic
player gives other games, so a new run need not find the same positions; those stored are proven on their own.
"""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ringrift.config import parse_config
from ringrift.players.match import play_match_game
from ringrift.players.participant import participant
from ringrift.rules import moves as mv
from ringrift.rules import state as st
from ringrift.rules.game import Game
from ringrift.rules.position_json import board_of, read_options
from ringrift.seeds import seed_number, stream
from tests.ringrift.players.brute_force import GOALS, BruteForce, TooLarge

TACTICS = Path(__file__).parent / "tactics.json"
SEED = 20
POLICIES = ("uniform", "by_type", "heuristic")
BUDGETS = (500, 2000, 5000)  # a position has the smallest one with room for its tree twice
LEAST_TREE, LEAST_LEGAL = 30, 4  # smaller ones are found by any search
MOST_ACCEPTED = 12  # and at most a third of the legal ones
MOST_GAMES = 30_000  # a slot
LATER, LATER_LARGE = 250_000, 20_000  # positions to look at beyond the goal; on the large boards each costs more


class Category(NamedTuple):
    """What a kind of position asks for and what the search has to prove of it."""

    text: str
    goals: tuple[str, ...] = ("win",)  # of brute_force.GOALS
    needs: tuple[int, ...] = ()  # move types without which the goal is out of reach
    spares: tuple[int, ...] = ()  # move types that the goal can do without
    reasons: tuple[str, ...] = ()  # how every win that the search meets ends the game; () for any


LINES = (mv.PROCESS_LINE, mv.LINE_OPTION)
LAST = ("last_player_material", "last_player_rounds", "stalemate", "stalemate_hand")
CATEGORIES = {
    "rings": Category("wins in one turn by ring elimination", spares=(*LINES, mv.CLAIM), reasons=("ring_elimination",)),
    "territory": Category("wins in one turn by territory", reasons=("territory",)),
    "line": Category("a line, by its price or by its cells, is needed to win in one turn", needs=LINES),
    "region": Category(
        "a region's rings are needed to win in one turn", needs=(mv.CLAIM,), reasons=("ring_elimination",)
    ),
    "chain": Category("a chain of captures that goes on the right way is needed to win", needs=(mv.CONTINUE,)),
    "avoid_loss": Category("nothing wins at once and most decisions lose before the next turn", goals=("hold",)),
    "recovery": Category("only a recovery slide wins or saves the game", goals=("win", "hold"), needs=(mv.SLIDE,)),
    "last_player": Category("leaves the others without rings or actions", goals=("win", "force"), reasons=LAST),
}
SHORT = {"rings_per_player": 36, "victory_threshold": 36}  # the large board's endings are too wide with all rings


class Slot(NamedTuple):
    """`wanted` positions of a category from games of a config, with its own or other options."""

    category: str
    config: str
    wanted: int
    options: dict[str, int] | None = None


SLOTS = [
    Slot("rings", "square8_2p", 4),
    Slot("rings", "hex8_2p", 1),
    Slot("rings", "square19_2p", 1),
    Slot("territory", "square8_2p", 4),
    Slot("territory", "square8_3p", 1),
    Slot("territory", "square8_4p", 1),
    Slot("territory", "hex8_2p", 1),
    Slot("territory", "square19_2p", 1),
    Slot("line", "square8_2p", 3),
    Slot("line", "square8_3p", 1),
    Slot("line", "square8_4p", 1),
    Slot("line", "hex8_2p", 1),
    Slot("line", "hex8_3p", 1),
    Slot("region", "square8_2p", 4),
    Slot("region", "square8_3p", 1),
    Slot("region", "hex8_2p", 1),
    Slot("region", "square19_2p", 1),
    Slot("region", "hexagonal_2p", 2, SHORT),
    Slot("chain", "square8_2p", 4),
    Slot("chain", "square8_3p", 1),
    Slot("chain", "hex8_2p", 1),
    Slot("chain", "square19_2p", 1),
    Slot("avoid_loss", "square8_2p", 5),
    Slot("avoid_loss", "square8_3p", 1, {"rings_per_player": 9, "victory_threshold": 12}),
    Slot("avoid_loss", "hex8_2p", 2),
    Slot("recovery", "square8_2p", 3),
    Slot("recovery", "hex8_2p", 2),
    Slot("last_player", "square8_2p", 3),
    Slot("last_player", "square8_3p", 1),
    Slot("last_player", "hex8_2p", 1),
]


def played(slot: Slot, policy: str, index: int) -> list[int]:
    """Decisions of game number `index` that a policy plays for a slot."""
    key = ("tactics", slot.category, slot.config, policy, index)
    game = Game(slot.config, slot.options)
    if policy == "uniform":
        game.play_random(stream(SEED, *key), game.config.decision_cap)
    elif policy == "heuristic":
        table = [participant("heuristic", game.config, 5, light=True, randomness=0.1)] * game.config.players
        options = read_options(slot.options, game.config)
        return play_match_game(game.config, table, SEED, key, opening_plies=6, options=options).codes.tolist()
    rng = np.random.default_rng(seed_number(SEED, *key))
    while legal := game.legal_moves():
        kinds = sorted({code >> mv.TYPE_SHIFT for code in legal})
        kind = kinds[rng.integers(len(kinds))]
        legal = [code for code in legal if code >> mv.TYPE_SHIFT == kind]
        game.play(legal[rng.integers(len(legal))])
    return game.moves


def turns_of(slot: Slot, codes: list[int]) -> tuple[list[list[tuple[int, np.ndarray]]], np.ndarray]:
    """The turns of a game, each a list of (number of decisions before it, state), and the last state."""
    game = Game(slot.config, slot.options)
    turns: dict[int, list[tuple[int, np.ndarray]]] = {}
    for ply, code in enumerate(codes):
        turns.setdefault(int(game.state[st.TURN]), []).append((ply, game.state.copy()))
        game.play(code)
    return list(turns.values()), game.state


def turn_for(goal: str, turns: list[list[tuple[int, np.ndarray]]], winner: int) -> list[tuple[int, np.ndarray]]:
    """The turn of a won game that may hold positions for a goal; empty if it has none."""
    own = [turn for turn in turns if turn[0][1][st.CUR] == winner]
    if goal == "hold":
        own = [turn for turn in turns if turn[0][1][st.CUR] != winner]
    elif bool(own and own[-1] is turns[-1]) != (goal == "win"):
        return []  # "force" is for the games that ended in somebody else's turn
    return own[-1] if own else []


def judge(category: Category, goal: str, state: np.ndarray) -> dict[str, Any] | None:
    """What is stored of a position that fits a category, None for any other."""
    if mv.SLIDE in category.needs and state[st.STACKS + state[st.CUR]] > 0:
        return None  # who controls a stack has no recovery
    search = BruteForce(state, GOALS[goal], BUDGETS[-1] // 2)
    try:
        tree = search.tree()
    except TooLarge:
        return None
    answers = search.solve()
    accepted = [code for code, good in answers.items() if good]
    large = len(answers) >= LEAST_LEGAL and tree >= max(LEAST_TREE, 2 * len(answers))
    if not large or not 0 < len(accepted) <= min(MOST_ACCEPTED, len(answers) // 3):
        return None
    if category.reasons and not search.reasons <= {*category.reasons}:
        return None
    if category.needs and BruteForce(state, GOALS[goal], without=category.needs).accepted():
        return None
    if category.spares and not BruteForce(state, GOALS[goal], without=category.spares).accepted():
        return None
    if goal == "hold" and BruteForce(state, GOALS["win"]).accepted():
        return None
    budget = next(budget for budget in BUDGETS if budget >= 2 * tree)
    return {"goal": goal, "accepted": accepted, "legal": len(answers), "tree": tree, "budget": budget}


def clear(goal: str, state: np.ndarray, accepted: list[int]) -> bool:
    """False if a strong player may see no point in the answer: it does not save the game for long, or others win too.

    A defence has to last for two rounds, and no other decision may win by the own next turn as far as can be seen.
    """
    limit = LATER if board_of(state).cells < 100 else LATER_LARGE
    try:
        if goal == "hold":
            return BruteForce(state, GOALS["hold_twice"], limit).achievable()
        return {*BruteForce(state, GOALS["win_next"], limit).accepted()} == {*accepted}
    except TooLarge:
        return goal != "hold"


def find(slot: Slot) -> Iterator[dict[str, Any]]:
    """Positions for a slot, at most one from each game, in the order of the games."""
    category = CATEGORIES[slot.category]
    for number in range(MOST_GAMES):
        policy = POLICIES[number % len(POLICIES)]
        codes = played(slot, policy, number)
        turns, last = turns_of(slot, codes)
        if last[st.WINNER] < 0 or not may_fit(category, codes, last):
            continue
        candidates = ((goal, *step) for goal in category.goals for step in turn_for(goal, turns, int(last[st.WINNER])))
        for goal, ply, state in candidates:
            if (found := judge(category, goal, state)) and clear(goal, state, found["accepted"]):
                yield {"policy": policy, "ply": ply, "codes": codes[:ply]} | found
                break


def may_fit(category: Category, codes: list[int], last: np.ndarray) -> bool:
    """False if the end of a game shows that it holds no position of a category."""
    if "hold" in category.goals:
        return True
    ended = not category.reasons or st.REASONS[int(last[st.REASON])] in category.reasons
    kinds = {code >> mv.TYPE_SHIFT for code in codes[-20:]}
    return ended and (not category.needs or bool(kinds & {*category.needs}))


def entry(slot: Slot, number: int, found: dict[str, Any]) -> dict[str, Any]:
    """A position as it stands in tactics.json."""
    board = parse_config(slot.config).board
    return {
        "name": f"{slot.category}-{slot.config}-{number}",
        "category": slot.category,
        "goal": found["goal"],
        "config": slot.config,
        "options": slot.options or {},
        "budget": found["budget"],
        "tree": found["tree"],
        "legal": found["legal"],
        "accepted": " ".join(mv.to_notation(board, code) for code in found["accepted"]),
        "moves": " ".join(mv.to_notation(board, code) for code in found["codes"]),
    }


def write_all() -> None:
    """Write tactics.json anew, with a line a position on the terminal."""
    positions = []
    for slot in SLOTS:
        for number, found in zip(count(1), find(slot)):
            position = entry(slot, number, found)
            positions.append(position)
            shown = {key: value for key, value in position.items() if key not in ("moves", "options", "category")}
            print(found["policy"], shown, flush=True)
            if number == slot.wanted:
                break
        else:
            print("too few:", slot, flush=True)
    TACTICS.write_text(json.dumps({"positions": positions}, indent=1) + "\n")


if __name__ == "__main__":
    write_all()
