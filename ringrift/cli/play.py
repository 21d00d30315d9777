"""`ringrift play`: a series of games between computer players, a sequential test of two, or a game at the terminal."""

import json
import os
import sys
import time
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ringrift.errors import InvalidInput, RingRiftError

if TYPE_CHECKING:
    from ringrift.config import Config
    from ringrift.play.summary import Series
    from ringrift.players.participant import Participant
    from ringrift.stats.sprt import SequentialTest

GAMES = 10
PLAYER_HELP = (
    "heuristic, heuristic:3, D5 (ladder), B4 (benchmark), model:FILE, export:FOLDER or human; then @BUDGET, /PROFILE, "
    "+profile:FILE, +light or +value:FILE."
)


def play_command(
    p1: Annotated[str, typer.Option("--p1", help=f"Player 1: {PLAYER_HELP}")],
    p2: Annotated[
        str | None, typer.Option("--p2", help="Player 2. The last player given fills the remaining seats.")
    ] = None,
    p3: Annotated[str | None, typer.Option("--p3", help="Player 3.")] = None,
    p4: Annotated[str | None, typer.Option("--p4", help="Player 4.")] = None,
    config: Annotated[
        str, typer.Option("-c", "--configs", help="Board config, for example square8_2p.")
    ] = "square8_2p",
    games: Annotated[
        int | None, typer.Option(min=1, max=100_000, help=f"Games, rounded up to whole blocks; default: {GAMES}.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Play until a sequential test (SPRT, 0 against +35 Elo) decides.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Random seed.")] = 0,
    opening_plies: Annotated[
        int | None, typer.Option(min=0, max=6, help="Random opening plies; default: 4, or 0 with a human.")
    ] = None,
    time_ms: Annotated[int | None, typer.Option(min=1, max=3_600_000, help="Maximum CPU time per move, in ms.")] = None,
    save: Annotated[Path | None, typer.Option(help="Save the games as a game set (.parquet).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Play a series between players, or play yourself (--p1 human).

    Games come in blocks: all rotations of the players through the seats, from one random opening. With --gate
    blocks are played until the test decides whether player 1 is stronger, at most --games (default 256 blocks);
    --save then also writes the evidence beside the games, for `ringrift gate verify`. Equal seed and players give
    equal games, but not with --time-ms: how far a search comes in a time is chance.
    """
    from ringrift.config import parse_config
    from ringrift.play.player_text import read_player, with_ceiling
    from ringrift.play.summary import Series, check_seats
    from ringrift.specs.match import DEFAULT_OPENING_PLIES

    played = parse_config(config)
    specs = _given([p1, p2, p3, p4])
    check_seats(len(specs), played)
    players = [read_player(spec, played) for spec in specs]
    if time_ms is not None:
        unlimited, players = players, [with_ceiling(player, time_ms) for player in players]
        if players == unlimited:
            raise InvalidInput("--time-ms", time_ms, "none of these players searches; leave it out")
    _check_target(save, gate)
    computers = [player for player in players if player is not None]
    if len(computers) < len(players):
        options = {"--games": games not in (None, 1), "--gate": gate, "--json": as_json}
        if wrong := [name for name, given in options.items() if given]:
            raise InvalidInput("options", wrong, "a human plays one game in the terminal; leave them out")
        seats = [players[min(seat, len(players) - 1)] for seat in range(played.players)]
        _play_human(played, specs, seats, seed, opening_plies or 0, save)
        return
    blocks, test = series_length(games, gate, played.players)
    total = blocks * played.players
    if total > (games or total):
        print(f"{games} games are {blocks} blocks of {played.players}: {total} games", file=sys.stderr)
    plies = DEFAULT_OPENING_PLIES if opening_plies is None else opening_plies
    series = Series(
        config=played, specs=specs, players=computers, blocks=blocks, seed=seed, opening_plies=plies, gate=test
    )
    show_series(series, save, as_json)


def _given(options: Sequence[str | None]) -> list[str]:
    """The players in order. Raises InvalidInput for a gap."""
    specs = [spec for spec in options if spec is not None]
    if options[: len(specs)] != specs:
        missing = options.index(None) + 1
        raise InvalidInput("players", specs, f"--p{missing} is missing before --p{missing + 1} or later")
    return specs


def _check_target(path: Path | None, gate: bool) -> None:
    if path is None:
        return
    if path.suffix != ".parquet":
        raise InvalidInput("--save", str(path), "use a file name that ends in .parquet")
    for target in [path, _evidence_path(path)] if gate else [path]:
        if target.exists():
            raise InvalidInput("--save", str(target), "this file is there already: name another, or remove it")


def _evidence_path(path: Path) -> Path:
    return path.with_suffix(".gate.json")


def series_length(games: int | None, gate: bool, seats: int) -> tuple[int, "SequentialTest | None"]:
    """(blocks, the test or None): with a test the blocks are its most."""
    from ringrift.stats.sprt import SequentialTest

    if not gate:
        return ceil((games or GAMES) / seats), None
    usual = SequentialTest()
    most = usual.max_blocks if games is None else games // seats
    if most < usual.min_blocks:
        raise InvalidInput("--games", games, f"a gate decides after {usual.min_blocks * seats} games at the earliest")
    return most, SequentialTest(max_blocks=most)


# --- a series -----------------------------------------------------------------------------------------------


def show_series(series: "Series", save: Path | None, as_json: bool) -> None:
    """Play a series and print what came out; `save` is a new game set, beside it a gate's evidence."""
    from ringrift.gamesets.schema import table_of
    from ringrift.gamesets.shards import write_shard
    from ringrift.play.summary import gate_evidence, summarize, whole_blocks

    rows, stopped = _played(series)
    rows = whole_blocks(series, rows)
    if not rows:
        raise RingRiftError("stopped before the first block was whole: nothing to show")
    if save is not None:
        write_shard(save, table_of(rows))
    result = {**summarize(series, rows), "whole": not stopped, "saved": str(save) if save else None, "evidence": None}
    if series.gate and not stopped:
        held = gate_evidence(series, rows)  # without --save too: it refuses games that repeat
        if save is not None:
            from ringrift.files import write_json

            write_json(_evidence_path(save), held)
            result["evidence"] = str(_evidence_path(save))
    if as_json:
        print(json.dumps(result))
    else:
        _show(result)
    if stopped:
        print(f"stopped: only the {result['blocks']} whole blocks before count", file=sys.stderr)
        raise typer.Exit(1)


def _played(series: "Series") -> tuple[list[dict[str, Any]], bool]:
    """(rows, True if Ctrl-C stopped it), with a line on stderr that follows the games."""
    from ringrift.play.series import play_series, warm_up
    from ringrift.play.summary import block_score

    rows: list[dict[str, Any]] = []
    scores: list[float] = []
    seats = series.config.players
    with Live(Text("loading the kernels"), console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        try:
            warm_up(series)
            begin, line = time.perf_counter(), ""
            for row in play_series(series):
                rows.append(row)
                if len(rows) % seats == 0:
                    scores.append(block_score(series, rows[-seats:], 0))
                    line = _standing(series, scores)
                rate = len(rows) / (time.perf_counter() - begin)
                text = f"game {len(rows)} of {series.blocks * seats}{line} · {rate:.3g} games/s"
                live.update(Text(text), refresh=True)
        except KeyboardInterrupt:
            return rows, True
    return rows, False


def _standing(series: "Series", scores: list[float]) -> str:
    """The score of player 1 with its interval, and how far the test is."""
    from ringrift.stats.intervals import standing
    from ringrift.stats.sprt import judge_blocks

    found = standing(scores)
    text = f" · {series.specs[0]} {found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"
    if series.gate:
        llr = judge_blocks(scores, series.gate, players=series.config.players).llr
        text += f" · LLR {llr:+.2f} ({series.gate.lower:.2f} to {series.gate.upper:.2f})"
    return text


def _show(result: dict[str, Any]) -> None:
    table = Table(box=None)
    for name in ("", "player", "label", "key"):
        table.add_column(name)
    for name in ("games", "wins", "capped", "score", "95 % interval", "Elo", "95 % interval", "CPU ms a decision"):
        table.add_column(name, justify="right")
    for row, effort in zip(result["players"], result["effort"], strict=True):
        each = effort["cpu_ms_per_decision"]
        seats = "" if row["seats"] == 1 else f" x{row['seats']}"
        score, elo = row["interval"], row["elo_interval"]
        table.add_row(
            f"p{row['player']}",
            row["spec"] + seats,
            row["label"],
            row["key"],
            *(str(row[name]) for name in ("games", "wins", "capped")),
            f"{row['score']:.3f}",
            f"{score[0]:.3f} to {score[1]:.3f}",
            f"{row['elo']:+.0f}",
            " to ".join("no bound" if end is None else f"{end:+.0f}" for end in elo),
            "" if each is None else f"{each:.3g}",
        )
    Console(width=160).print(table)
    ends = ", ".join(f"{name} {count}" for name, count in result["victories"].items())
    print(
        f"{result['config']}: {result['games']} games in {result['blocks']} blocks, {result['mean_plies']:.1f} plies a "
        f"game, {result['games_per_s']:.3g} games/s; ended by {ends or 'nothing'}"
    )
    if result["gate"]:
        verdict, bounds = result["gate"]["verdict"], "{:.2f} to {:.2f}".format(*result["gate"]["bounds"])
        outcome = "undecided" if verdict["outcome"] == "continue" else verdict["outcome"]
        print(f"gate: {outcome} after {verdict['blocks']} blocks, LLR {verdict['llr']:.3f} ({bounds})")
    for name in ("saved", "evidence"):
        if result[name]:
            print(f"{name}: {result[name]}")


# --- a human ------------------------------------------------------------------------------------------------


def _play_human(
    config: "Config",
    specs: Sequence[str],
    seats: "list[Participant | None]",
    seed: int,
    opening_plies: int,
    save: Path | None,
) -> None:
    from ringrift.gamesets.schema import table_of
    from ringrift.gamesets.shards import write_shard
    from ringrift.play.human import human_row, play_human
    from ringrift.play.player_text import load_networks, load_values, profiles_of
    from ringrift.play.series import JOB
    from ringrift.seeds import seed_number

    number, begin = seed_number(seed, JOB, config.key, 0), time.perf_counter()
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    game = play_human(
        config, seats, number, iter(sys.stdin.readline, ""), sys.stdout, opening_plies=opening_plies, color=color,
        evaluators=load_networks(specs, config), values=load_values(specs, config),
        profiles=profiles_of(specs, config),
    )  # fmt: skip
    if save is None or not game.moves:
        return
    row = human_row(game, seats, number, opening_plies=opening_plies, duration_s=time.perf_counter() - begin)
    write_shard(save, table_of([row]))
    print(f"saved: {save}" + ("" if game.over else ", as a game without a result"))
