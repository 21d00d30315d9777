"""`ringrift tune`: find and prove better heuristic weights for one config, outside the graph."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ringrift.errors import InvalidInput
from ringrift.jobs.cores import usable_cores

NOT_PROVED = 1


def tune_command(
    config: Annotated[
        str, typer.Option("-c", "--configs", help="Board config, for example square8_2p.")
    ] = "square8_2p",
    out: Annotated[
        Path | None, typer.Option(help="Profiles file to write; evidence, plot and work folder are written beside it.")
    ] = None,
    scale: Annotated[float | None, typer.Option(min=0.1, max=100, help="Population multiplier.")] = None,
    generations: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Generations; default: the documented number.")
    ] = None,
    replicas: Annotated[
        int | None, typer.Option(min=1, max=100, help="Independent searches; default: the pipeline's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Random seed.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="Profiles file with the starting weights, which must be beaten.")
    ] = None,
    pipeline: Annotated[Path | None, typer.Option("--config", help="Pipeline file, YAML or JSON.")] = None,
    processes: Annotated[int, typer.Option(min=0, help="Worker processes; 0: one per core.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Search heuristic weights with CMA-ES, then gate them against the starting weights on fresh openings.

    Stopped with Ctrl-C, the same command goes on. Exit code 1 when no candidate was proved better; then no profiles
    file is written. The evidence is for `ringrift gate verify`.
    """
    from ringrift.cli.local_tuning import tune
    from ringrift.config import parse_config
    from ringrift.files import write_json, write_text
    from ringrift.players.heuristic.profiles import (
        BALANCED,
        PROFILES,
        load_profiles,
        profiles_file,
        trained_profile_name,
        write_profiles,
    )
    from ringrift.plots.cmaes import render_convergence
    from ringrift.tuning.cma import changed_most

    chosen = parse_config(config)
    settings = _settings(pipeline, chosen.key, scale=scale, generations=generations, replicas=replicas, seed=seed)
    name = trained_profile_name(chosen.board, chosen.players)
    profile, weights = BALANCED, PROFILES[BALANCED]
    if start is not None:
        known = load_profiles(start).profiles
        if name not in known:
            raise InvalidInput("--from", str(start), f"it has no {name}; it has {', '.join(known) or 'none'}")
        profile, weights = name, known[name]
    target = out or Path(f"tuned_{chosen.key}.json")
    if target.suffix != ".json":
        raise InvalidInput("--out", str(target), "use a file name that ends in .json")
    with Live(Text("starting"), console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        begin = time.monotonic()

        def show(jobs: dict[str, dict[str, Any]]) -> None:
            live.update(
                Text(f"{time.monotonic() - begin:.0f} s · " + " · ".join(map(_line, jobs.items()))), refresh=True
            )

        work, count = target.with_suffix(".tune"), processes or usable_cores()
        try:
            found = tune(settings, chosen, profile, weights, work, count, show)
        except KeyboardInterrupt:
            print("stopped; the same command goes on from here", file=sys.stderr)
            raise typer.Exit(130) from None
    for number, proof in enumerate(found["proofs"]):
        path, held = target.with_suffix(f".proof{number}.gate.json"), proof.pop("evidence")
        write_json(path, held)
        proof |= {"file": str(path), "verdict": held["verdict"]}
    plot = target.with_suffix(".svg")
    write_text(plot, render_convergence(found["histories"], found["candidates"], f"CMA-ES, {chosen.key}"))
    best = found["chosen"]
    result = {**found, "plot": str(plot), "saved": str(target) if best else None}
    result["changed"] = changed_most(found["before"], best["weights"]) if best else []
    if best:
        about = {
            "source": "ringrift tune",
            "board": chosen.board,
            "fitness": best["fitness"]["score"] if best["fitness"] else found["proofs"][-1]["verdict"]["mean"],
            "generation": settings.cmaes.generations[chosen.key],
            "kind": best["kind"],
            "hash": best["hash"],
            "verdict": found["proofs"][-1]["verdict"],
        }
        write_profiles(target, profiles_file({name: best["weights"]}, {name: about}, updated=time.time()))
    print(json.dumps(result)) if as_json else _show(result)
    if not best:
        raise typer.Exit(NOT_PROVED)


def _settings(path: Path | None, key: str, *, seed: int | None, generations: int | None, **changes: Any) -> Any:
    """The pipeline of a file, or the documented one, with what the options change."""
    from ringrift.planning.pipeline import Pipeline, load_pipeline
    from ringrift.strict import parse

    usual = load_pipeline(path) if path else Pipeline()
    content = usual.model_dump()
    content["cmaes"] |= {name: value for name, value in changes.items() if value is not None}
    if generations is not None:
        content["cmaes"]["generations"][key] = generations
    if seed is not None:
        content["root_seed"] = seed
    return parse(Pipeline, content, "options")


def _line(item: tuple[str, dict[str, Any]]) -> str:
    name, said = item
    if not said:
        return f"{name}: starting"
    where = f"{name}: {said['done']} of {said['total']}"
    if "against_panel" in said:
        return f"{where} generations, against the panel {said['against_panel']:.2f}, sigma {said['sigma']:.2f}"
    return f"{where} games at most"


def _show(result: dict[str, Any]) -> None:
    for candidate in result["candidates"]:
        found = candidate["fitness"]
        text = "not measured, it is the mean of the searches' means"
        if found:
            text = f"{found['score']:.3f} ({found['low']:.3f} to {found['high']:.3f}) in {found['games']} games"
        print(f"{candidate['kind']:<10} {candidate['hash']}  fitness {text}")
    for proof in result["proofs"]:
        verdict = proof["verdict"]
        low, high = verdict["elo_interval"]
        print(
            f"proof of {proof['kind']}: {verdict['outcome']} after {verdict['blocks']} blocks, score "
            f"{verdict['mean']:.3f}, {verdict['elo']:+.0f} Elo ({low:+.0f} to {high:+.0f}); {proof['file']}"
        )
    for row in result["changed"]:
        print(f"  {row['weight']:<34} {row['before']:>9.3f} -> {row['after']:>9.3f}")
    print(
        f"{result['games']} games; search {result['search_s']} s, proof {result['proof_s']} s; plot: {result['plot']}"
    )
    print(f"profile: {result['saved']}" if result["saved"] else "no candidate was proved better; nothing to use")
