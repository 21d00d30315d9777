"""A game in the terminal: people type their decisions, computer players answer.

It reads lines and writes text, and needs no terminal. A person may give a decision by its number or its notation; the
beginning of a notation lists the decisions that begin so.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal, TextIO

from ringrift.config import Config
from ringrift.gamesets.schema import GameOrigin, GameOutcome, GameProvenance, make_row
from ringrift.matches.decide import choose_move
from ringrift.matches.plan import participant_name
from ringrift.play.player_text import HUMAN
from ringrift.play.series import JOB, SOURCE
from ringrift.players.benchmarks import anchor
from ringrift.players.participant import Participant
from ringrift.players.seats import Profiles, ValueNetworks
from ringrift.render import render_text
from ringrift.render.position import status_text
from ringrift.rules.game import Game
from ringrift.rules.moves import MOVE_TYPES, TYPE_SHIFT
from ringrift.rules.state import CUR, TURN
from ringrift.seeds import seed_number, stream

if TYPE_CHECKING:
    from ringrift.network.evaluator import Evaluator

Seats = Sequence[Participant | None]  # None: a human
Numbered = list[tuple[int, str]]  # decisions by number from 1, as notation

LISTED = 40  # a longer list is shown as groups
WIDTH = 80

HELP = """\
  12      the decision with this number
  d4-d7   the decision with this notation
  Pd      lists the decisions that begin so (h* for those that begin with a command's letter)
  h       hint: what the heuristic would play
  u       take back: return to the last decision of a human
  q       leave the game
Notation: Pd4x2 place two rings on d4; d4-d7 move; d4xd5-d8 capture over d5, +d8xe8-g8 goes on capturing;
Ra1-a2=line1 recovery slide; La4/0 collapse a line, Oa4/0=all or =0 which of its cells; Ed4=line give up rings;
T0 claim a region; Fd4 forced elimination; skip-capture, skip-placement, skip-recovery, skip-territory.
On hexagonal boards a cell is (x,y): P(-1,4)x2, (0,0)-(2,0)."""


def play_human(
    config: Config,
    seats: Seats,
    seed: int,
    lines: Iterator[str],
    out: TextIO,
    *,
    opening_plies: int = 0,
    color: bool = False,
    evaluators: "Mapping[str, Evaluator] | None" = None,
    values: ValueNetworks | None = None,
    profiles: Profiles | None = None,
) -> Game:
    """Play one game between `seats` (one a seat in seat order) and return it, over or left before its end.

    `lines` are what the humans type, their end leaves the game; the board, what the computer players play and the
    result are written to `out`, with ANSI colours if `color`. The first `opening_plies` decisions are random.
    Computer players decide by `seed` and the number of decisions made, so that taking back changes nothing of what they
    would answer. `evaluators` and `values` are the policy and value networks they play with, by weights hash,
    `profiles` the weights of trained profiles by name.
    """
    game = _opened(config, seed, opening_plies)
    asked: list[int] = []  # how many decisions had been made before each one of a human
    _board(game, out, color)
    while not game.over and len(game.moves) < config.decision_cap:
        player = seats[game.to_move - 1]
        if player is not None:
            mover = game.to_move
            turn = " ".join(_turn_of(game, player, seed, evaluators, values, profiles))
            _say(out, f"player {mover} ({player.label}) plays {turn}")
            _board(game, out, color)
            continue
        answer = _ask(game, seed, lines, out, can_go_back=bool(asked))
        if answer in ("leave", "end"):
            reason = "end of input: " if answer == "end" else ""
            _say(out, f"{reason}the game was left after {len(game.moves)} decisions")
            return game
        if answer == "back":
            game = _replayed(config, game.moves[: asked.pop()])
        else:
            asked.append(len(game.moves))
            game.play(answer)
        _board(game, out, color)
    _say(out, _result(game, seats))
    return game


def _opened(config: Config, seed: int, opening_plies: int) -> Game:
    game = Game(config)
    game.play_random(stream(seed, "opening"), opening_plies)
    return game


def _turn_of(
    game: Game,
    player: Participant,
    seed: int,
    evaluators: "Mapping[str, Evaluator] | None" = None,
    values: ValueNetworks | None = None,
    profiles: Profiles | None = None,
) -> list[str]:
    """Let a computer player decide until its turn is over; what it played, as notation."""
    turn, seat, shown = int(game.state[TURN]), int(game.state[CUR]), []
    while not game.over and (game.state[TURN], game.state[CUR]) == (turn, seat):
        if len(game.moves) == game.config.decision_cap:
            break
        number = seed_number(seed, "decision", len(game.moves))
        code = choose_move(game.state, player, number, profiles=profiles, evaluators=evaluators, values=values).code
        shown.append(game.notation(code))
        game.play(code)
    return shown


def _replayed(config: Config, codes: Sequence[int]) -> Game:
    game = Game(config)
    for code in codes:
        game.play(code)
    return game


def _result(game: Game, seats: Seats) -> str:
    if game.winner is None:
        return f"stopped after {len(game.moves)} decisions, the most of {game.config.key}: no winner"
    text = f"{status_text(game.state)} ({seat_name(seats[game.winner - 1])})"
    if game.ranking and len(seats) > 2:
        text += "; final ranks " + ", ".join(f"player {seat}: {rank}" for seat, rank in enumerate(game.ranking, 1))
    return text


# --- asking -------------------------------------------------------------------------------------------------


def _ask(
    game: Game, seed: int, lines: Iterator[str], out: TextIO, *, can_go_back: bool
) -> int | Literal["leave", "end", "back"]:
    """The code of a human's decision, or what else was wanted; `end` where no more lines come."""
    codes = sorted(game.legal_moves(), key=lambda code: code >> TYPE_SHIFT)  # stable: the fixed order within a type
    texts = [game.notation(code) for code in codes]
    numbered = list(enumerate(texts, 1))
    _say(out, *_overview(codes, numbered))
    while True:
        print(f"player {game.to_move}> ", end="", file=out, flush=True)
        line = _next(lines)
        if line is None:
            _say(out, "")
            return "end"
        typed = line.strip()
        if typed == "q":
            return "leave"
        if typed == "u" and can_go_back:
            return "back"
        if typed == "u":
            _say(out, "there is nothing to take back")
        elif typed == "?":
            _say(out, HELP)
        elif typed == "h":
            hint = game.notation(choose_move(game.state, anchor(game.config), seed).code)
            _say(out, f"the heuristic would play {hint} ({texts.index(hint) + 1})")
        elif typed in texts:
            return codes[texts.index(typed)]
        elif typed.isascii() and typed.isdigit():
            if 1 <= int(typed) <= len(codes):
                return codes[int(typed) - 1]
            _say(out, f"there is no decision {typed}: use 1 to {len(codes)}, ? for help")
        else:
            _say(out, *_narrowed(numbered, typed.removesuffix("*")))


def _next(lines: Iterator[str]) -> str | None:
    try:
        return next(lines, None)
    except KeyboardInterrupt:  # leaves the game as the end of input does, so that it can still be saved
        return None


def _overview(codes: Sequence[int], numbered: Numbered) -> list[str]:
    """All decisions, grouped by type where there are many."""
    if len(numbered) <= LISTED:
        return _columns(numbered)
    lines = []
    for kind in sorted({code >> TYPE_SHIFT for code in codes}):
        group = [numbered[i] for i, code in enumerate(codes) if code >> TYPE_SHIFT == kind]
        lines.append(f"{str(MOVE_TYPES[kind]).replace('_', ' ')}, {len(group)}:")
        lines += _listed(group)
    return [*lines, "type a number, a notation or how it begins; ? for help"]


def _narrowed(numbered: Numbered, start: str) -> list[str]:
    """The decisions whose notation begins with `start`, in any case of letters if none does in this one."""
    found = [(number, text) for number, text in numbered if text.startswith(start)]
    found = found or [(number, text) for number, text in numbered if text.lower().startswith(start.lower())]
    return _listed(found) if found else [f"no decision begins with {start!r}; ? for help"]


def _listed(numbered: Numbered) -> list[str]:
    """Decisions in columns, or where there are many how many begin alike."""
    if len(numbered) <= LISTED:
        return _columns(numbered)
    texts = [text for _, text in numbered]
    same = [len(set(letters)) == 1 for letters in zip(*texts, strict=False)]
    shared = [*same, False].index(False) + 1
    groups = Counter(text[:shared] for text in texts)
    return _wrapped([f"{start}.. {count}" for start, count in groups.items()])


def _columns(numbered: Numbered) -> list[str]:
    return _wrapped([f"{number:>3} {text}" for number, text in numbered])


def _wrapped(cells: list[str]) -> list[str]:
    wide = max(map(len, cells)) + 2
    most = max(1, (WIDTH - 2) // wide)
    rows = ["".join(cell.ljust(wide) for cell in cells[at : at + most]) for at in range(0, len(cells), most)]
    return [f"  {row}".rstrip() for row in rows]


def _board(game: Game, out: TextIO, color: bool) -> None:
    _say(out, "", render_text(game.state, color=color), "")


def _say(out: TextIO, *lines: str) -> None:
    print(*lines, sep="\n", file=out, flush=True)


# --- the record ---------------------------------------------------------------------------------------------


def seat_name(player: Participant | None) -> str:
    """How a recorded game names who sat in a seat: label and key, or `human`."""
    return HUMAN if player is None else participant_name(player)


def human_row(game: Game, seats: Seats, seed: int, *, opening_plies: int, duration_s: float) -> dict[str, Any]:
    """Row of a game set (schema.make_row); a game left before its end is one stopped without a result."""
    origin = GameOrigin(
        config=game.config,
        iteration=0,
        source=SOURCE,
        job=JOB,
        game_index=0,
        seed=seed,
        options=game.options,
        participants=[seat_name(player) for player in seats],
        opening_plies=min(opening_plies, len(game.moves)),
    )
    outcome = GameOutcome(winner=game.winner, ranking=game.ranking, victory=game.reason, capped=not game.over)
    made = GameProvenance(
        duration_s=duration_s, worker_version=version("ringrift-assets"), created_at=datetime.now(UTC)
    )
    return make_row(origin, game.moves, outcome, made=made)
