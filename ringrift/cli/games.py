"""`ringrift games`: look at game sets, verify them, replay a game."""

import json
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as TextTable

from ringrift.cli.options import EXIT_FAILED
from ringrift.errors import InvalidInput, cut, printable
from ringrift.files import check_target
from ringrift.progress import progress_bar

games_app = typer.Typer(help="Inspect, verify and replay recorded games.", no_args_is_help=True)

SHARE, TOLD = 0.05, 20  # of `prove`: games played again, problems shown

PathsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Game set files or folders; default: the home's training data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
ConfigOption = Annotated[str | None, typer.Option("-c", "--configs", help="Only these configs, comma separated.")]


def _load(paths: list[Path] | None, configs: str | None) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    from ringrift.config import parse_config
    from ringrift.gamesets.find import find_game_sets
    from ringrift.gamesets.shards import read_shard

    table = pa.concat_tables([read_shard(path) for path in find_game_sets(paths or [])])
    if configs:
        keys = [parse_config(key).key for key in configs.split(",")]
        table = table.filter(pc.is_in(table["config"], pa.array(keys)))
    return table


@games_app.command("stats")
def stats(paths: PathsArgument = None, configs: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show games, plies, results and duplicates per config."""
    from ringrift.gamesets.dedup import dedup

    table = _load(paths, configs)
    unique, _ = dedup(table)
    kept = Counter(unique["config"].to_pylist())
    columns = {name: table[name].to_pylist() for name in ("config", "plies", "winner", "victory", "source", "capped")}
    result: dict[str, dict[str, Any]] = {}
    for key in sorted(set(columns["config"])):
        rows = [i for i, value in enumerate(columns["config"]) if value == key]
        picked = {name: [values[i] for i in rows] for name, values in columns.items()}
        result[key] = {
            "games": len(rows),
            "unique": kept[key],
            "capped": sum(picked["capped"]),
            "mean_plies": round(sum(picked["plies"]) / len(rows), 1),
            "wins": {str(p): n for p, n in sorted(Counter(w for w in picked["winner"] if w is not None).items())},
            "victories": dict(Counter(v for v in picked["victory"] if v is not None).most_common()),
            "sources": dict(Counter(picked["source"])),
        }
    if as_json:
        print(json.dumps(result))
        return
    view = TextTable(box=None)
    for name in ("config", "games", "unique", "capped", "plies/game", "wins by seat", "victories", "sources"):
        view.add_column(name)
    for key, row in result.items():
        texts = [", ".join(f"{k} {v}" for k, v in row[name].items()) for name in ("wins", "victories", "sources")]
        counts = [str(row[name]) for name in ("games", "unique", "capped", "mean_plies")]
        view.add_row(key, *counts, *texts)
    Console(width=160).print(view)


@games_app.command("verify")
def verify(paths: PathsArgument = None, configs: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Replay every game through the rules engine; exit 1 if one is rejected."""
    from ringrift.gamesets.replay_check import verify_rows

    table, batch = _load(paths, configs), 500
    reasons: Counter[str] = Counter()
    examples: list[str] = []
    with progress_bar() as bar:
        task = bar.add_task("replaying", total=table.num_rows)
        for start in range(0, table.num_rows, batch):
            part = table.slice(start, batch)
            _, rejects = verify_rows(part)
            for row in rejects.select(["job", "game_index", "reject_reason", "reject_detail"]).to_pylist():
                reasons[row["reject_reason"]] += 1
                examples.append(
                    f"{row['job']} game {row['game_index']}: {row['reject_reason']}: {row['reject_detail']}"
                )
            bar.advance(task, part.num_rows)
    rejected = sum(reasons.values())
    if as_json:
        print(json.dumps({"games": table.num_rows, "verified": table.num_rows - rejected, "rejects": reasons}))
    else:
        print(f"{table.num_rows} games, {table.num_rows - rejected} verified, {rejected} rejected")
        for text in examples[:20]:
            print(f"  {text}")
    if rejected:
        raise typer.Exit(1)


@games_app.command("prove")
def prove_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Game sets with their plans beside them, or folders; default: all the home has played."),
    ] = None,
    configs: ConfigOption = None,
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of each job's games to play again.")] = SHARE,
    host: Annotated[str | None, typer.Option(help="Only games that this host of the hosts file played.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare stored games with their plans, replay them, and play a share of them again, bit for bit.

    Exit 1 if a game does not hold. Which games are played again is drawn anew each time.
    """
    from ringrift.cli.stored_games import prove_stored, stored_sets
    from ringrift.config import parse_config

    wanted = {parse_config(key.strip()).key for key in configs.split(",")} if configs else None
    found = prove_stored(stored_sets(paths or []), wanted, share, host)
    problems = [problem for proof in found.values() for problem in proof.problems]
    if as_json:
        print(json.dumps({"hosts": {name: asdict(proof) for name, proof in found.items()}, "holds": not problems}))
    else:
        for name, proof in found.items():
            text = f"{name}: {proof.games} games, {proof.proved} played again, {len(proof.problems)} problems"
            print(text + (f", {proof.decided} decided again (a weaker proof)" if proof.decided else ""))
        for problem in problems[:TOLD]:
            print(printable(cut(problem)))
        if len(problems) > TOLD:
            print(f"and {len(problems) - TOLD} more")
    if problems:
        raise typer.Exit(EXIT_FAILED)


@games_app.command("replay")
def replay_command(
    game: Annotated[str, typer.Argument(help="Game hash (or its first digits), or its index from 0.")],
    paths: PathsArgument = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a self-contained HTML page to step through the game.")
    ] = None,
    ply: Annotated[int | None, typer.Option(help="Show the position after this many plies.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay one game: in the terminal, as JSON, or as one self-contained HTML page."""
    from ringrift.gamesets.game_hash import game_dict

    if html is not None:
        check_target(html, "--html")
    row = _find(_load(paths, None), game)
    if ply is not None and not 0 <= ply <= row["plies"]:
        raise InvalidInput("--ply", ply, f"this game has 0 to {row['plies']}")
    if as_json:
        print(json.dumps({"game_hash": row["game_hash"], **game_dict(row)}))
        return
    played = _play(row, row["plies"] if ply is None else ply)
    if html is not None:
        _write_page(row, html)
        print(f"{html}: {row['config']} game {row['game_hash']}, {row['plies']} plies")
        return
    print(f"game {row['game_hash']}, {row['config']}, {row['job']} game {row['game_index']}")
    print(" ".join(game_dict(row)["moves"]))
    print(played.render())


def _find(table: Any, game: str) -> dict[str, Any]:
    hashes = table["game_hash"].to_pylist()
    number = re.fullmatch("0|[1-9][0-9]{0,9}", game)
    if number and int(game) < len(hashes):  # a number comes first: a hash may begin with its digits
        return table.slice(int(game), 1).to_pylist()[0]
    matches = [i for i, value in enumerate(hashes) if value.startswith(game)]
    if not matches:
        numbers = f" or a number from 0 to {len(hashes) - 1}" if hashes else ""
        allowed = f"give a hash{numbers}"
        raise InvalidInput("game", game, allowed, problem=f"no game {cut(game, 100)} among {len(hashes)}")
    if len({hashes[i] for i in matches}) > 1:
        raise InvalidInput("game", game, f"{len(matches)} games begin so; give more digits")
    return table.slice(matches[0], 1).to_pylist()[0]


def _play(row: dict[str, Any], plies: int) -> Any:
    from ringrift.rules.game import Game

    played = Game(row["config"], json.loads(row["options"]))
    for code in row["moves"][:plies]:
        played.play(code)
    return played


def _write_page(row: dict[str, Any], path: Path) -> None:
    from ringrift.files import write_text
    from ringrift.render.replay_page import frame_of, replay_page

    game = _play(row, 0)
    frames = [frame_of(game.state, None)]
    for code in row["moves"]:
        game.play(code)
        frames.append(frame_of(game.state, code))
    about = {name: row[name] for name in ("game_hash", "config", "iteration", "job", "game_index", "victory")}
    ended = f"player {row['winner']} wins: {row['victory']}" if row["winner"] else f"stopped after {row['plies']} plies"
    write_text(path, replay_page(f"{row['config']} {row['game_hash']}", frames, about | {"result": ended}))
