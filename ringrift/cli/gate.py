"""`ringrift gate`: measure the promotion gate on known players, check the evidence of a verdict."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.options import EXIT_FAILED
from ringrift.errors import cut, printable
from ringrift.progress import with_progress

if TYPE_CHECKING:
    from ringrift.cli.gate_games import Checked

SHARE = 0.05  # of the games that `verify` plays again

gate_app = typer.Typer(help="Calibrate the promotion gate, verify the evidence of a verdict.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


@gate_app.command("calibrate")
def calibrate_command(
    gates: Annotated[int, typer.Option(min=1, help="Simulated gates per scenario.")] = 2000,
    as_json: JsonOption = False,
) -> None:
    """Measure error rates of the gate and coverage of the ratings on simulated players of known strength.

    Exit 1 when a bar is missed.

    The gate promotes when LLR = N (s1 - s0) (2m - s0 - s1) / (2v) of N block scores with mean m and variance v
    reaches ln((1 - beta) / alpha), and rejects at ln(beta / (1 - alpha)).
    """
    from ringrift.bench.gate import STEPS, calibrate
    from ringrift.bench.report import emit

    result = with_progress(STEPS, lambda step: calibrate(gates, step=step))
    if code := emit(result, as_json):
        raise typer.Exit(code)


@gate_app.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="Evidence file of a gate (JSON).")],
    games: Annotated[
        Path | None, typer.Option(help="Game set of the match; default: the one beside FILE, or in its store.")
    ] = None,
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the games to play again.")] = SHARE,
    as_json: JsonOption = False,
) -> None:
    """Recompute blocks, LLR path and verdict from the games in FILE; exit 1 and list what differs.

    Where the game set is at hand, its games are looked up by hash, replayed, and compared with their plan: who sat
    where, seeds and openings. The evidence is made again from them, and some are played again, bit for bit.
    """
    from ringrift.stats.evidence import verify_evidence
    from ringrift.strict import read_document

    stored = read_document(file)
    problems, checked = verify_evidence(stored), None
    if not problems:
        from ringrift.cli.gate_games import check_games, games_beside

        if found := games or games_beside(file):
            checked = check_games(stored, found, share)
            problems = checked.problems
    if as_json:
        about = {"file": str(file), "holds": not problems, "problems": problems}
        print(json.dumps(about | {"checked": checked and asdict(checked)}))
    else:
        for problem in problems:
            print(f"{file}: {printable(cut(problem))}")
        if not problems:
            verdict = stored["verdict"]
            print(f"{file}: holds; {verdict['outcome']} after {verdict['blocks']} blocks, LLR {verdict['llr']:.3f}")
            print(_games_text(checked))
    if problems:
        raise typer.Exit(EXIT_FAILED)


def _games_text(checked: "Checked | None") -> str:
    """What was done with the games, in words."""
    if checked is None:
        return "the games were not looked at: no game set is beside it; give it by --games"
    if not checked.planned:
        return (
            f"{checked.games} games replay; their plan is not there, so line-ups and openings were not compared with it"
        )
    done = f"{checked.games} games replay and are the planned ones"
    if checked.decided:
        return f"{done}; the decisions of {checked.decided} of them were taken again, a weaker proof"
    return f"{done}; {checked.proved} of them were played again, bit for bit"
