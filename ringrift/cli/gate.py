"""`ringrift gate`: measure the promotion gate on known players, check the evidence of a verdict."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ringrift.progress import with_progress

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
    as_json: JsonOption = False,
) -> None:
    """Recompute blocks, LLR path and verdict from the games in FILE; exit 1 and list what differs."""
    from ringrift.stats.evidence import verify_evidence
    from ringrift.strict import read_document

    stored = read_document(file)
    problems = verify_evidence(stored)
    if as_json:
        print(json.dumps({"file": str(file), "holds": not problems, "problems": problems}))
    else:
        for problem in problems:
            print(f"{file}: {problem}")
        if not problems:
            verdict = stored["verdict"]
            print(f"{file}: holds; {verdict['outcome']} after {verdict['blocks']} blocks, LLR {verdict['llr']:.3f}")
    if problems:
        raise typer.Exit(1)
